-- Made by "make generate" from the schema of the tap.
{{ qonto.staging('statements', {
    'id': 'text',
    'bank_account_id': 'text',
    'period': 'text',
    'period_start': 'day',
    'file': 'json',
    'extra_fields': 'json',
}) }}
