-- Made by "make generate" from the schema of the tap.
{{ qonto.staging('labels', {
    'id': 'text',
    'name': 'text',
    'parent_id': 'text',
    'extra_fields': 'json',
}) }}
