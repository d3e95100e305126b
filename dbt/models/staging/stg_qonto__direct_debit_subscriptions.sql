-- Made by "make generate" from the schema of the tap.
{{ qonto.staging('direct_debit_subscriptions', {
    'id': 'text',
    'direct_debit_mandate_id': 'text',
    'bank_account_id': 'text',
    'initial_collection_date': 'day',
    'amount': 'money',
    'reference': 'text',
    'status': 'text',
    'schedule_type': 'text',
    'notify_client': 'flag',
    'created_at': 'instant',
    'extra_fields': 'json',
}) }}
