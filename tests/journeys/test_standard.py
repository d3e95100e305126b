"""The SDK's standard tests of a tap, against the fake; no stream may be empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class
from typing_extensions import override

from tap_qonto.tap import TapQonto
from tests.fake_qonto import TODAY, FakeQonto
from tests.support import token_of_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk import Stream

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


class Everything(TapQonto):
    """The tap with all its streams selected, as the SDK's tests want them."""

    name = "tap-qonto"

    @override
    def discover_streams(self) -> list[Stream]:
        """Return the streams."""
        streams = super().discover_streams()
        for stream in streams:
            stream.selected_by_default = True
        return streams


TestTapQonto = get_tap_test_class(
    Everything,
    config={
        # OAuth, since some streams take no API key.
        "access_token": token_of_all(_fake),
        "api_url": _fake.url,
        "attachments": {"location": "memory://standard"},
    },
    suite_config=SuiteConfig(
        max_records_limit=60,
        ignore_no_records=False,
        # Qonto says nothing of a proof, so most of its columns are null in every record.
        ignore_no_records_for_streams=["transfer_proofs"],
    ),
    parse_env_config=False,
)
