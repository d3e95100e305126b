"""The fake as its own tests know it: with invoices, and asked without the tap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fake.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fake_qonto import FakeQonto


@pytest.fixture
def fake(running_fake: FakeQonto) -> FakeQonto:
    """A fake Qonto with 200 invoices."""
    running_fake.control.reset()
    return running_fake


@pytest.fixture
def client(fake: FakeQonto) -> Iterator[Client]:
    """Asks the fake."""
    client = Client(fake)
    with client.session:
        yield client
