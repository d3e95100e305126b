-- Cash needed per week, and all together up to the end of that week.
-- What is late, or has no date, is needed this week.
WITH owed AS (
    SELECT
        greatest(coalesce(scheduled_date, due_date)::date, current_date) AS pay_on,
        payable_amount ->> 'currency' AS currency,
        (payable_amount ->> 'value')::numeric(18, 2) AS amount
    FROM qonto.supplier_invoices
    WHERE status NOT IN ('paid', 'archived', 'rejected', 'discarded')
        AND is_credit_note IS NOT TRUE
        AND (payable_amount ->> 'value')::numeric(18, 2) > 0
),

weeks AS (
    SELECT
        currency,
        date_trunc('week', pay_on)::date AS week,
        count(*) AS invoices,
        sum(amount) AS amount
    FROM owed
    GROUP BY 1, 2
)

SELECT
    currency,
    week,
    invoices,
    amount,
    sum(amount) OVER (PARTITION BY currency ORDER BY week) AS amount_so_far
FROM weeks
ORDER BY currency, week;
