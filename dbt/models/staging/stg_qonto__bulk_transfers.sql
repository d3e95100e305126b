-- Made by "make generate" from the schema of the tap.
{{ qonto.staging('bulk_transfers', {
    'id': 'text',
    'updated_at': 'instant',
    'initiator_id': 'text',
    'created_at': 'instant',
    'total_count': 'integer',
    'completed_count': 'integer',
    'pending_count': 'integer',
    'failed_count': 'integer',
    'results': 'json',
    'extra_fields': 'json',
}) }}
