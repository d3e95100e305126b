"""Statements, and cash flow categories.

Source: docs.qonto.com, "List statements", "List cash flow categories".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_qonto.reading.list_stream import QontoStream
from tap_qonto.reading.paged import Paged
from tap_qonto.reading.whole import Whole
from tap_qonto.streams.shapes import (
    DAY,
    INTEGER,
    TEXT,
    column,
    key,
    object_of,
    objects,
    schema_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_qonto.reading.pages import Row

_PERIOD = re.compile(r"(\d\d)-(\d{4})", re.ASCII)
_PDF = object_of(
    column("file_name", TEXT, "Name of the file."),
    column("file_content_type", TEXT, "MIME type."),
    column("file_size", INTEGER, "Bytes."),
)


class Statements(QontoStream):
    """Monthly statements of each account."""

    name = "statements"
    path = "/v2/statements"
    collection = "statements"
    scope = "organization.read"
    ways = (Paged("period:asc"), Paged())
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    never_emitted = frozenset({"file.file_url"})

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the statement."),
        column("bank_account_id", TEXT, "Bank account of the statement."),
        column("period", TEXT, "Month, as MM-YYYY."),
        column("period_start", DAY, "First day of the month; derived from `period`."),
        column("file", _PDF, "Name, type and size of the PDF."),
    )

    @override
    def prepare(self, row: Row) -> Row:
        """Derive the first day of the period, written as in the page's examples."""
        return {**row, "period_start": period_start(row)}


def period_start(row: Mapping[str, Any]) -> str | None:
    """Return the first day of a statement's month, if it is written as MM-YYYY."""
    found = _PERIOD.fullmatch(str(row.get("period")))
    return f"{found[2]}-{found[1]}-01" if found else None


class CashFlowCategories(QontoStream):
    """Cash flow categories, each with its subcategories."""

    name = "cash_flow_categories"
    path = "/v2/cash_flow_categories"
    collection = "cash_flow_categories"
    scope = "cash_flow_category.read"
    ways = (Whole(),)
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the category."),
        column("name", TEXT, "Name of the category."),
        column("type", TEXT, "CATEGORY_TYPE_INFLOW or CATEGORY_TYPE_OUTFLOW."),
        column("vat_rate", TEXT, "VAT rate in percent, exact decimal text; null when unset."),
        column(
            "subcategories",
            objects(
                column("id", TEXT, "Id of the subcategory."),
                column("name", TEXT, "Name of the subcategory."),
                column("vat_rate", TEXT, "VAT rate in percent, exact decimal text."),
            ),
            "Subcategories; empty if there are none.",
        ),
    )
