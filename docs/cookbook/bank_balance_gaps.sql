-- Where an account's chain of balances breaks. Each transaction that settled says what the
-- balance was after it, and so what it was before. Each balance before is the balance after
-- another one, but for the first; each balance after is the balance before another one, but for
-- the account's own. A row that is missing leaves both ends open. The chain is followed by
-- balances, not by time: only where more than one end is open does time tell which is the first.
WITH transactions AS (
    SELECT
        id,
        bank_account_id,
        amount_cents,
        settled_balance_cents,
        side,
        settled_at AT TIME ZONE 'UTC' AS settled_at
    FROM qonto.transactions
),

bank_accounts AS (
    SELECT
        id,
        balance::numeric(38, 4) AS balance,
        balance_cents
    FROM qonto.bank_accounts
),

settled AS (
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
HAVING count(*) > 1;
