-- Every file that a row names, and whether it is in place: stored, with its hash and length.
-- Files that Qonto itself does not have are `missing`, and nobody can have them.
WITH named AS (
    SELECT 'supplier_invoices' AS named_in, id AS named_by, attachment_id
    FROM {{ ref('stg_qonto__supplier_invoices') }}
    WHERE attachment_id IS NOT NULL

    UNION

    SELECT 'supplier_invoices' AS named_in, id AS named_by, display_attachment_id
    FROM {{ ref('stg_qonto__supplier_invoices') }}
    WHERE display_attachment_id IS NOT NULL
{% for table in ['client_invoices', 'credit_notes', 'quotes'] %}
    UNION

    SELECT '{{ table }}' AS named_in, id AS named_by, attachment_id
    FROM {{ ref('stg_qonto__' ~ table) }}
    WHERE attachment_id IS NOT NULL
{% endfor %}
{%- for table in ['transactions', 'requests'] %}
    UNION

    SELECT '{{ table }}' AS named_in, id AS named_by,
        {{ qonto.elements('attachment_ids', texts=true) }} AS attachment_id
    FROM {{ ref('stg_qonto__' ~ table) }}
{% endfor %}
    UNION

    SELECT 'statements' AS named_in, id AS named_by, NULL AS attachment_id
    FROM {{ ref('stg_qonto__statements') }}
),

files AS (
{%- for table, parent, key in [
    ('attachments', 'supplier_invoices', 'supplier_invoice_id'),
    ('client_invoice_attachments', 'client_invoices', 'client_invoice_id'),
    ('credit_note_attachments', 'credit_notes', 'credit_note_id'),
    ('quote_attachments', 'quotes', 'quote_id'),
    ('transaction_attachments', 'transactions', 'transaction_id'),
    ('request_attachments', 'requests', 'request_id'),
    ('statement_files', 'statements', 'statement_id'),
] %}
    {{ "UNION ALL" if not loop.first }}
    SELECT
        '{{ parent }}' AS named_in,
        {{ key }} AS named_by,
        {{ 'NULL' if parent == 'statements' else 'id' }} AS attachment_id,
        status, file_name, file_size, sha256, location, location_base_name, error
    FROM {{ ref('stg_qonto__' ~ table) }}
{%- endfor %}
)

SELECT
    named.named_in,
    named.named_by,
    named.attachment_id,
    coalesce(files.status, 'no row') AS status,
    files.file_name,
    files.file_size,
    files.sha256,
    files.location,
    files.location_base_name,
    files.error,
    coalesce(
        files.status = 'downloaded' AND length(files.sha256) = 64 AND files.file_size IS NOT NULL,
        FALSE
    ) AS in_place
FROM named
LEFT JOIN files
    ON named.named_in = files.named_in
        AND named.named_by = files.named_by
        AND named.attachment_id IS NOT DISTINCT FROM files.attachment_id
