"""The settings: what they are called, what they take, and what is told when they are wrong."""

from __future__ import annotations

from itertools import chain, combinations
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from tap_qonto.settings import hosts
from tap_qonto.settings.authentication import WAYS
from tap_qonto.settings.declaration import SETTINGS
from tap_qonto.tap import TapQonto
from tests.support import INVOICES

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto
    from tests.support import Json, Runner

CREDENTIALS = [name for names in WAYS.values() for name in names]


def told(tap: Runner, **given: Any) -> list[str]:
    """Return what is told about settings; nothing when they are good."""
    try:
        tap.tap(**given)
    except ConfigValidationError as error:
        return list(error.errors)
    return []


# The surface.

DEFAULTS = {
    "api_url": "https://thirdparty.qonto.com",
    "oauth_url": "https://oauth.qonto.com",
    "lookback_seconds": 300,
    "page_size": 100,
    "list_concurrency": 8,
    "rate_limits": [{"requests": 1000, "seconds": 10}, {"requests": 10000, "seconds": 600}],
    "rate_limit_store": "memory",
    "request_timeout": 60,
}
WITHOUT_DEFAULT = {
    *CREDENTIALS,
    "token_store",
    "staging_token",
    "start_date",
    "end_date",
    "supplier_invoices_filter",
    "attachments",
}
HEADERS = {*CREDENTIALS, "staging_token"}
SECRETS = HEADERS | {"rate_limit_store"}


def test_the_settings_are_those_that_users_rely_on() -> None:
    builtin = {name for name in SETTINGS["properties"] if name.startswith(("stream_map", "flatt"))}
    builtin |= {"faker_config", "batch_config"}
    own = {name: shape for name, shape in SETTINGS["properties"].items() if name not in builtin}
    assert own.keys() == DEFAULTS.keys() | WITHOUT_DEFAULT
    defaults = {name: shape["default"] for name, shape in own.items() if "default" in shape}
    assert defaults == DEFAULTS
    assert {name for name, shape in own.items() if shape.get("secret")} == SECRETS
    assert all(shape["description"] and shape["title"] for shape in own.values())


def test_the_settings_of_attachments_are_those_that_users_rely_on() -> None:
    shapes = SETTINGS["properties"]["attachments"]["properties"]
    defaults = {name: shape.get("default") for name, shape in shapes.items()}
    assert defaults == {
        "location": "attachments",
        "storage_options": None,
        "mode": "files",
        "max_bytes": None,
        "concurrency": 16,
        "sealed": False,
    }
    assert shapes["storage_options"]["secret"]
    assert all(shape["description"] for shape in shapes.values())


def test_a_null_is_as_good_as_no_setting(fake: FakeQonto, tap: Runner) -> None:
    key: Json = {"login": fake.login, "secret_key": fake.secret_key, "api_url": fake.url}
    names = SETTINGS["properties"].keys() - key.keys()
    tap.config = {}
    without = tap.tap(**dict.fromkeys(names), **key)
    assert without.config.keys() == TapQonto(config=key).config.keys()
    assert without.config["page_size"] == 100
    assert without.config["attachments"]["location"] == "attachments"


def test_defaults_stand_where_a_part_of_attachments_is_set(tap: Runner) -> None:
    given = tap.tap(attachments={"mode": "metadata", "max_bytes": None})
    assert given.config["attachments"]["concurrency"] == 16
    assert given.config["attachments"]["mode"] == "metadata"


@pytest.mark.real_clock("it runs a process")
def test_settings_that_nobody_knows_are_told_and_left_alone(fake: FakeQonto, tap: Runner) -> None:
    output = tap.run(start_dat="my-own", environment={"TAP_QONTO_OTHER": "x"})
    assert output.code == 0
    assert fake.control.count() == 1
    assert "Setting start_dat is not known, and has no effect." in output.stderr
    assert "my-own" not in output.stderr


