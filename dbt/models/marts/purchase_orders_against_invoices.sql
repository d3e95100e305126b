-- Open invoices whose description names a purchase order, and where the two differ.
SELECT
    orders.number AS order_number,
    invoices.id AS invoice_id,
    invoices.invoice_number,
    invoices.total_amount IS DISTINCT FROM orders.amount
        OR invoices.total_amount_currency IS DISTINCT FROM orders.currency
        AS amount_differs,
    lower(trim(invoices.supplier_name)) IS DISTINCT FROM lower(trim(orders.supplier_name))
        AS supplier_differs,
    upper(replace(invoices.iban, ' ', '')) IS DISTINCT FROM upper(replace(orders.iban, ' ', ''))
        AS iban_differs
FROM {{ ref('stg_purchase_orders') }} AS orders
INNER JOIN {{ ref('stg_qonto__supplier_invoices') }} AS invoices
    ON ' ' || invoices.description || ' ' LIKE '% ' || orders.number || ' %'
WHERE invoices.status NOT IN ('paid', 'archived', 'rejected', 'discarded')
    AND invoices.is_credit_note IS NOT TRUE
ORDER BY orders.number, invoices.created_at, invoices.id
