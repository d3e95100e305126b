-- Made by "make generate" from the schema of the tap.
{{ qonto.staging('payment_links', {
    'id': 'text',
    'status': 'text',
    'expiration_date': 'instant',
    'created_at': 'instant',
    'potential_payment_methods': 'json',
    'amount': 'money',
    'items': 'json',
    'reusable': 'flag',
    'resource_type': 'text',
    'invoice_id': 'text',
    'invoice_number': 'text',
    'debitor_name': 'text',
    'extra_fields': 'json',
}) }}
