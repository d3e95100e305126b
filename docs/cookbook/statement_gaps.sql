-- Months without a statement between two months that have one, for each account.
WITH statements AS (
    SELECT
        bank_account_id,
        period_start::date AS period_start
    FROM qonto.statements
),

months AS (
    SELECT
        bank_account_id,
        period_start,
        lag(period_start) OVER (PARTITION BY bank_account_id ORDER BY period_start) AS month_before
    FROM statements
)

SELECT
    bank_account_id,
    (month_before + interval '1 month')::date AS first_missing_month,
    (period_start - interval '1 month')::date AS last_missing_month
FROM months
WHERE (month_before + interval '1 month')::date < period_start;
