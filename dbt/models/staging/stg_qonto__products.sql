-- Made by "make generate" from the schema of the tap.
{{ qonto.staging('products', {
    'id': 'text',
    'organization_id': 'text',
    'title': 'text',
    'type': 'text',
    'unit': 'text',
    'description': 'text',
    'internal_note': 'text',
    'vat_exemption_code': 'text',
    'unit_price': 'money',
    'vat_rate': 'text',
    'links': 'json',
    'created_at': 'instant',
    'updated_at': 'instant',
    'extra_fields': 'json',
}) }}
