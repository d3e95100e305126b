-- The documents of each transaction, and where they are; a transaction without any has one row.
WITH transactions AS (
    SELECT
        id,
        transaction_id,
        amount::numeric(38, 4) AS amount,
        currency,
        side,
        status,
        label,
        emitted_at AT TIME ZONE 'UTC' AS emitted_at,
        attachment_ids
    FROM qonto.transactions
),

transaction_attachments AS (
    SELECT
        transaction_id,
        id,
        file_name,
        status,
        location,
        regexp_replace(location, '^.*[/\\]', '') AS location_base_name
    FROM qonto.transaction_attachments
)

SELECT
    transactions.id AS transaction_id,
    transactions.emitted_at,
    transactions.label,
    transactions.side,
    transactions.amount,
    transactions.currency,
    files.id AS attachment_id,
    files.file_name,
    files.status,
    files.location,
    files.location_base_name,
    -- The row and the file of a receipt stay when somebody removes it in Qonto.
    strpos(coalesce(transactions.attachment_ids::text, ''), split_part(files.id, '.', 1)) = 0
        AS is_removed
FROM transactions AS transactions
LEFT JOIN transaction_attachments AS files
    ON transactions.id = files.transaction_id
ORDER BY transactions.emitted_at, transactions.id, files.id;
