"""No secret, signature or invoice content in anything but the records."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tap_qonto.output import redaction
from tests.destination import unlimited

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fake_qonto import FakeQonto
    from tests.support import Json, Output, Runner

DEBUG = {"TAP_QONTO_LOGLEVEL": "DEBUG"}
SECRET = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40).map(
    "s3cr3t{}".format
)


def everything_but_records(output: Output) -> str:
    others = [message for message in output.messages if message["type"] != "RECORD"]
    return output.stderr + json.dumps(others, ensure_ascii=False, default=str)


@pytest.fixture
def forgetful() -> Iterator[None]:
    before = set(redaction._secrets)
    yield
    redaction._secrets.clear()
    redaction._secrets.update(before)


@pytest.mark.real_clock("it runs a process")
@settings(max_examples=8)
@given(
    login=SECRET,
    secret_key=SECRET,
    staging_token=SECRET,
    fault=st.sampled_from(["none", "status", "reset", "short_json", "html", "expired"]),
    refused=st.booleans(),
)
@example(
    login='a"b\\c/d?e',
    secret_key="{}%s%(x)s",
    staging_token="'qu'ote'",
    fault="reset",
    refused=False,
)
def test_no_secret_leaves_the_process_at_debug(
    fake: FakeQonto,
    tap: Runner,
    login: str,
    secret_key: str,
    staging_token: str,
    fault: str,
    refused: bool,
) -> None:
    fake.control.reset(invoices=5)
    fake.control.set(require_auth=refused, staging_token=staging_token)
    if fault != "none":
        host = "files" if fault == "expired" else "api"
        fake.control.add_fault(fault, host=host, times=20 if refused else 3)
    options = {"key": "storage-option-secret"}
    output = tap.run(
        environment=DEBUG,
        login=login,
        secret_key=secret_key,
        staging_token=staging_token,
        attachments={"storage_options": options},
        **unlimited(fake),
    )
    text = everything_but_records(output)
    assert "urllib3" in text, "the log is not at DEBUG"
    for secret in (login, secret_key, staging_token, *options.values()):
        assert secret not in text
    assert "X-Amz-Signature=" not in text.replace("X-Amz-Signature=***", "")


@pytest.mark.real_clock("it runs a process")
def test_tokens_of_a_run_are_hidden_too(fake: FakeQonto, tap: Runner) -> None:
    fake.control.reset(invoices=5)
    store = tap.folder / "tokens.json"
    seed = fake.control.new_refresh_token()
    given: Json = {
        "login": None,
        "secret_key": None,
        "client_id": fake.client_id,
        "client_secret": fake.client_secret,
        "refresh_token": seed,
        "token_store": str(store),
        "oauth_url": fake.oauth_url,
    }
    output = tap.run(environment=DEBUG, **given)
    assert output.code == 0
    text = everything_but_records(output)
    [kept] = json.loads(store.read_text())["chains"].values()
    for secret in (seed, kept["access_token"], kept["refresh_token"], fake.client_secret):
        assert secret not in text
    assert fake.client_secret not in store.read_text()


@pytest.mark.real_clock("it runs a process")
def test_no_content_of_an_invoice_is_in_the_log(fake: FakeQonto, tap: Runner) -> None:
    fake.control.reset(invoices=5)
    fake.control.add_fault("wrong_length", host="files", after=2, times=1, bytes=-3)
    content = {
        "supplier_name": "Société Très Secrète",
        "iban": "FR7630006000011234567890189",
        "invoice_number": "F-SECRET-0001",
        "total_amount": {"value": "123456.78", "currency": "EUR"},
        "file_name": "geheim.pdf",
        "due_date": "no date at all",
    }
    fake.control.add_invoice(**content)
    output = tap.run(environment=DEBUG)
    assert output.code == 0
    for word in ("Très Secrète", "FR7630006", "F-SECRET", "123456.78", "geheim", "no date"):
        assert word not in everything_but_records(output)


@pytest.mark.real_clock("it runs a process")
def test_a_row_that_cannot_be_read_is_named_by_id_and_field(fake: FakeQonto, tap: Runner) -> None:
    fake.control.reset(invoices=0)
    invoice = fake.control.add_invoice(supplier_name="Très Secrète")
    fake.control.set(extra_list_fields={"updated_at": "gestern"})
    output = tap.run()
    assert output.code == 1
    assert f"A row with id {invoice} has no readable updated_at." in output.sentence
    assert "Secrète" not in output.stderr


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize(
    "text",
    [
        "GET https://qonto.s3.amazonaws.com/a/b.pdf?X-Amz-Signature=abcdef HTTP/1.1",
        "https://files.example/a?token=abcdef",
        "{'Authorization': 'abcdef'}",
        "Authorization: Bearer abcdef",
        "X-Qonto-Staging-Token: abcdef",
        "header X-Amz-Security-Token%3Dabcdef",
        "x-amz-security-token:abcdef\n\nhost;x-amz-security-token",
        "{'x-amz-security-token': 'abcdef', 'host': 'x'}",
        "[(b'X-Amz-Security-Token', b'abcdef'), (b'host', b'x')]",
        'Proxy-Authorization = "abcdef"',
        "Set-Cookie: session=abcdef",
        "{'x-goog-api-key': 'abcdef'}",
        "https://files.example/v2/a.pdf?signature=abcdef",
        'https://files.example:443 "GET /v2/abcdef?page=1 HTTP/1.1" 200 3',
        'https://files.example:443 "GET /a/abcdef.pdf HTTP/1.1" 200 3',
        "http://thirdparty.qonto.com/v2/a?token=abcdef",
        "https://thirdparty.qonto.com:444/v2/a?token=abcdef",
        "https://thirdparty.qonto.com@files.example/v2/a?token=abcdef",
        "https://thirdparty.qonto.com.example/v2/a?token=abcdef",
        "https://thirdparty.qonto.com:port/v2/a?token=abcdef",
        "https://thirdparty.qonto.com/files/v2/a?token=abcdef",
        "Max retries exceeded with url: /v2/a?token=abcdef (Caused by",
        "token ory_at_abcdef.ghi-jkl_abcdef",
    ],
)
def test_credentials_are_known_by_their_form(text: str) -> None:
    redaction.install("https://thirdparty.qonto.com")
    assert "abcdef" not in redaction.redact(text)


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize(
    "text",
    [
        'https://thirdparty.qonto.com:443 "GET /v2/labels?page=2&sort_by=a%3Aasc HTTP/1.1" 200',
        "https://thirdparty.qonto.com/v2/labels?page=2 and the key",
        "GET /v2/labels: tap-qonto, token and Authorization",
        "Set refresh_token: it comes from tap-qonto-login.",
    ],
)
def test_what_helps_to_find_a_fault_stays(text: str) -> None:
    redaction.install("https://thirdparty.qonto.com/")
    assert redaction.redact(text) == text


@pytest.mark.usefixtures("forgetful")
def test_exceptions_of_any_library_are_redacted(caplog: pytest.LogCaptureFixture) -> None:
    redaction.install("https://thirdparty.qonto.com")
    redaction.hide({"inner": ["a-very-secret-word"]})
    try:
        _fail("a-very-secret-word")
    except RuntimeError:
        logging.getLogger("some.library").exception("it said %s", "a-very-secret-word")
    assert "a-very-secret-word" not in caplog.text
    assert "RuntimeError: ***" in caplog.text


def _fail(word: str) -> None:
    raise RuntimeError(word)


@pytest.mark.usefixtures("forgetful")
def test_a_log_line_whose_words_do_not_fit_ends_no_run() -> None:
    redaction.hide("a-secret-word")
    record = redaction._RedactedRecord(
        "library", logging.INFO, "file.py", 1, "%d of %d", ("a-secret-word",), None
    )
    assert record.getMessage() == "%d of %d ('***',)"
