"""Types of values that fit a JSON schema as they are, for `msgspec` to check."""

from __future__ import annotations

from decimal import Decimal
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from tap_qonto.output import values

if TYPE_CHECKING:
    from collections.abc import Mapping

_BUILTIN = (Decimal,)
"""Types whose values `msgspec` is not to read out of text."""
_TYPES: dict[str, Any] = {
    "string": str,
    "boolean": bool,
    "integer": Annotated[int, msgspec.Meta(ge=values.SMALLEST, le=values.LARGEST)],
    "number": int | Decimal,
}


def kind_of(shape: Mapping[str, Any]) -> str:
    """Return the one type of a shape beside null."""
    kinds = shape["type"] if isinstance(shape["type"], list) else [shape["type"]]
    kind: str = next(kind for kind in kinds if kind != "null")
    return kind


def has_format(shape: Mapping[str, Any]) -> bool:
    """Tell whether the shape holds dates or time stamps, at any depth."""
    inner = [*shape.get("properties", {}).values(), *filter(None, [shape.get("items")])]
    return "format" in shape or any(map(has_format, inner))


def type_of(shape: Mapping[str, Any]) -> Any:
    """Return the type of values that fit a shape as they are, for `msgspec`."""
    match kind_of(shape):
        case "object" if shape.get("properties"):
            inner = {name: type_of(inner) for name, inner in shape["properties"].items()}
            found: Any = struct(inner, is_closed=True)
        case "object":
            found = dict
        case "array" if shape.get("items"):
            found = GenericAlias(list, (type_of(shape["items"]),))
        case "array":
            found = list
        case kind:
            found = _TYPES[kind]
    return found | None


def fits(value: Any, kind: Any) -> bool:
    """Tell whether a value is of a type as it is."""
    try:
        msgspec.convert(value, kind, builtin_types=_BUILTIN)
    except msgspec.ValidationError:
        return False
    return True


def struct(types: Mapping[str, Any], *, is_closed: bool = False) -> type[msgspec.Struct]:
    """Return the type of objects with these fields; a closed one takes no others."""
    fields = [(name, kind, None) for name, kind in types.items()]
    found = msgspec.defstruct("Exact", fields, forbid_unknown_fields=is_closed, gc=False)
    # msgspec prepares a type at its first use; two threads that do so at once end the process.
    msgspec.convert({}, found)
    return found