@pytest.mark.real_clock("it runs a process")
@pytest.mark.parametrize("start", ["2999-01-01", "2999-01-01T00:00:00+02:00"])
def test_a_start_in_the_future_is_told(fake: FakeQonto, tap: Runner, start: str) -> None:
    output = tap.run(start_date=start)
    assert output.code == 0
    assert fake.control.count() == 1
    assert "Setting start_date is in the future, so nothing" in output.stderr


def test_a_field_of_an_object_is_no_setting(tap: Runner) -> None:
    assert told(tap, **{"attachments.mode": "metadata"}) == [
        'Setting attachments.mode is a field of an object here: write {"attachments": {"mode": …}}.'
    ]


# Exactly one way of authentication.


def test_exactly_one_way_of_authentication_must_be_complete(tap: Runner) -> None:
    for name in CREDENTIALS:
        tap.config.pop(name, None)
    sizes = range(len(CREDENTIALS) + 1)
    for given in chain.from_iterable(combinations(CREDENTIALS, size) for size in sizes):
        complete = [way for way, names in WAYS.items() if set(names) <= set(given)]
        sentences = told(tap, **dict.fromkeys(given, "some-text"))
        if len(complete) == 1:
            assert sentences == []
            continue
        [sentence] = sentences
        for way, names in WAYS.items():
            if not complete:
                missing = ", ".join(name for name in names if name not in given)
                assert f"{way} (missing: {missing})" in sentence
            assert (f"{way} ({', '.join(names)})" in sentence) is (way in complete)
        assert "some-text" not in sentence


def test_no_way_is_told_in_one_sentence(tap: Runner) -> None:
    assert told(tap, login=None, secret_key=None) == [
        (
            "No way of authentication is complete. Set one of: API key (missing: login, "
            "secret_key); OAuth (missing: client_id, client_secret, refresh_token); access token "
            "(missing: access_token). docs/credentials.md says where to find each."
        )
    ]


def test_two_ways_are_told_in_one_sentence(tap: Runner) -> None:
    assert told(tap, access_token="some-text") == [
        (
            "More than one way of authentication is set: API key (login, secret_key) and access "
            "token (access_token). Keep one of them."
        )
    ]


@pytest.mark.parametrize("name", ["login", "secret_key"])
def test_an_empty_credential_is_none(tap: Runner, name: str) -> None:
    [sentence] = told(tap, **{name: ""})
    assert f"API key (missing: {name})" in sentence


@pytest.mark.parametrize("name", sorted(HEADERS))
@pytest.mark.parametrize(
    "text", ["line\nbreak", "behind\n", "\tbefore", " blank", "carriage\r", "nul\0", "é", "\u200b"]
)
def test_a_secret_that_no_header_can_carry_is_told_without_it(
    tap: Runner, name: str, text: str
) -> None:
    for other in CREDENTIALS:
        tap.config.pop(other, None)
    whole = {"access_token": "t"} | {name: f"{text}-my-secret"}
    if text.endswith(("\n", "\r")):
        whole[name] = f"my-secret-{text}"
    sentences = told(tap, **whole)
    assert sentences == [
        (
            f"Setting {name} holds a line break or a character that no HTTP header can carry; "
            "copy it again, without the characters around it."
        )
    ]


# Hosts.


def test_the_staging_token_moves_both_default_hosts() -> None:
    sandbox = {"staging_token": "t"} | DEFAULTS
    assert hosts.api_url(sandbox) == "https://thirdparty-sandbox.staging.qonto.co"
    assert hosts.oauth_url(sandbox) == "https://oauth-sandbox.staging.qonto.co"
    assert hosts.api_url(DEFAULTS) == "https://thirdparty.qonto.com"
    assert hosts.oauth_url(DEFAULTS) == "https://oauth.qonto.com"


def test_hosts_that_are_set_stay_where_they_are() -> None:
    mine = {"api_url": "https://a.example/", "oauth_url": "https://b.example"}
    for given in (mine, mine | {"staging_token": "t"}):
        assert hosts.api_url(given) == "https://a.example"
        assert hosts.oauth_url(given) == "https://b.example"


