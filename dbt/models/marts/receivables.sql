-- What is due to us: one row for each open invoice to a client, with the place of its file.
-- What was paid in part, and what credit notes took back, is no longer due.
WITH credited AS (
    SELECT
        invoice_id,
        total_amount_currency AS currency,
        sum(total_amount) AS amount
    FROM {{ ref('stg_qonto__credit_notes') }}
    GROUP BY 1, 2
),

open_invoices AS (
    SELECT
        invoices.id AS client_invoice_id,
        invoices.status,
        invoices.client_id,
        invoices.client ->> 'name' AS client_name,
        invoices.number AS invoice_number,
        invoices.total_amount
        - CASE
            WHEN invoices.amount_paid_currency = invoices.total_amount_currency
                THEN invoices.amount_paid
            ELSE 0
        END
        - coalesce(credited.amount, 0) AS amount,
        invoices.total_amount_currency AS currency,
        invoices.issue_date,
        invoices.due_date,
        invoices.attachment_id
    FROM {{ ref('stg_qonto__client_invoices') }} AS invoices
    LEFT JOIN credited
        ON invoices.id = credited.invoice_id
            AND invoices.total_amount_currency = credited.currency
    WHERE invoices.status NOT IN ('draft', 'paid', 'canceled')
)

SELECT
    open_invoices.client_invoice_id,
    open_invoices.status,
    open_invoices.client_id,
    open_invoices.client_name,
    open_invoices.invoice_number,
    open_invoices.amount,
    open_invoices.currency,
    open_invoices.issue_date,
    open_invoices.due_date,
    CASE
        WHEN open_invoices.due_date IS NULL THEN 'no due date'
        WHEN open_invoices.due_date >= current_date THEN 'not due yet'
        WHEN open_invoices.due_date >= current_date - 30 THEN '1 to 30 days late'
        WHEN open_invoices.due_date >= current_date - 60 THEN '31 to 60 days late'
        WHEN open_invoices.due_date >= current_date - 90 THEN '61 to 90 days late'
        ELSE 'more than 90 days late'
    END AS age,
    files.location AS file_location,
    files.location_base_name AS file_base_name
FROM open_invoices
LEFT JOIN {{ ref('stg_qonto__client_invoice_attachments') }} AS files
    ON open_invoices.client_invoice_id = files.client_invoice_id
        AND open_invoices.attachment_id = files.id
        AND files.status = 'downloaded'
WHERE open_invoices.amount > 0
