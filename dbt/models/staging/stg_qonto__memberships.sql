-- Made by "make generate" from the schema of the tap.
{{ qonto.staging('memberships', {
    'id': 'text',
    'first_name': 'text',
    'last_name': 'text',
    'email': 'text',
    'status': 'text',
    'role': 'text',
    'team_id': 'text',
    'residence_country': 'text',
    'nationality': 'text',
    'birth_country': 'text',
    'birthdate': 'day',
    'ubo': 'flag',
    'extra_fields': 'json',
}) }}
