-- Whether the transactions of each account agree with the bank's balances, to the cent. Pending
-- ones make up the difference between the balance and the authorized balance.
WITH sums AS (
    SELECT
        bank_account_id,
        sum(CASE
            WHEN settled_balance_cents IS NULL THEN 0
            WHEN side = 'credit' THEN amount_cents
            ELSE -amount_cents
        END) AS settled_cents,
        sum(CASE
            WHEN status <> 'pending' THEN 0
            WHEN side = 'credit' THEN amount_cents
            ELSE -amount_cents
        END) AS pending_cents,
        count(settled_balance_cents) AS settled_transactions
    FROM {{ ref('stg_qonto__transactions') }}
    GROUP BY 1
),

gaps AS (
    SELECT
        bank_account_id,
        count(*) AS gaps
    FROM {{ ref('bank_balance_gaps') }}
    GROUP BY 1
)

SELECT
    accounts.id AS bank_account_id,
    accounts.name,
    accounts.currency,
    accounts.balance_cents,
    coalesce(sums.settled_transactions, 0) AS settled_transactions,
    -- 0 where the history is whole from the day on which the account was opened.
    accounts.balance_cents - coalesce(sums.settled_cents, 0) AS opening_balance_cents,
    coalesce(gaps.gaps, 0) AS gaps,
    accounts.authorized_balance_cents - accounts.balance_cents AS authorized_cents,
    coalesce(sums.pending_cents, 0) AS pending_cents,
    coalesce(gaps.gaps, 0) = 0
    AND accounts.authorized_balance_cents - accounts.balance_cents
    = coalesce(sums.pending_cents, 0) AS agrees
FROM {{ ref('stg_qonto__bank_accounts') }} AS accounts
LEFT JOIN sums ON accounts.id = sums.bank_account_id
LEFT JOIN gaps ON accounts.id = gaps.bank_account_id
-- Accounts of other banks, and members who may not see balances, have none.
WHERE accounts.balance_cents IS NOT NULL
