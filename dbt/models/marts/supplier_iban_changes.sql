-- Invoices that ask for payment to another IBAN than the supplier's invoice before.
WITH invoices AS (
    SELECT
        id,
        created_at,
        supplier_name,
        coalesce(supplier_id, lower(supplier_name)) AS supplier,
        upper(replace(iban, ' ', '')) AS iban
    FROM {{ ref('stg_qonto__supplier_invoices') }}
    WHERE iban <> ''
),

in_order AS (
    SELECT
        id,
        created_at,
        supplier_name,
        iban,
        lag(iban) OVER (PARTITION BY supplier ORDER BY created_at, id) AS iban_before
    FROM invoices
)

SELECT
    supplier_name,
    id AS invoice_id,
    iban_before,
    iban
FROM in_order
WHERE iban <> iban_before
ORDER BY created_at DESC, id
