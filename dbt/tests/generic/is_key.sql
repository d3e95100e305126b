{#- Rows whose key is null or not theirs alone. -#}
{% test is_key(model, columns) %}
SELECT {{ columns | join(', ') }}
FROM {{ model }}
GROUP BY {{ columns | join(', ') }}
HAVING count(*) > 1{% for column in columns %} OR {{ column }} IS NULL{% endfor %}
{% endtest %}
