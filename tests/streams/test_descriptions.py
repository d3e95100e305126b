"""Descriptions say what an analyst needs: the currency of each amount, and what a role hides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tap_qonto.streams import STREAMS
from tap_qonto.streams.organization import BankAccounts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support import Json

IS_AMOUNT = re.compile(r"_cents$|(^|_)(amount|balance|price|limit|spent|capital)$")
"""Names of columns that hold money."""


def columns(schema: Json, path: str) -> Iterator[tuple[str, Json]]:
    """Yield each column of a schema by its path, nested ones too."""
    for name, shape in schema.get("properties", {}).items():
        yield f"{path}.{name}", shape
        yield from columns(shape.get("items", shape), f"{path}.{name}")


AMOUNTS = {
    path: shape["description"]
    for stream in STREAMS
    for path, shape in columns(stream.schema, stream.name)
    # Objects have their currency beside the value.
    if IS_AMOUNT.search(path.rpartition(".")[2]) and "object" not in shape["type"]
}


@pytest.mark.parametrize("path", AMOUNTS)
def test_an_amount_says_in_which_currency_it_is(path: str) -> None:
    assert re.search(r"currency|\bEUR\b", AMOUNTS[path]), AMOUNTS[path]


@pytest.mark.parametrize("name", ["payment_lifespan_limit", "payment_monthly_limit", "amount"])
def test_amounts_of_a_request_name_the_column_with_their_currency(name: str) -> None:
    assert "in `currency`" in AMOUNTS[f"requests.{name}"]


@pytest.mark.parametrize(
    "name",
    ["iban", "bic", "account_number", "currency"]
    + [f"{kind}balance{unit}" for kind in ("", "authorized_") for unit in ("", "_cents")],
)
def test_what_a_role_hides_of_an_account_says_so(name: str) -> None:
    description = BankAccounts.schema["properties"][name]["description"]
    assert "null where the member's role hides" in description
