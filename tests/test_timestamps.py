"""Time stamps: every form of qonto-api.md 4.5 in, UTC of one width out."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_qonto import timestamps

UTC = timezone.utc
PARIS = ZoneInfo("Europe/Paris")
FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@pytest.mark.parametrize(
    ("sent", "instant"),
    [
        pytest.param(
            "2022-03-04T17:58:30+02:00", "2022-03-04T15:58:30.000000Z", id="supplier invoices"
        ),
        pytest.param("2024-01-03T06:27:51.638Z", "2024-01-03T06:27:51.638000Z", id="milliseconds"),
        pytest.param(
            "2024-12-04T11:05:16.4497Z", "2024-12-04T11:05:16.449700Z", id="e-invoicing events"
        ),
        pytest.param("2024-05-06T07:08:09.123456Z", "2024-05-06T07:08:09.123456Z", id="cards"),
        pytest.param("2021-03-23T14:21:51.000Z", "2021-03-23T14:21:51.000000Z", id="attachments"),
        pytest.param("2022-01-21T12:01:02Z", "2022-01-21T12:01:02.000000Z", id="no fraction"),
        pytest.param("2022-01-21T12:01:02.1Z", "2022-01-21T12:01:02.100000Z", id="one digit"),
        pytest.param("2022-01-21T12:01:02.12Z", "2022-01-21T12:01:02.120000Z", id="two digits"),
        pytest.param("2022-01-21T12:01:02.12345Z", "2022-01-21T12:01:02.123450Z", id="five"),
        pytest.param(
            "2022-01-21T12:01:02.123456789Z", "2022-01-21T12:01:02.123456Z", id="nine digits"
        ),
        pytest.param("2022-01-21T12:01:02+00:00", "2022-01-21T12:01:02.000000Z", id="+00:00"),
        pytest.param("2022-01-21T12:01:02-03:30", "2022-01-21T15:31:02.000000Z", id="west"),
        pytest.param("2022-01-21T12:01:02.5+0545", "2022-01-21T06:16:02.500000Z", id="no colon"),
        pytest.param("2022-01-21T12:01:02+02", "2022-01-21T10:01:02.000000Z", id="hours alone"),
        pytest.param("2022-01-21 12:01:02Z", "2022-01-21T12:01:02.000000Z", id="a blank for T"),
        pytest.param("2022-01-21t12:01:02z", "2022-01-21T12:01:02.000000Z", id="small letters"),
        pytest.param("2022-01-21T12:01:02", "2022-01-21T12:01:02.000000Z", id="no offset is UTC"),
        pytest.param("2021-12-31T23:30:00-01:00", "2022-01-01T00:30:00.000000Z", id="next year"),
        pytest.param("2022-01-01T02:30:00+02:00", "2022-01-01T00:30:00.000000Z", id="midnight"),
        pytest.param("2022-01-01T01:30:00+02:00", "2021-12-31T23:30:00.000000Z", id="last year"),
        pytest.param("2024-03-01T00:30:00+01:00", "2024-02-29T23:30:00.000000Z", id="leap day"),
    ],
)
def test_every_form_that_qonto_sends_becomes_utc_of_one_width(sent: str, instant: str) -> None:
    assert timestamps.to_utc(sent) == instant


@pytest.mark.parametrize(
    ("sent", "instant"),
    [
        # Clocks go forward on 2025-03-30 at 01:00 UTC, from 02:00 to 03:00.
        ("2025-03-30T01:59:59+01:00", "2025-03-30T00:59:59.000000Z"),
        ("2025-03-30T03:00:00+02:00", "2025-03-30T01:00:00.000000Z"),
        # They go back on 2025-10-26 at 01:00 UTC: 02:30 comes twice.
        ("2025-10-26T02:30:00+02:00", "2025-10-26T00:30:00.000000Z"),
        ("2025-10-26T02:30:00+01:00", "2025-10-26T01:30:00.000000Z"),
    ],
)
def test_the_changes_of_clocks_keep_their_order(sent: str, instant: str) -> None:
    assert timestamps.to_utc(sent) == instant


def test_text_sorts_as_the_instants_do_across_the_change_of_clocks() -> None:
    start = datetime(2025, 10, 25, 22, tzinfo=UTC)
    instants = [start + timedelta(minutes=15 * step) for step in range(24)]
    local = [instant.astimezone(PARIS).isoformat() for instant in instants]
    shown = [timestamps.to_utc(text) for text in local]
    assert shown == sorted(shown)
    assert len(set(shown)) == len(shown)
    assert local != sorted(local)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "never",
        "2022-03-01",
        "12:01:02Z",
        "2022-01-21T12:01Z",
        "2022-13-01T00:00:00Z",
        "2022-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2022-01-21T24:00:01Z",
        "2022-01-21T12:60:00Z",
        "0000-01-01T00:00:00Z",
        "2022-01-21T12:01:02.Z",
        "2022-01-21T12:01:02Z ",
        "2022-01-21T12:01:02Z\n",
        " 2022-01-21T12:01:02Z",
        "2022-01-21T12:01:02 +02:00",
        "2022-01-21T12:01:02+2:00",
        "2022-01-21T12:01:02+24:00",
        "2022-01-21T12:01:02+02:60",
        "2022-01-21T12:01:02Europe/Paris",
        "1642766462",
        "٢٠٢٢-01-21T12:01:02Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
    ],
)
def test_what_is_no_time_stamp_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        timestamps.parse(text)


_OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)
_INSTANTS = st.datetimes(
    min_value=datetime(1, 1, 3),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(9999, 12, 29),  # noqa: DTZ001
    timezones=_OFFSETS,
)


@given(_INSTANTS, st.sampled_from(["seconds", "milliseconds", "microseconds"]))
def test_reading_equals_what_python_reads(moment: datetime, timespec: str) -> None:
    text = moment.isoformat(timespec=timespec)
    read = timestamps.parse(text)
    assert read == datetime.fromisoformat(text)
    assert read.utcoffset() == timedelta(0)
    assert timestamps.to_utc(text) == timestamps.show(read)


@given(_INSTANTS)
def test_what_is_written_reads_back_as_the_same_instant(moment: datetime) -> None:
    shown = timestamps.show(moment)
    assert FORM.fullmatch(shown)
    assert timestamps.parse(shown) == moment
    assert timestamps.to_utc(shown) == shown


@given(_INSTANTS, _INSTANTS)
def test_written_instants_sort_as_instants(one: datetime, other: datetime) -> None:
    assert (timestamps.show(one) < timestamps.show(other)) == (one < other)


@given(_INSTANTS, st.integers(1, 9))
def test_digits_past_the_sixth_are_dropped_not_rounded(moment: datetime, digits: int) -> None:
    fraction = f"{moment.microsecond:06d}999"[:digits]
    whole = moment.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    read = timestamps.parse(f"{whole.isoformat()}.{fraction}Z")
    assert read.microsecond == int(fraction[:6].ljust(6, "0"))


def test_filters_take_whole_seconds_in_utc() -> None:
    moment = datetime(2025, 7, 1, 1, 2, 3, 999_999, tzinfo=PARIS)
    assert timestamps.seconds(moment) == "2025-06-30T23:02:03Z"


@pytest.mark.parametrize("text", ["2022-03-01", "2024-02-29", "0001-01-01", "9999-12-31"])
def test_days_are_days(text: str) -> None:
    assert timestamps.is_date(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2022-3-1",
        "2022-02-30",
        "2022-03-01T00:00:00Z",
        "20220301",
        "0000-01-01",
        "2022-03-01\n",
    ],
)
def test_what_is_no_day_is_none(text: str) -> None:
    assert not timestamps.is_date(text)
