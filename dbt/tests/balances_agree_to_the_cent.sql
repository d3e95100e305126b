SELECT * FROM {{ ref('bank_account_agreement') }} WHERE NOT agrees
