-- What is due to us, by currency and by how late it is.
SELECT
    currency,
    age,
    count(*) AS invoices,
    sum(amount) AS amount
FROM {{ ref('receivables') }}
GROUP BY 1, 2
ORDER BY currency, max(due_date) DESC NULLS LAST
