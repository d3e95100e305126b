-- Your purchase orders, if you load them beside Qonto's tables.
{{ config(materialized='view') }}
{{ qonto.staging('purchase_orders', {
    'number': 'text',
    'supplier_name': 'text',
    'iban': 'text',
    'currency': 'text',
    'amount': 'number',
}) }}