@pytest.mark.parametrize("name", ["api_url", "oauth_url"])
@pytest.mark.parametrize(
    "url",
    [
        "https://thirdparty.qonto.com",
        "https://thirdparty.qonto.com/",
        "https://proxy.example:8443/qonto",
        "http://127.0.0.1:8000",
        "http://localhost",
        "http://[::1]:8000",
    ],
)
def test_hosts_can_be_https_or_this_machine(tap: Runner, name: str, url: str) -> None:
    assert told(tap, **{name: url}) == []


@pytest.mark.parametrize("name", ["api_url", "oauth_url"])
@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "is not a URL such as https://thirdparty.qonto.com."),
        ("thirdparty.qonto.com", "is not a URL such as https://thirdparty.qonto.com."),
        ("https://", "is not a URL such as https://thirdparty.qonto.com."),
        ("ftp://thirdparty.qonto.com", "is not a URL such as https://thirdparty.qonto.com."),
        ("file:///etc/passwd", "is not a URL such as https://thirdparty.qonto.com."),
        ("https://host:port", "is not a URL such as https://thirdparty.qonto.com."),
        ("https://[::1", "is not a URL such as https://thirdparty.qonto.com."),
        ("https://me:pw@host", "must be only a host, such as https://thirdparty.qonto.com."),
        ("https://host/?a=b", "must be only a host, such as https://thirdparty.qonto.com."),
        ("https://host/#a", "must be only a host, such as https://thirdparty.qonto.com."),
        (
            "http://thirdparty.qonto.com",
            "begins with http://, which would send credentials in the open; use https://.",
        ),
        (
            "http://localhost.example.org",
            "begins with http://, which would send credentials in the open; use https://.",
        ),
        (
            "http://10.0.0.1",
            "begins with http://, which would send credentials in the open; use https://.",
        ),
    ],
)
def test_hosts_that_would_not_do_are_told(tap: Runner, name: str, url: str, sentence: str) -> None:
    assert told(tap, **{name: url}) == [f"Setting {name} {sentence}"]


# Values.

