-- Made by "make generate" from the schema of the tap.
{{ qonto.staging('organization', {
    'id': 'text',
    'slug': 'text',
    'name': 'text',
    'legal_name': 'text',
    'locale': 'text',
    'legal_country': 'text',
    'legal_form': 'text',
    'legal_address': 'text',
    'legal_sector': 'text',
    'legal_number': 'text',
    'legal_registration_date': 'day',
    'legal_share_capital': 'number',
    'contract_signed_at': 'instant',
    'address': 'json',
    'extra_fields': 'json',
}) }}
