-- Made by "make generate" from the schema of the tap.
{{ qonto.staging('beneficiaries', {
    'id': 'text',
    'updated_at': 'instant',
    'created_at': 'instant',
    'name': 'text',
    'iban': 'text',
    'bic': 'text',
    'currency': 'text',
    'email': 'text',
    'activity_tag': 'text',
    'status': 'text',
    'trusted': 'flag',
    'account_number': 'text',
    'routing_number': 'text',
    'intermediary_bank_bic': 'text',
    'swift_sort_code': 'text',
    'extra_fields': 'json',
}) }}
