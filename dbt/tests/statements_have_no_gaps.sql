{{ config(severity='warn') }}
SELECT * FROM {{ ref('statement_gaps') }}
