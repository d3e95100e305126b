-- VAT by month of issue, rate in percent and currency: deductible from suppliers' invoices,
-- collected on invoices to clients. Credit notes count against it. Qonto writes rates as
-- fractions and as percentages; what is below 1 is a fraction.
WITH taxes AS (
    SELECT
        issue_date,
        'deductible' AS direction,
        CASE WHEN is_credit_note THEN -1 ELSE 1 END AS sign,
        {{ qonto.elements('taxes') }} AS tax
    FROM {{ ref('stg_qonto__supplier_invoices') }}
    WHERE status NOT IN ('rejected', 'discarded')
),

items AS (
    SELECT
        issue_date,
        1 AS sign,
        {{ qonto.elements('items') }} AS item
    FROM {{ ref('stg_qonto__client_invoices') }}
    WHERE status NOT IN ('draft', 'canceled')

    UNION ALL

    SELECT
        issue_date,
        -1 AS sign,
        {{ qonto.elements('items') }} AS item
    FROM {{ ref('stg_qonto__credit_notes') }}
),

lines AS (
    SELECT
        issue_date,
        direction,
        CAST(tax ->> 'tax_rate' AS numeric(38, 4)) AS rate,
        tax -> 'tax_amount' ->> 'currency' AS currency,
        sign * CAST(tax -> 'tax_amount' ->> 'value' AS numeric(38, 4)) AS vat
    FROM taxes

    UNION ALL

    SELECT
        issue_date,
        'collected' AS direction,
        CAST(item ->> 'vat_rate' AS numeric(38, 4)) AS rate,
        item -> 'total_vat' ->> 'currency' AS currency,
        sign * CAST(item -> 'total_vat' ->> 'value' AS numeric(38, 4)) AS vat
    FROM items
)

SELECT
    date_trunc('month', issue_date)::date AS month,
    direction,
    CASE WHEN abs(rate) < 1 THEN 100 * rate ELSE rate END AS rate_percent,
    currency,
    count(*) AS lines,
    sum(vat) AS vat
FROM lines
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
