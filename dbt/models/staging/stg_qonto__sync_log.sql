-- Made by "make generate" from the schema of the tap.
{{ qonto.staging('sync_log', {
    'run_id': 'text',
    'stream': 'text',
    'started_at': 'instant',
    'ended_at': 'instant',
    'status': 'text',
    'reason': 'text',
    'rows': 'integer',
    'files': 'integer',
    'bytes': 'integer',
    'calls': 'integer',
    'seconds_waited': 'number',
    'source_count': 'integer',
    'bookmark': 'instant',
    'new_fields': 'json',
    'tap_version': 'text',
}) }}
