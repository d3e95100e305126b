-- What is owed, by currency and by how late it is. Documents without an amount, which Qonto
-- has not read yet, have a line of their own.
SELECT
    currency,
    age,
    count(*) AS invoices,
    sum(amount) AS amount
FROM {{ ref('payables') }}
GROUP BY 1, 2
ORDER BY currency, max(due_date) DESC NULLS LAST
