"""Shapes that several streams share."""

from __future__ import annotations

from singer_sdk import typing as th

TEXT = th.StringType
FLAG = th.BooleanType
DAY = th.DateType
MOMENT = th.DateTimeType

MONEY = th.ObjectType(
    th.Property("value", TEXT, description="Exact decimal text, such as 22.10."),
    th.Property("currency", TEXT, description="ISO 4217 code, such as EUR."),
)
TEXTS = th.ArrayType(TEXT)


def extra_fields() -> th.Property:
    """Return the column for what Qonto sends beyond the schema."""
    return th.Property(
        "extra_fields",
        th.ObjectType(additional_properties=True),
        description=(
            "Fields that Qonto sends and this version does not know, and values that "
            "do not fit their column, by dotted path; null when there are none."
        ),
    )
