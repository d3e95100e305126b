{{ config(severity='warn') }}
SELECT * FROM {{ ref('documents') }} WHERE NOT in_place AND status <> 'missing'
