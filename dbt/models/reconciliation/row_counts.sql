-- Rows of each table against Qonto's own count at the end of the last whole run, and what
-- explains a difference. Rows that Qonto deleted since they were read stay in tables that are
-- loaded by changes.
WITH counted AS (
{%- for stream in qonto.streams() %}
    {{ "UNION ALL" if not loop.first }}
    SELECT
        '{{ stream }}' AS stream,
        count(*) AS rows_in_table
    FROM {{ ref('stg_qonto__' ~ stream) }}
{%- endfor %}
),

runs AS (
    SELECT
        stream,
        ended_at,
        status,
        reason,
        source_count,
        row_number() OVER (PARTITION BY stream ORDER BY started_at DESC) AS place
    FROM {{ ref('stg_qonto__sync_log') }}
)

SELECT
    counted.stream,
    counted.rows_in_table,
    runs.source_count,
    counted.rows_in_table - runs.source_count AS difference,
    runs.ended_at AS counted_at,
    CASE
        WHEN runs.stream IS NULL THEN 'not read by a run that has a log'
        WHEN runs.status <> 'complete'
            THEN 'last run ' || runs.status || ': ' || coalesce(runs.reason, '')
        WHEN runs.source_count IS NULL THEN 'Qonto has no count of this list'
        WHEN counted.rows_in_table = runs.source_count THEN 'the same'
        WHEN counted.rows_in_table > runs.source_count THEN 'deleted at Qonto since'
        ELSE 'missing: read with a filter or a start_date, or lost'
    END AS explanation
FROM counted
LEFT JOIN runs ON counted.stream = runs.stream AND runs.place = 1
