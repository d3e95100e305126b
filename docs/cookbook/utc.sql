-- Right after a load: whether target-postgres stores time stamps in UTC.
SELECT
    max(_sdc_batched_at) BETWEEN (now() AT TIME ZONE 'UTC') - interval '45 minutes'
    AND (now() AT TIME ZONE 'UTC') AS is_utc
FROM qonto.supplier_invoices;
