"""Shapes that several streams share."""

from __future__ import annotations

from typing import Any

from singer_sdk import typing as th

TEXT = th.StringType
FLAG = th.BooleanType
DAY = th.DateType
MOMENT = th.DateTimeType
INTEGER = th.IntegerType
NUMBER = th.NumberType
"""A JSON number; all its digits are kept."""
FREE_OBJECT = th.CustomType({"type": ["object", "null"], "additionalProperties": True})
FREE_ARRAY = th.ArrayType(th.CustomType({"type": ["object", "null"], "additionalProperties": True}))

MONEY = th.ObjectType(
    th.Property("value", TEXT, description="Exact decimal text, such as 22.10."),
    th.Property("currency", TEXT, description="ISO 4217 code, such as EUR."),
)
TEXTS = th.ArrayType(TEXT(nullable=True))


def objects(*properties: th.Property[Any]) -> th.ArrayType[th.ObjectType]:
    """Return the type of a list of objects; Qonto may send null among them."""
    return th.ArrayType(th.ObjectType(*properties, nullable=True))


def column(name: str, kind: Any, description: str) -> th.Property[Any]:
    """Return a column that can be null."""
    return th.Property(name, kind, description=description)


def key(name: str, description: str) -> th.Property[Any]:
    """Return a column of text that is part of a key, so it is never null."""
    return th.Property(name, TEXT, required=True, description=description)


def amount(
    name: str, what: str, currency: str = "`currency`", when_null: str = ""
) -> tuple[th.Property[Any], ...]:
    """Return the columns of an amount that Qonto gives twice.

    Args:
        name: Its name.
        what: What it is, in words.
        currency: Which currency it is in, in words.
        when_null: When it is null, in words.
    """
    rest = f"; {when_null}." if when_null else "."
    return (
        column(name, NUMBER, f"{what}, in major units of {currency}{rest}"),
        column(f"{name}_cents", INTEGER, f"{what}, in minor units of {currency}; exact{rest}"),
    )


def cents(of: str) -> th.Property[Any]:
    """Return the column with the minor units of an amount that has its currency in it."""
    return column(f"{of}_cents", INTEGER, f"`{of}` in minor units of its currency.")


def object_of(*properties: th.Property[Any]) -> th.ObjectType:
    """Return the type of an object that can be null."""
    return th.ObjectType(*properties)


def schema_of(*properties: th.Property[Any]) -> dict[str, Any]:
    """Return the schema of a stream with these columns, and one for what is unknown."""
    return th.PropertiesList(*properties, extra_fields()).to_dict()


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
