-- Cash needed per week, and all together up to the end of that week.
-- What is late, or has no date, is needed this week.
WITH weeks AS (
    SELECT
        currency,
        date_trunc('week', greatest(coalesce(scheduled_date, due_date), current_date))::date
            AS week,
        count(*) AS invoices,
        sum(amount) AS amount
    FROM {{ ref('payables') }}
    WHERE amount > 0
    GROUP BY 1, 2
)

SELECT
    currency,
    week,
    invoices,
    amount,
    sum(amount) OVER (PARTITION BY currency ORDER BY week) AS amount_so_far
FROM weeks
ORDER BY currency, week