WRONG: list[tuple[Json, str]] = [
    ({"page_size": 0}, "Setting page_size must be at least 1 (it is 0)."),
    ({"page_size": 101}, "Setting page_size must be at most 100 (it is 101)."),
    ({"page_size": "100"}, "Setting page_size must be of type integer (it is '100')."),
    ({"page_size": 1.5}, "Setting page_size must be of type integer (it is 1.5)."),
    ({"page_size": True}, "Setting page_size must be of type integer (it is True)."),
    ({"lookback_seconds": -1}, "Setting lookback_seconds must be at least 0 (it is -1)."),
    ({"request_timeout": 0}, "Setting request_timeout must be more than 0 (it is 0)."),
    ({"request_timeout": "60"}, "Setting request_timeout must be of type number (it is '60')."),
    ({"start_date": 20250101}, "Setting start_date must be of type string (it is 20250101)."),
    (
        {"start_date": "yesterday"},
        (
            "Setting start_date is wrong: 'yesterday' is not a date and time such as "
            "2026-01-31T00:00:00Z."
        ),
    ),
    (
        {"end_date": "2025-02-30"},
        (
            "Setting end_date is wrong: '2025-02-30' is not a date and time such as "
            "2026-01-31T00:00:00Z."
        ),
    ),
    (
        {"start_date": "2025-03-01", "end_date": "2025-03-01T00:30:00+01:00"},
        (
            "Setting start_date (2025-03-01T00:00:00.000000Z) is after end_date "
            "(2025-02-28T23:30:00.000000Z); exchange them or leave end_date out."
        ),
    ),
    (
        {"supplier_invoices_filter": {"created_at_from": "soon"}},
        (
            "Setting created_at_from is wrong: 'soon' is not a date and time such as "
            "2026-01-31T00:00:00Z."
        ),
    ),
    (
        {"supplier_invoices_filter": {"status": "paid"}},
        "Setting supplier_invoices_filter.status must be of type array (it is 'paid').",
    ),
    (
        {"supplier_invoices_filter": {"missing_data": "yes"}},
        "Setting supplier_invoices_filter.missing_data must be of type boolean (it is 'yes').",
    ),
    (
        {"supplier_invoices_filter": {"matched_transactions": 1}},
        (
            "Setting supplier_invoices_filter.matched_transactions must be of type boolean "
            "(it is 1)."
        ),
    ),
    *(
        (
            {"supplier_invoices_filter": {"payable_amount": amount}},
            (
                "Setting supplier_invoices_filter.payable_amount must be lte: or gte:, an amount "
                f"and a currency, such as gte:100.00:EUR (it is {amount!r})."
            ),
        )
        for amount in ("100", "100.00:EUR", "gt:1:EUR", "gte:1,5:EUR", "gte:-1:EUR", "gte:1:eur")
    ),
    *(
        (
            {"supplier_invoices_filter": {"issue_date_from": day}},
            (
                "Setting supplier_invoices_filter.issue_date_from must be a day such as "
                f"2026-01-31 (it is {day!r})."
            ),
        )
        for day in ("soon", "2026-01-31T00:00:00Z", "2026-02-30")
    ),
    (
        {"supplier_invoices_filter": {"approver_id": ["me"]}},
        (
            "Setting supplier_invoices_filter.approver_id must hold ids as Qonto has them, which "
            "are UUIDs ('me' is none)."
        ),
    ),
    (
        {
            "supplier_invoices_filter": {
                "created_at_from": "2025-03-02",
                "created_at_to": "2025-03-01",
            }
        },
        (
            "Setting created_at_from (2025-03-02T00:00:00.000000Z) is after created_at_to "
            "(2025-03-01T00:00:00.000000Z); exchange them or leave created_at_to out."
        ),
    ),
    (
        {"supplier_invoices_filter": "paid"},
        "Setting supplier_invoices_filter must be of type object (it is 'paid').",
    ),
    (
        {"attachments": {"mode": "zip"}},
        "Setting attachments.mode must be one of files, inline, metadata (it is 'zip').",
    ),
    ({"attachments": {"location": ""}}, "Setting attachments.location must not be empty."),
    (
        {"attachments": {"max_bytes": 0}},
        "Setting attachments.max_bytes must be at least 1 (it is 0).",
    ),
    (
        {"attachments": {"concurrency": 0}},
        "Setting attachments.concurrency must be at least 1 (it is 0).",
    ),
    (
        {"attachments": {"concurrency": 257}},
        "Setting attachments.concurrency must be at most 256 (it is 257).",
    ),
    (
        {"attachments": {"folder": "x", "max": 1}},
        (
            "Setting attachments does not take folder, max; it takes concurrency, location, "
            "max_bytes, mode, sealed, storage_options."
        ),
    ),
    (
        {"rate_limits": [{"requests": 0, "seconds": 1}]},
        "Setting rate_limits.0.requests must be at least 1 (it is 0).",
    ),
    (
        {"rate_limits": [{"requests": 1, "seconds": 0}]},
        "Setting rate_limits.0.seconds must be more than 0 (it is 0).",
    ),
    ({"rate_limits": [{"requests": 1}]}, "Setting rate_limits.0 lacks seconds."),
    ({"rate_limits": 10}, "Setting rate_limits must be of type array (it is 10)."),
    (
        {"rate_limits": []},
        (
            "Setting rate_limits must contain at least one window, and a longer one must allow "
            "more requests than a shorter one, at a lower rate."
        ),
    ),
    (
        {"rate_limits": [{"requests": 5, "seconds": 1}, {"requests": 5, "seconds": 9}]},
        (
            "Setting rate_limits must contain at least one window, and a longer one must allow "
            "more requests than a shorter one, at a lower rate."
        ),
    ),
    ({"login": 17}, "Setting login must be of type string."),
    ({"secret_key": ["my-secret"]}, "Setting secret_key must be of type string."),
    (
        {"attachments": {"storage_options": "my-secret"}},
        "Setting attachments.storage_options must be of type object.",
    ),
    (
        {"attachments": [{"storage_options": {"key": "my-secret"}}]},
        "Setting attachments must be of type object.",
    ),
    ({"attachments": "s3://my-secret@x"}, "Setting attachments must be of type object."),
]


