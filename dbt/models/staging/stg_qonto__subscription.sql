-- Made by "make generate" from the schema of the tap.
{{ qonto.staging('subscription', {
    'code': 'text',
    'name': 'text',
    'lineup': 'text',
    'status': 'text',
    'recurrence': 'text',
    'monthly_price': 'json',
    'trial_ends_at': 'instant',
    'extra_fields': 'json',
}) }}
