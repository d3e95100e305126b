-- Share of invoices without a stored file, by the month in which they came in.
SELECT
    date_trunc('month', invoices.created_at AT TIME ZONE 'UTC')::date AS month,
    count(*) AS invoices,
    count(*) FILTER (WHERE files.supplier_invoice_id IS NULL) AS without_file,
    round(100.0 * count(*) FILTER (WHERE files.supplier_invoice_id IS NULL) / count(*), 1)
        AS percent_without_file
FROM {{ ref('stg_qonto__supplier_invoices') }} AS invoices
LEFT JOIN (
    SELECT DISTINCT supplier_invoice_id
    FROM {{ ref('stg_qonto__attachments') }}
    WHERE status = 'downloaded'
) AS files
    ON invoices.id = files.supplier_invoice_id
GROUP BY 1
ORDER BY 1
