-- Made by "make generate" from the schema of the tap.
{{ qonto.staging('terminals', {
    'id': 'text',
    'poi_id': 'text',
    'created_at': 'instant',
    'updated_at': 'instant',
    'extra_fields': 'json',
}) }}