@pytest.mark.parametrize(("given", "sentence"), WRONG, ids=lambda value: str(value)[:60])
def test_a_wrong_value_is_told_in_one_sentence(
    fake: FakeQonto, tap: Runner, given: Json, sentence: str
) -> None:
    with pytest.raises(ConfigValidationError) as caught:
        TapQonto(config=tap.config | given)
    assert caught.value.errors == [sentence]
    assert "my-secret" not in sentence
    assert fake.control.count() == 0


def test_good_forms_of_filters_are_taken(tap: Runner, caplog: pytest.LogCaptureFixture) -> None:
    given = {
        "status": ["to_review", "discarded"],
        "due_date": ["future"],
        "payment_date": "this_week",
        "issue_date_from": "2026-01-31",
        "payable_amount": "lte:100:EUR",
        "missing_data": False,
        "attachment_id": ["0190aa1e-7b8c-7d3e-9f00-aa11bb22cc33"],
    }
    assert told(tap, supplier_invoices_filter=given) == []
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"status": ["paid", "topay", "PAID"]}, "status has topay, PAID, "),
        ({"due_date": ["past"]}, "due_date has past, "),
        ({"payment_date": "last_week"}, "payment_date has last_week, "),
        ({"issue_date": "2026-01-31"}, "issue_date has 2026-01-31, "),
        ({"document_type": ["invoice"]}, "document_type has invoice, "),
        ({"query": "x", "query_fields": ["iban"]}, "query_fields has iban, "),
    ],
)
def test_words_of_filters_that_are_not_known_are_told(
    tap: Runner, caplog: pytest.LogCaptureFixture, given: Json, words: str
) -> None:
    """Qonto can add some, so the run goes on."""
    assert told(tap, supplier_invoices_filter=given) == []
    [warning] = [record for record in caplog.records if record.levelname == "WARNING"]
    said = warning.getMessage()
    assert said.startswith(f"Setting supplier_invoices_filter.{words}which Qonto does not document")
    assert "so it may hide all rows. Known are " in said


def test_all_that_is_wrong_is_told_at_once(tap: Runner) -> None:
    assert len(told(tap, page_size=0, lookback_seconds=-1, request_timeout=0)) == 3


@pytest.mark.real_clock("it runs a process")
def test_whole_numbers_may_be_written_with_a_fraction(fake: FakeQonto, tap: Runner) -> None:
    output = tap.run(page_size=50.0, lookback_seconds=10.0, request_timeout=12.5)
    assert output.code == 0
    assert dict(fake.control.requests("api")[0]["query"])["per_page"] == "50"


@pytest.mark.real_clock("it runs a process")
def test_settings_can_come_from_the_environment(company: FakeQonto, tap: Runner) -> None:
    environment = {
        "TAP_QONTO_LOGIN": company.login,
        "TAP_QONTO_SECRET_KEY": company.secret_key,
        "TAP_QONTO_API_URL": company.url,
        "TAP_QONTO_PAGE_SIZE": "20",
        "TAP_QONTO_ATTACHMENTS": '{"mode": "metadata"}',
        "TAP_QONTO_SUPPLIER_INVOICES_FILTER": '{"status": ["paid"]}',
    }
    output = tap.command(["--config", "ENV"], environment)
    assert output.code == 0
    assert {record["status"] for record in output.records(INVOICES)} == {"paid"}
    assert dict(company.control.requests("api")[0]["query"])["per_page"] == "20"


@pytest.mark.real_clock("it runs a process")
@pytest.mark.parametrize(
    ("name", "value"), [("PAGE_SIZE", "many"), ("ATTACHMENTS", "{my-secret"), ("LOGIN", "")]
)
def test_an_environment_that_cannot_be_read_is_told(
    fake: FakeQonto, tap: Runner, name: str, value: str
) -> None:
    environment = {"TAP_QONTO_API_URL": fake.url, f"TAP_QONTO_{name}": value}
    output = tap.command(["--config", "ENV"], environment)
    assert output.code == 1
    assert "Traceback" not in output.stderr
    assert "Unexpected" not in output.sentence
    assert "my-secret" not in output.stderr
    assert output.stdout == b""
