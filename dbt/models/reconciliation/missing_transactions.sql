-- Transactions that other tables name and the table of transactions lacks.
WITH named AS (
    SELECT
        'supplier_invoices' AS named_in,
        id AS named_by,
        {{ qonto.elements('matched_transactions_ids', texts=true) }} AS transaction_id
    FROM {{ ref('stg_qonto__supplier_invoices') }}

    UNION ALL

    SELECT
        'transfers' AS named_in,
        id AS named_by,
        transaction_id
    FROM {{ ref('stg_qonto__transfers') }}

    UNION ALL

    SELECT
        'transaction_attachments' AS named_in,
        id AS named_by,
        transaction_id
    FROM {{ ref('stg_qonto__transaction_attachments') }}
)

SELECT
    transaction_id,
    named_in,
    named_by
FROM named
WHERE transaction_id IS NOT NULL
    AND transaction_id NOT IN (SELECT id FROM {{ ref('stg_qonto__transactions') }})
