-- Share of invoices without a stored file, by the month in which they came in.
WITH supplier_invoices AS (
    SELECT
        id,
        status,
        created_at AT TIME ZONE 'UTC' AS created_at
    FROM qonto.supplier_invoices
),

attachments AS (
    SELECT
        supplier_invoice_id,
        id,
        created_at AT TIME ZONE 'UTC' AS created_at,
        status
    FROM qonto.attachments
)

SELECT
    date_trunc('month', invoices.created_at AT TIME ZONE 'UTC')::date AS month,
    count(*) AS invoices,
    count(*) FILTER (WHERE files.supplier_invoice_id IS NULL) AS without_file,
    round(100.0 * count(*) FILTER (WHERE files.supplier_invoice_id IS NULL) / count(*), 1)
        AS percent_without_file
FROM supplier_invoices AS invoices
LEFT JOIN (
    SELECT DISTINCT supplier_invoice_id
    FROM attachments
    WHERE status = 'downloaded'
) AS files
    ON invoices.id = files.supplier_invoice_id
GROUP BY 1
ORDER BY 1;
