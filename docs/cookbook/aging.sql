-- What is owed, by currency and by how late it is.
WITH owed AS (
    SELECT
        due_date::date AS due_date,
        payable_amount ->> 'currency' AS currency,
        (payable_amount ->> 'value')::numeric(18, 2) AS amount
    FROM qonto.supplier_invoices
    WHERE status NOT IN ('paid', 'archived', 'rejected', 'discarded')
        AND is_credit_note IS NOT TRUE
        AND (payable_amount ->> 'value')::numeric(18, 2) > 0
)

SELECT
    currency,
    CASE
        WHEN due_date IS NULL THEN 'no due date'
        WHEN due_date >= current_date THEN 'not due yet'
        WHEN due_date >= current_date - 30 THEN '1 to 30 days late'
        WHEN due_date >= current_date - 60 THEN '31 to 60 days late'
        WHEN due_date >= current_date - 90 THEN '61 to 90 days late'
        ELSE 'more than 90 days late'
    END AS age,
    count(*) AS invoices,
    sum(amount) AS amount
FROM owed
GROUP BY 1, 2
ORDER BY currency, max(due_date) DESC NULLS LAST;
