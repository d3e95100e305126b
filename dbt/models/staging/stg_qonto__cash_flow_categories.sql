-- Made by "make generate" from the schema of the tap.
{{ qonto.staging('cash_flow_categories', {
    'id': 'text',
    'name': 'text',
    'type': 'text',
    'vat_rate': 'text',
    'subcategories': 'json',
    'extra_fields': 'json',
}) }}
