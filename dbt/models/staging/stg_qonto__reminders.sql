-- Made by "make generate" from the schema of the tap.
{{ qonto.staging('reminders', {
    'id': 'text',
    'client_id': 'text',
    'send_to': 'json',
    'copy_to_self': 'flag',
    'rules': 'json',
    'extra_fields': 'json',
}) }}
