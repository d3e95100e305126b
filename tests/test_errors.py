"""What the user is told when Qonto answers with an error, and what the tap does then."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from requests.structures import CaseInsensitiveDict

from tap_qonto.errors import ApiError, Fault, StoppedError, UnreachableError
from tap_qonto.http.refusals import POLICIES, Action, policy_for, read_fault
from tests.support import FILES, INVOICES, bookmark, chosen, written_by

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto
    from tests.support import Output, Runner

CALL = "stream supplier_invoices (GET /v2/supplier_invoices)"
KEY = "the API key (login and secret_key)"
SETTING = "Correct the setting that it names, most often in supplier_invoices_filter."
LATER = "Run the tap again later; it continues where it stopped. Given up after 7 attempts."
PAGE = (
    f"The answer to the request for {CALL} is a page (HTTP {{}}), not JSON. In the sandbox this "
    "means that staging_token is missing or wrong; otherwise a firewall or proxy answers in "
    "Qonto's place, or api_url is not Qonto's."
)
STATE = {
    "bookmarks": {
        INVOICES: {
            "replication_key": "updated_at",
            "replication_key_value": "2025-01-01T00:00:00.000000Z",
        }
    }
}


def sentence(output: Output) -> str:
    """Return what a user of a failed run reads, with trace ids and ports made plain."""
    assert output.code == 1
    assert "Traceback" not in output.stderr
    assert output.errors == [output.sentence]
    assert output.records() == []
    assert {bookmark(state) for state in output.states} <= {None, bookmark(STATE)}
    text = re.sub(r"trace id [0-9a-f]{32}", "trace id …", output.sentence)
    return re.sub(r"127\.0\.0\.1:\d+", "the host", text)


# One sentence for each row of the table.

SENTENCES = {
    400: f"Qonto did not accept the request for {CALL}: Bad request (HTTP 400, "
    f"code bad_request, trace id …). {SETTING}",
    401: f"Qonto refused {KEY} on the request for {CALL}: Authentication failed (HTTP 401, "
    "code unauthorized, trace id …). Check that it is complete, not revoked, and belongs to this "
    "host.",
    403: f"Qonto does not let {KEY} read {CALL}: User does not have sufficient permissions "
    "(HTTP 403, code forbidden, trace id …). The scope supplier_invoice.read may be missing, or "
    "the plan of the organization or the role of the member does not include it.",
    404: f"Qonto has nothing for {CALL}: Resource not found (HTTP 404, code not_found, "
    "trace id …). Check api_url.",
    407: "The proxy before Qonto asks for a login on the request for stream supplier_invoices "
    "(GET /v2/supplier_invoices): Something went wrong (HTTP 407, code error, trace id …). Write "
    "user and password into HTTPS_PROXY.",
    408: f"Qonto could not answer the request for {CALL}: Something went wrong (HTTP 408, "
    f"code error, trace id …). {LATER}",
    422: f"Qonto did not accept the request for {CALL}: Unprocessable entity (HTTP 422, "
    f"code unprocessable_entity, trace id …). {SETTING}",
    425: f"Qonto could not answer the request for {CALL}: Something went wrong (HTTP 425, "
    f"code error, trace id …). {LATER}",
    429: f"Qonto's rate limit blocks the request for {CALL}: API rate limit exceeded "
    "(HTTP 429, code too_many_requests, trace id …). Another program on the same address may use "
    "it up: lower rate_limits or run them in turn. Given up after … attempts.",
    500: f"Qonto could not answer the request for {CALL}: Internal server error (HTTP 500, "
    f"code internal_server_error, trace id …). {LATER}",
    502: f"Qonto could not answer the request for {CALL}: Bad gateway (HTTP 502, "
    f"code bad_gateway, trace id …). {LATER}",
    503: f"Qonto could not answer the request for {CALL}: Service unavailable (HTTP 503, "
    f"code service_unavailable, trace id …). {LATER}",
    504: f"Qonto could not answer the request for {CALL}: Gateway timeout (HTTP 504, "
    f"code gateway_timeout, trace id …). {LATER}",
    # Statuses that have no row of their own.
    409: f"Qonto answered the request for {CALL} in an unexpected way: Conflict (HTTP 409, "
    "code conflict, trace id …). Check api_url.",
    501: f"Qonto could not answer the request for {CALL}: Something went wrong (HTTP 501, "
    f"code error, trace id …). {LATER}",
}

SMALL = 20
"""Rows on a page that is not asked for in halves; see `tests/journeys/test_slow_pages.py`."""


def test_each_row_of_the_table_is_tested() -> None:
    assert POLICIES.keys() <= SENTENCES.keys()


@pytest.mark.parametrize("status", SENTENCES)
def test_each_status_has_its_sentence_and_its_number_of_attempts(
    company: FakeQonto, tap: Runner, status: int
) -> None:
    company.control.add_fault("status", status=status, retry_after="0" if status != 429 else None)
    said = sentence(tap.run(state=STATE, page_size=SMALL))
    if status == 429:
        # A quarter of an hour of waits that are random in part.
        said = re.sub(r"after \d+ attempts", "after … attempts", said)
        assert company.control.count("api") > 15
    else:
        is_repeated = status >= 500 or status in {408, 425}
        assert company.control.count("api") == (7 if is_repeated else 1)
    assert said == SENTENCES[status]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504])
def test_what_may_pass_is_asked_for_again(company: FakeQonto, tap: Runner, status: int) -> None:
    company.control.add_fault("status", status=status, retry_after="0", times=3)
    output = tap.sync(INVOICES)
    assert sorted(output.ids()) == sorted(company.control.invoice_ids())
    assert company.control.count("api") == 4


def test_a_refused_credential_stops_all_calls_of_the_run(company: FakeQonto, tap: Runner) -> None:
    company.control.add_fault("status", status=401, path="attachments")
    output = tap.run(attachments={"concurrency": 2})
    assert output.code == 1
    assert "refused the API key" in output.sentence
    # Only what was under way when the first answer came.
    assert company.control.count("api", "attachments") <= 2


@pytest.mark.parametrize("status", [400, 403, 404])
def test_lists_do_without_the_organization(company: FakeQonto, tap: Runner, status: int) -> None:
    """Its id would go into the state; a list whose rows have it does not ask."""
    company.control.add_fault("status", status=status, path="/v2/organization")
    output = tap.sync("labels")
    assert output.ids("labels") != []


def test_a_run_that_fails_ends_what_is_on_its_way(company: FakeQonto, tap: Runner) -> None:
    company.control.add_fault("status", status=400, path=INVOICES)
    run = tap.tap(catalog=chosen(INVOICES))
    with pytest.raises(ApiError):
        written_by(run)
    with pytest.raises(StoppedError):
        run.run.session.check_stop()


@pytest.mark.parametrize("setting", ["login", "secret_key"])
def test_a_wrong_key_is_told_without_being_shown(
    company: FakeQonto, tap: Runner, setting: str
) -> None:
    tap.config[setting] = "my-mistaken-key"
    output = tap.run()
    assert sentence(output) == SENTENCES[401].replace(
        "Authentication failed", "Invalid or expired credentials"
    )
    assert "my-mistaken-key" not in output.stderr
    assert company.control.count("api") == 1


def test_a_wrong_access_token_is_told_by_its_setting(company: FakeQonto, tap: Runner) -> None:
    output = tap.run(login=None, secret_key=None, access_token="my-mistaken-token")
    assert sentence(output).startswith(
        f"Qonto refused the access_token on the request for {CALL}: Invalid or expired"
    )
    assert "my-mistaken-token" not in output.stderr
    assert company.control.count("api") == 1


def test_the_scope_of_attachments_is_named(company: FakeQonto, tap: Runner) -> None:
    token = company.control.new_access_token(scope="supplier_invoice.read")
    output = tap.run(login=None, secret_key=None, access_token=token)
    assert output.code == 0
    [warning] = [line for line in output.stderr.splitlines() if "WARNING" in line]
    assert "missing required oauth scope: attachment.read" in warning
    assert "The scope attachment.read may be missing" in warning
    assert "stream attachments, attachment " in warning


# Every form in which errors are reported.


_NOT_IN_LIST = (
    "'x' is not included in the list: to_review, to_approve, to_pay, awaiting_payment, pending, "
    "scheduled, paid, archived, rejected, discarded (HTTP 400, code not_in_list, "
    "parameter filter[status], trace id …)"
)


@pytest.mark.parametrize(
    ("style", "said"),
    [
        ("list", _NOT_IN_LIST),
        ("object", _NOT_IN_LIST),
        ("flat", _NOT_IN_LIST),
        ("message", "Bad Request (HTTP 400, trace id …)"),
        ("text", "400 Bad Request (HTTP 400, trace id …)"),
        ("empty", "no reason given (HTTP 400, trace id …)"),
    ],
)
def test_an_unknown_filter_value_is_told_in_every_form(
    company: FakeQonto, tap: Runner, style: str, said: str
) -> None:
    company.control.set(error_style=style)
    output = tap.run(supplier_invoices_filter={"status": ["x"]})
    assert sentence(output) == f"Qonto did not accept the request for {CALL}: {said}. {SETTING}"
    assert company.control.count("api") == 1


def test_a_gateway_that_forbids_a_plan_is_understood(company: FakeQonto, tap: Runner) -> None:
    body = json.dumps({"message": "Forbidden", "trace_id": "0" * 32})
    company.control.add_fault("status", status=403, body=body)
    assert sentence(tap.run()) == SENTENCES[403].replace(
        "User does not have sufficient permissions (HTTP 403, code forbidden,",
        "Forbidden (HTTP 403,",
    )


def test_a_block_page_is_not_printed(company: FakeQonto, tap: Runner) -> None:
    page = "<html><head><title>Access\n denied &amp; logged</title></head><body>1010</body></html>"
    company.control.add_fault("raw", status=403, body=page, content_type="text/html")
    said = sentence(tap.run())
    assert said == PAGE.replace("a page (", 'the page "Access denied & logged" (').format(403)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 407, 418, 422])
@pytest.mark.parametrize("content_type", ["text/html", "Text/HTML; charset=x", "application/xhtml"])
def test_a_page_of_a_firewall_says_nothing_about_the_credential(
    company: FakeQonto, tap: Runner, status: int, content_type: str
) -> None:
    facts = {"status": status, "body": "<p>No.</p>", "content_type": content_type}
    company.control.add_fault("raw", path=INVOICES, times=1, **facts)
    output = tap.run(catalog=chosen(INVOICES, "clients"))
    assert output.code == 1
    assert output.sentence == PAGE.format(status)
    # It failed, as other streams did not: it is not left out as one that may not be read.
    assert output.records("clients") != []


@pytest.mark.parametrize("status", [200, 302])
def test_a_page_instead_of_json_names_the_staging_token(
    company: FakeQonto, tap: Runner, status: int
) -> None:
    company.control.set(staging_token="the-right-one", staging_gate_status=status)
    page = PAGE.replace("a page (", 'the page "Log in | OneLogin" (')
    assert sentence(tap.run()) == page.format(status)
    assert company.control.count("api") == 1


def test_a_host_that_is_not_qontos_is_told(company: FakeQonto, tap: Runner) -> None:
    body = '{"hello": "world"}'
    company.control.add_fault("raw", status=200, body=body, content_type="application/json")
    assert sentence(tap.run()) == (
        "Qonto's answer for stream supplier_invoices holds no list supplier_invoices with its "
        "meta. Check api_url."
    )


@pytest.mark.parametrize("body", ["[]", "null", "3", '"text"'])
def test_json_that_is_no_object_is_told(company: FakeQonto, tap: Runner, body: str) -> None:
    company.control.add_fault("raw", status=200, body=body, content_type="application/json")
    assert sentence(tap.run()) == (
        f"The answer to the request for {CALL} is not a JSON object. Check api_url."
    )


BROKEN_OFF = (
    f"The connection to the host failed or was cut off on the request for {CALL}. Check the "
    "address and the network. Given up after 7 attempts."
)
DAMAGED = (
    f"The JSON of the answer to the request for {CALL} is cut off or damaged. "
    "Given up after 7 attempts."
)
KINDS = {
    "reset": BROKEN_OFF,
    "close": BROKEN_OFF,
    "cut_body": BROKEN_OFF,
    "short_json": DAMAGED,
}


def test_an_unreachable_host_is_told(tap: Runner) -> None:
    refused = BROKEN_OFF.replace("failed or was cut off", "was refused")
    assert sentence(tap.run(api_url="http://127.0.0.1:9")) == refused


@pytest.mark.parametrize("kind", KINDS)
def test_a_connection_that_fails_for_good_is_told(
    company: FakeQonto, tap: Runner, kind: str
) -> None:
    company.control.add_fault(kind)
    assert sentence(tap.run(state=STATE, page_size=SMALL)) == KINDS[kind]
    assert company.control.count("api") == 7


@pytest.mark.parametrize("kind", KINDS)
def test_a_connection_that_fails_at_times_loses_nothing(
    company: FakeQonto, tap: Runner, kind: str
) -> None:
    company.control.add_fault(kind, times=3)
    output = tap.sync(INVOICES)
    assert sorted(output.ids()) == sorted(company.control.invoice_ids())


def test_an_answer_that_takes_too_long_is_told(company: FakeQonto, tap: Runner) -> None:
    company.control.add_fault("delay", delay=30)
    assert sentence(tap.run(request_timeout=0.05, page_size=SMALL)) == (
        f"No answer in time from the host on the request for {CALL}. Raise request_timeout "
        "(now 0.05 s). Given up after 7 attempts."
    )
    assert company.control.count("api") == 7


def test_an_answer_that_takes_too_long_once_is_asked_for_again(
    company: FakeQonto, tap: Runner
) -> None:
    company.control.add_fault("delay", delay=30, times=1)
    output = tap.sync(INVOICES, request_timeout=0.5)
    assert sorted(output.ids()) == sorted(company.control.invoice_ids())
    assert company.control.count("api") >= 2


def test_what_fails_on_a_later_page_keeps_the_state_of_the_pages_before(
    company: FakeQonto, tap: Runner
) -> None:
    company.control.add_fault("status", path="supplier_invoices", after=2, retry_after="0")
    output = tap.run(page_size=10)
    assert output.code == 1
    assert bookmark(output.state) == output.records()[-1]["updated_at"]
    assert 0 < len(output.records()) < 30


# The bodies alone.


def headers(**given: str) -> CaseInsensitiveDict[str]:
    return CaseInsensitiveDict({name.replace("_", "-"): text for name, text in given.items()})


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (
            {"errors": [{"code": "c", "detail": "d", "source": {"parameter": "p"}}, {"code": "x"}]},
            Fault(400, "c", "d", "p"),
        ),
        (
            {"errors": [{"code": "c", "detail": "d", "source": {"pointer": "/p"}}]},
            Fault(400, "c", "d", "/p"),
        ),
        (
            {"errors": {"code": "c", "detail": "d"}, "trace_id": "t"},
            Fault(400, "c", "d", None, "t"),
        ),
        ({"code": "c", "detail": "d", "source": {"parameter": "p"}}, Fault(400, "c", "d", "p")),
        ({"code": "c", "detail": "d", "source": "p"}, Fault(400, "c", "d", "p")),
        ({"message": "Forbidden", "trace_id": "t"}, Fault(400, None, "Forbidden", None, "t")),
        ({"errors": [{"message": "m"}]}, Fault(400, None, "m")),
        ({"errors": ["only text"]}, Fault(400, None, "only text")),
        ({"errors": []}, Fault(400)),
        ({"errors": None}, Fault(400)),
        ({"errors": [{"code": 3, "detail": ["d"], "source": 7}]}, Fault(400)),
        ({}, Fault(400)),
        ([], Fault(400)),
        ("text", Fault(400)),
    ],
)
def test_every_variant_of_the_body_is_read(body: Any, fault: Fault) -> None:
    assert read_fault(400, json.dumps(body).encode(), headers()) == fault


def test_the_trace_id_of_the_header_is_what_support_asks_for() -> None:
    found = read_fault(500, b'{"trace_id": "of the body"}', headers(X_Tyk_Trace_Id="of the head"))
    assert found.trace_id == "of the head"
    assert read_fault(500, b"", headers(x_tyk_trace_id="t")) == Fault(500, trace_id="t")


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"{", b"<html>", b"[1"])
def test_what_cannot_be_read_gives_no_reason(body: bytes) -> None:
    assert str(read_fault(502, body, headers(Content_Type="text/html"))) == (
        "no reason given (HTTP 502)"
    )


def test_plain_text_is_quoted_on_one_line_and_not_at_length() -> None:
    text = "404 page\nnot   found.\n" + "x" * 10_000
    shown = str(read_fault(404, text.encode(), headers(Content_Type="text/plain; charset=utf-8")))
    assert shown.startswith("404 page not found. xxx")
    assert len(shown) < 300


def test_only_what_may_pass_is_tried_again() -> None:
    retried = {status for status in range(300, 600) if policy_for(status).action is Action.RETRY}
    assert retried == {408, 425, 429, *range(500, 600)}
    renewed = {status for status in range(300, 600) if policy_for(status).action is Action.RENEW}
    assert renewed == {401}


def test_an_error_in_an_attachment_call_names_the_attachment(
    company: FakeQonto, tap: Runner
) -> None:
    company.control.add_fault("status", path="attachments", retry_after="0")
    with pytest.raises(UnreachableError, match=r"stream attachments, attachment [\w-]+ of [\w-]+"):
        tap.sync(INVOICES, FILES)
