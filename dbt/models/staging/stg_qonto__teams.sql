-- Made by "make generate" from the schema of the tap.
{{ qonto.staging('teams', {
    'id': 'text',
    'name': 'text',
    'extra_fields': 'json',
}) }}
