{#- Take a column as JSON, whatever the target made of it: text, JSON, or an array of either. -#}
{% macro json(column) %}{{ adapter.dispatch('json', 'qonto')(column) }}{% endmacro %}

{% macro postgres__json(column) %}to_jsonb({{ column }}){% endmacro %}

{% macro duckdb__json(column) %}CAST({{ column }} AS json){% endmacro %}


{#- Yield the elements of a JSON list as rows, texts as text: to be selected. -#}
{% macro elements(column, texts=false) %}{{ adapter.dispatch('elements', 'qonto')(column, texts) }}{% endmacro %}

{% macro postgres__elements(column, texts) -%}
    jsonb_array_elements{{ '_text' if texts }}(CASE WHEN jsonb_typeof({{ column }}) = 'array' THEN {{ column }} END)
{%- endmacro %}

{% macro duckdb__elements(column, texts) -%}
    unnest(CAST({{ column }} AS {{ 'text' if texts else 'json' }} []))
{%- endmacro %}


{#- Yield each day from one to another: to be selected. -#}
{% macro days(first, last) %}{{ adapter.dispatch('days', 'qonto')(first, last) }}{% endmacro %}

{% macro postgres__days(first, last) -%}
    CAST(generate_series(CAST({{ first }} AS timestamp), CAST({{ last }} AS timestamp), interval '1 day') AS date)
{%- endmacro %}

{% macro duckdb__days(first, last) -%}
    CAST(unnest(generate_series(CAST({{ first }} AS timestamp), CAST({{ last }} AS timestamp), interval '1 day')) AS date)
{%- endmacro %}
