-- Cash by week and currency: what the bank settled, which transfers are scheduled, what is owed
-- to suppliers and what is due from clients. Money that goes out is negative. What is late, or
-- has no date, stands in this week. A transfer that pays an open invoice counts as owed alone.
WITH paying AS (
    SELECT {{ qonto.elements('invoices.transfer_ids', texts=true) }} AS transfer_id
    FROM {{ ref('stg_qonto__supplier_invoices') }} AS invoices
    INNER JOIN {{ ref('payables') }} AS payables
        ON invoices.id = payables.supplier_invoice_id
),

movements AS (
    SELECT
        currency,
        (settled_at AT TIME ZONE 'UTC')::date AS day,
        CASE WHEN side = 'credit' THEN amount ELSE -amount END AS settled,
        0 AS scheduled,
        0 AS owed,
        0 AS due
    FROM {{ ref('stg_qonto__transactions') }}
    WHERE settled_balance_cents IS NOT NULL

    UNION ALL

    SELECT
        amount_currency AS currency,
        greatest(scheduled_date, current_date) AS day,
        0 AS settled,
        -amount AS scheduled,
        0 AS owed,
        0 AS due
    FROM {{ ref('stg_qonto__transfers') }}
    WHERE status IN ('pending', 'processing')
        AND id NOT IN (SELECT transfer_id FROM paying WHERE transfer_id IS NOT NULL)

    UNION ALL

    SELECT
        currency,
        greatest(coalesce(scheduled_date, due_date), current_date) AS day,
        0 AS settled,
        0 AS scheduled,
        -amount AS owed,
        0 AS due
    FROM {{ ref('payables') }}
    WHERE amount IS NOT NULL

    UNION ALL

    SELECT
        currency,
        greatest(due_date, current_date) AS day,
        0 AS settled,
        0 AS scheduled,
        0 AS owed,
        amount AS due
    FROM {{ ref('receivables') }}
)

SELECT
    currency,
    date_trunc('week', day)::date AS week,
    sum(settled) AS settled,
    sum(scheduled) AS scheduled,
    sum(owed) AS owed,
    sum(due) AS due
FROM movements
GROUP BY 1, 2
ORDER BY currency, week
