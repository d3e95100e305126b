-- Made by "make generate" from the schema of the tap.
{{ qonto.staging('einvoicing_settings', {
    'organization_id': 'text',
    'sending_status': 'text',
    'receiving_status': 'text',
    'extra_fields': 'json',
}) }}
