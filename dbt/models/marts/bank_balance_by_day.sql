-- Balance of each account at the end of each day (UTC), from its first transaction on. It is
-- today's balance without what settled later, so no order within a day is needed.
WITH settled AS (
    SELECT
        bank_account_id,
        (settled_at AT TIME ZONE 'UTC')::date AS day,
        sum(CASE WHEN side = 'credit' THEN amount ELSE -amount END) AS change
    FROM {{ ref('stg_qonto__transactions') }}
    WHERE settled_balance_cents IS NOT NULL
    GROUP BY 1, 2
),

spans AS (
    SELECT
        bank_account_id,
        min(day) AS first_day,
        greatest(max(day), current_date) AS last_day
    FROM settled
    GROUP BY 1
),

days AS (
    SELECT
        bank_account_id,
        {{ qonto.days('first_day', 'last_day') }} AS day
    FROM spans
)

SELECT
    days.bank_account_id,
    accounts.name AS bank_account_name,
    days.day,
    accounts.currency,
    accounts.balance - coalesce(sum(settled.change) OVER (
        PARTITION BY days.bank_account_id
        ORDER BY days.day DESC
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ), 0) AS balance
FROM days
INNER JOIN {{ ref('stg_qonto__bank_accounts') }} AS accounts
    ON days.bank_account_id = accounts.id
LEFT JOIN settled
    ON days.bank_account_id = settled.bank_account_id AND days.day = settled.day
ORDER BY days.bank_account_id, days.day
