-- Streams whose last complete run is too long ago, from the log of the runs.
{{ config(severity='warn') }}
SELECT stream, max(ended_at) AS last_complete
FROM {{ ref('stg_qonto__sync_log') }}
WHERE status = 'complete'
GROUP BY stream
HAVING max(ended_at) < current_timestamp - {{ var('qonto_fresh_hours') }} * interval '1 hour'
