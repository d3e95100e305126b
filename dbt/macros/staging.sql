{#- Select a table's columns in their types, without rows that the target marks as deleted.

    A column that the table lacks is null, and a table that is not there has no rows: streams
    and columns can be deselected, and plans of Qonto do not have all of them.

    Args:
        table: Name of the table in the schema of the sources.
        columns: Kinds by column: text, flag, integer, number, day, instant, json, money
            (which becomes an amount and its currency), or location (with its last part).
-#}
{% macro staging(table, columns) %}
{%- set relation = source('qonto', table) -%}
{%- set there = {} -%}
{#- Asked of the database: dbt's own cache of relations is not whole while threads fill it. -#}
{%- for column in adapter.get_columns_in_relation(relation) -%}
    {%- do there.update({column.name: column.data_type | lower}) -%}
{%- endfor -%}
SELECT
{%- for name, kind in columns.items() %}
    {{ qonto.typed(name, kind, there.get(name)) }}{{ "," if not loop.last }}
{%- endfor %}
{% if there -%}
FROM {{ relation }}
{%- if '_sdc_deleted_at' in there %}
WHERE _sdc_deleted_at IS NULL
{%- endif %}
{%- else -%}
WHERE FALSE
{%- endif %}
{%- endmacro %}


{#- Give a column its type.

    Args:
        name: The column.
        kind: As in `staging`.
        is: Its type in the table; none where it is not there.
-#}
{% macro typed(name, kind, is) %}
{%- set column = adapter.quote(name) if is else 'CAST(NULL AS text)' -%}
{%- set as = 'AS ' ~ adapter.quote(name) -%}
{%- if kind == 'money' -%}
    CAST({{ qonto.json(column) }} ->> 'value' AS numeric(38, 4)) {{ as }},
    {{ qonto.json(column) }} ->> 'currency' AS {{ adapter.quote(name ~ '_currency') }}
{%- elif kind == 'location' -%}
    CAST({{ column }} AS text) {{ as }},
    regexp_replace(CAST({{ column }} AS text), '^.*[/\\]', '')
    AS {{ adapter.quote(name ~ '_base_name') }}
{%- elif kind == 'json' -%}
    {{ qonto.json(column) }} {{ as }}
{%- elif kind == 'instant' and is and 'with time zone' in is -%}
    {{ column }} {{ as }}
{%- elif kind == 'instant' -%}
    CAST({{ column }} AS timestamp) AT TIME ZONE 'UTC' {{ as }}
{%- else -%}
    {%- set types = {
        'text': 'text', 'flag': 'boolean', 'integer': 'bigint', 'number': 'numeric(38, 4)',
        'day': 'date',
    } -%}
    CAST({{ column }} AS {{ types[kind] }}) {{ as }}
{%- endif -%}
{% endmacro %}
