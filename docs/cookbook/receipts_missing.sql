-- Transactions that need a receipt and have none, by month, member and currency.
WITH transactions AS (
    SELECT
        id,
        amount::numeric(38, 4) AS amount,
        currency,
        status,
        emitted_at AT TIME ZONE 'UTC' AS emitted_at,
        initiator_id,
        attachment_ids,
        attachment_lost,
        attachment_required
    FROM qonto.transactions
),

memberships AS (
    SELECT
        id,
        first_name,
        last_name,
        status
    FROM qonto.memberships
)

SELECT
    date_trunc('month', transactions.emitted_at AT TIME ZONE 'UTC')::date AS month,
    transactions.initiator_id AS membership_id,
    concat_ws(' ', members.first_name, members.last_name) AS member,
    transactions.currency,
    count(*) AS transactions,
    sum(transactions.amount) AS amount,
    min(transactions.emitted_at) AS since
FROM transactions AS transactions
LEFT JOIN memberships AS members
    ON transactions.initiator_id = members.id
WHERE transactions.attachment_required
    AND transactions.attachment_lost IS NOT TRUE
    AND transactions.status <> 'declined'
    AND coalesce(transactions.attachment_ids::text, 'null') IN ('[]', '{}', 'null')
GROUP BY 1, 2, 3, 4
ORDER BY 1, count(*) DESC, member, 4;
