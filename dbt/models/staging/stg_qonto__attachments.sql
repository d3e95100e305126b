-- Made by "make generate" from the schema of the tap.
{{ qonto.staging('attachments', {
    'supplier_invoice_id': 'text',
    'id': 'text',
    'roles': 'json',
    'file_name': 'text',
    'file_content_type': 'text',
    'created_at': 'instant',
    'file_size': 'integer',
    'probative_attachment': 'json',
    'status': 'text',
    'location': 'location',
    'sha256': 'text',
    'content_base64': 'text',
    'error': 'text',
}) }}
