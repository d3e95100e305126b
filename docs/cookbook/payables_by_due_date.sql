-- What is owed, by currency and by how late it is. Documents without an amount, which Qonto
-- has not read yet, have a line of their own.
WITH supplier_invoices AS (
    SELECT
        id,
        status,
        attachment_id,
        display_attachment_id,
        supplier_id,
        supplier_name,
        invoice_number,
        iban,
        (payable_amount ->> 'value')::numeric(38, 4) AS payable_amount,
        payable_amount ->> 'currency' AS payable_amount_currency,
        issue_date::date AS issue_date,
        due_date::date AS due_date,
        scheduled_date::date AS scheduled_date,
        is_credit_note
    FROM qonto.supplier_invoices
),

attachments AS (
    SELECT
        supplier_invoice_id,
        id,
        status,
        location,
        regexp_replace(location, '^.*[/\\]', '') AS location_base_name
    FROM qonto.attachments
),

payables AS (
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
    FROM supplier_invoices AS invoices
    LEFT JOIN attachments AS files
        ON invoices.id = files.supplier_invoice_id
            AND coalesce(invoices.display_attachment_id, invoices.attachment_id) = files.id
            AND files.status = 'downloaded'
    WHERE invoices.status NOT IN ('paid', 'archived', 'rejected', 'discarded')
        AND invoices.is_credit_note IS NOT TRUE
        AND (invoices.payable_amount <= 0) IS NOT TRUE
)

SELECT
    currency,
    age,
    count(*) AS invoices,
    sum(amount) AS amount
FROM payables
GROUP BY 1, 2
ORDER BY currency, max(due_date) DESC NULLS LAST;
