-- What each client owes us, by currency, and how much of it is late.
SELECT
    client_name,
    currency,
    count(*) AS invoices,
    sum(amount) AS amount,
    coalesce(sum(amount) FILTER (WHERE due_date < current_date), 0) AS amount_late,
    min(due_date) AS next_due_date
FROM {{ ref('receivables') }}
GROUP BY 1, 2
ORDER BY currency, amount DESC, client_name
