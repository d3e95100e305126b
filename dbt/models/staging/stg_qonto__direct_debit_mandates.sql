-- Made by "make generate" from the schema of the tap.
{{ qonto.staging('direct_debit_mandates', {
    'id': 'text',
    'client_id': 'text',
    'unique_mandate_reference': 'text',
    'status': 'text',
    'created_at': 'instant',
    'mandate_signature_date': 'instant',
    'schedule_type': 'text',
    'notify_client': 'flag',
    'is_cancelable': 'flag',
    'payment_info': 'json',
    'extra_fields': 'json',
}) }}
