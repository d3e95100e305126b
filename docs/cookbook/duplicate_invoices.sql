-- Pairs of invoices of one supplier that may be one invoice: the same number but for
-- spaces and signs, or the same amount and day of issue.
WITH supplier_invoices AS (
    SELECT
        id,
        status,
        created_at AT TIME ZONE 'UTC' AS created_at,
        supplier_id,
        supplier_name,
        invoice_number,
        (total_amount ->> 'value')::numeric(38, 4) AS total_amount,
        total_amount ->> 'currency' AS total_amount_currency,
        issue_date::date AS issue_date,
        is_credit_note
    FROM qonto.supplier_invoices
),

invoices AS (
    SELECT
        id,
        created_at,
        supplier_name,
        coalesce(supplier_id, lower(supplier_name)) AS supplier,
        nullif(upper(regexp_replace(invoice_number, '[^A-Za-z0-9]', '', 'g')), '') AS number,
        total_amount,
        total_amount_currency,
        issue_date
    FROM supplier_invoices
    WHERE status NOT IN ('rejected', 'discarded')
        AND is_credit_note IS NOT TRUE
),

pairs AS (
    SELECT
        later.supplier_name,
        earlier.id AS earlier_id,
        later.id AS later_id,
        coalesce(earlier.number = later.number, FALSE) AS same_number,
        coalesce(
            earlier.total_amount = later.total_amount
            AND earlier.total_amount_currency = later.total_amount_currency
            AND earlier.issue_date = later.issue_date,
            FALSE
        ) AS same_amount_and_day
    FROM invoices AS earlier
    INNER JOIN invoices AS later
        ON earlier.supplier = later.supplier
            AND (
                earlier.created_at < later.created_at
                OR (earlier.created_at = later.created_at AND earlier.id < later.id)
            )
)

SELECT *
FROM pairs
WHERE same_number OR same_amount_and_day
ORDER BY supplier_name, later_id, earlier_id;
