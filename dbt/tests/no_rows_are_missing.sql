SELECT * FROM {{ ref('row_counts') }} WHERE explanation LIKE 'missing%'
