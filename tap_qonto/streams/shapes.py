"""Shapes that several streams share."""

from __future__ import annotations

from typing import Any

from singer_sdk import typing as th

TEXT = th.StringType
FLAG = th.BooleanType
DAY = th.DateType
MOMENT = th.DateTimeType

MONEY = th.ObjectType(
    th.Property("value", TEXT, description="Exact decimal text, such as 22.10."),
    th.Property("currency", TEXT, description="ISO 4217 code, such as EUR."),
)
TEXTS = th.ArrayType(TEXT(nullable=True))


def objects(*properties: th.Property[Any]) -> th.ArrayType[th.ObjectType]:
    """Return the type of a list of objects; Qonto may send null among them."""
    return th.ArrayType(th.ObjectType(*properties, nullable=True))


def extra_fields() -> th.Property[Any]:
    """Return the column for what Qonto sends beyond the schema."""
    return th.Property(
        "extra_fields",
        # Without the key `properties`: the SDK flattens an empty one away.
        th.CustomType({"type": ["object", "null"], "additionalProperties": True}),
        description=(
            "Fields that Qonto sends and this version does not know, and values that "
            "do not fit their column, by dotted path; null when there are none."
        ),
    )
