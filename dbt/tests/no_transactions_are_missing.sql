{{ config(severity='warn') }}
SELECT * FROM {{ ref('missing_transactions') }}
