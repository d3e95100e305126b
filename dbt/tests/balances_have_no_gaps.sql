SELECT * FROM {{ ref('bank_balance_gaps') }}
