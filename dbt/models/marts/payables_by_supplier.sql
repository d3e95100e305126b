-- What is owed to each supplier, by currency, and how much of it is late.
SELECT
    supplier_name,
    currency,
    count(*) AS invoices,
    sum(amount) AS amount,
    coalesce(sum(amount) FILTER (WHERE due_date < current_date), 0) AS amount_late,
    min(due_date) AS next_due_date
FROM {{ ref('payables') }}
WHERE amount IS NOT NULL
GROUP BY 1, 2
ORDER BY currency, amount DESC, supplier_name
