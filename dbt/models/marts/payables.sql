-- What is owed: one row for each open document, with the place of its file. A document that
-- Qonto has not read yet is owed, too, but not yet known how much.
SELECT
    invoices.id AS supplier_invoice_id,
    invoices.status,
    invoices.supplier_id,
    invoices.supplier_name,
    invoices.iban,
    invoices.invoice_number,
    invoices.payable_amount AS amount,
    invoices.payable_amount_currency AS currency,
    invoices.issue_date,
    invoices.due_date,
    invoices.scheduled_date,
    CASE
        WHEN invoices.payable_amount IS NULL THEN 'not read yet'
        WHEN invoices.due_date IS NULL THEN 'no due date'
        WHEN invoices.due_date >= current_date THEN 'not due yet'
        WHEN invoices.due_date >= current_date - 30 THEN '1 to 30 days late'
        WHEN invoices.due_date >= current_date - 60 THEN '31 to 60 days late'
        WHEN invoices.due_date >= current_date - 90 THEN '61 to 90 days late'
        ELSE 'more than 90 days late'
    END AS age,
    files.location AS file_location,
    files.location_base_name AS file_base_name
FROM {{ ref('stg_qonto__supplier_invoices') }} AS invoices
LEFT JOIN {{ ref('stg_qonto__attachments') }} AS files
    ON invoices.id = files.supplier_invoice_id
        AND coalesce(invoices.display_attachment_id, invoices.attachment_id) = files.id
        AND files.status = 'downloaded'
WHERE invoices.status NOT IN ('paid', 'archived', 'rejected', 'discarded')
    AND invoices.is_credit_note IS NOT TRUE
    AND (invoices.payable_amount <= 0) IS NOT TRUE
