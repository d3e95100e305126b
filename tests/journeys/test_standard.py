"""The SDK's standard tests of a tap, against the fake; no stream may be empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from tap_qonto.tap import TapQonto
from tests.fake_qonto import TODAY, FakeQonto

if TYPE_CHECKING:
    from collections.abc import Iterator

# The tests are made when this module is read, before any fixture runs: the fake has its
# address from here on, and answers while the tests run.
_fake = FakeQonto(invoices=60, today=TODAY)
# A test of an attribute needs a value of it in some record.
_fake.control.set(extra_list_fields={"project": {"name": "new at Qonto"}})


@pytest.fixture(scope="module", autouse=True)
def answering() -> Iterator[None]:
    """Let the fake of this module answer."""
    with _fake:
        yield


TestTapQonto = get_tap_test_class(
    TapQonto,
    config={
        "login": _fake.login,
        "secret_key": _fake.secret_key,
        "api_url": _fake.url,
        "attachments": {"location": "memory://standard"},
    },
    suite_config=SuiteConfig(max_records_limit=60, ignore_no_records=False),
    parse_env_config=False,
)
