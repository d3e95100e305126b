-- Made by "make generate" from the schema of the tap.
{{ qonto.staging('direct_debit_collections', {
    'id': 'text',
    'direct_debit_subscription_id': 'text',
    'amount': 'money',
    'collection_date': 'day',
    'status': 'text',
    'status_reason': 'text',
    'unique_mandate_reference': 'text',
    'extra_fields': 'json',
}) }}
