-- Whether the transactions of each account agree with the bank's balances, to the cent. Pending
-- ones make up the difference between the balance and the authorized balance.
WITH transactions AS (
    SELECT
        id,
        bank_account_id,
        amount_cents,
        currency,
        settled_balance_cents,
        side,
        status,
        settled_at AT TIME ZONE 'UTC' AS settled_at
    FROM qonto.transactions
),

bank_accounts AS (
    SELECT
        id,
        name,
        status,
        currency,
        balance::numeric(38, 4) AS balance,
        balance_cents,
        authorized_balance_cents
    FROM qonto.bank_accounts
),

bank_balance_gaps AS (
    WITH settled AS (
        SELECT DISTINCT
            id,
            bank_account_id,
            settled_at,
            settled_balance_cents AS after_cents,
            settled_balance_cents - CASE WHEN side = 'credit' THEN amount_cents ELSE -amount_cents END
                AS before_cents
        FROM transactions
        WHERE settled_balance_cents IS NOT NULL
    ),

    -- The account's balance comes after all, as if it were before one more transaction.
    starts AS (
        SELECT
            id,
            bank_account_id,
            settled_at,
            before_cents AS cents
        FROM settled

        UNION ALL

        SELECT
            NULL AS id,
            id AS bank_account_id,
            NULL AS settled_at,
            balance_cents AS cents
        FROM bank_accounts
        WHERE balance_cents IS NOT NULL
            AND id IN (SELECT bank_account_id FROM settled)
    ),

    numbered_starts AS (
        SELECT
            *,
            row_number() OVER (
                PARTITION BY bank_account_id, cents ORDER BY settled_at, id
            ) AS place
        FROM starts
    ),

    numbered_ends AS (
        SELECT
            id,
            bank_account_id,
            settled_at,
            after_cents AS cents,
            row_number() OVER (
                PARTITION BY bank_account_id, after_cents ORDER BY settled_at, id
            ) AS place
        FROM settled
    ),

    open_starts AS (
        SELECT
            starts.*,
            row_number() OVER (
                PARTITION BY starts.bank_account_id ORDER BY starts.settled_at, starts.id
            ) - 1 AS gap
        FROM numbered_starts AS starts
        LEFT JOIN numbered_ends AS ends
            ON starts.bank_account_id = ends.bank_account_id
                AND starts.cents = ends.cents
                AND starts.place = ends.place
        WHERE ends.id IS NULL
    ),

    open_ends AS (
        SELECT
            ends.*,
            row_number() OVER (
                PARTITION BY ends.bank_account_id ORDER BY ends.settled_at, ends.id
            ) AS gap
        FROM numbered_ends AS ends
        LEFT JOIN numbered_starts AS starts
            ON ends.bank_account_id = starts.bank_account_id
                AND ends.cents = starts.cents
                AND ends.place = starts.place
        WHERE starts.place IS NULL
    )

    SELECT
        'missing' AS problem,
        coalesce(starts.bank_account_id, ends.bank_account_id) AS bank_account_id,
        ends.id AS after_transaction_id,
        starts.id AS before_transaction_id,
        ends.settled_at AS settled_after,
        starts.settled_at AS settled_before,
        starts.cents - ends.cents AS missing_cents
    FROM (SELECT * FROM open_starts WHERE gap > 0) AS starts
    FULL JOIN open_ends AS ends
        ON starts.bank_account_id = ends.bank_account_id AND starts.gap = ends.gap

    UNION ALL

    SELECT
        'doubled' AS problem,
        bank_account_id,
        id AS after_transaction_id,
        id AS before_transaction_id,
        min(settled_at) AS settled_after,
        max(settled_at) AS settled_before,
        NULL AS missing_cents
    FROM transactions
    GROUP BY bank_account_id, id
    HAVING count(*) > 1
),

sums AS (
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
    FROM transactions
    GROUP BY 1
),

gaps AS (
    SELECT
        bank_account_id,
        count(*) AS gaps
    FROM bank_balance_gaps
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
FROM bank_accounts AS accounts
LEFT JOIN sums ON accounts.id = sums.bank_account_id
LEFT JOIN gaps ON accounts.id = gaps.bank_account_id
-- Accounts of other banks, and members who may not see balances, have none.
WHERE accounts.balance_cents IS NOT NULL;
