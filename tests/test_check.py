"""`tap-qonto --test` says whose account it is, which streams can be read, and why not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_qonto.reading.list_stream import QontoStream
from tap_qonto.streams import STREAMS
from tests.support import FILES, INVOICES, chosen

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto
    from tests.support import Output, Runner

COMPANY, PLACE = "organization: Acme Corp SAS.", "location: can be used."
FILE = "attachments: can be read."
DEFAULT = [each.name for each in STREAMS if each.selected_by_default and each.scope]
LISTS: dict[str, Any] = {each.name: each for each in STREAMS if issubclass(each, QontoStream)}
OAUTH_ALONE = [name for name, each in LISTS.items() if each.access == "oauth"]
UNSURE = [name for name, each in LISTS.items() if each.access == "unsure"]


def lines(output: Output) -> list[str]:
    return output.stdout.decode().splitlines()


def paths(fake: FakeQonto) -> list[str]:
    return [each["path"] for each in fake.control.requests("api")]


def test_each_selected_stream_is_asked_for_once(fake: FakeQonto, tap: Runner) -> None:
    fake.control.reset(invoices=130)
    output = tap.run("--test", catalog=None)
    assert output.code == 0, output.stdout
    names = [line.partition(":")[0] for line in lines(output)]
    assert names == ["organization", *DEFAULT, "location"]
    asked = paths(fake)
    for name in set(DEFAULT) & set(LISTS) - {INVOICES, *OAUTH_ALONE}:
        # Transactions are asked for by account.
        times = 2 if name == "bank_accounts" else 1
        assert asked.count(LISTS[name].path) == times, name
    assert fake.control.count("files") == 0
    assert not any(tap.files.rglob("*.*"))


def test_invoices_say_how_many_there_are_and_from_when(fake: FakeQonto, tap: Runner) -> None:
    fake.control.reset(invoices=130)
    stamps = sorted(each["updated_at"] for each in fake.control.invoices())
    output = tap.run("--test", catalog=chosen(INVOICES, FILES))
    times = f"updated from {stamps[0]} (oldest) to {stamps[-1]} (newest)"
    counted = f"supplier_invoices: can be read; 130 rows, {times}."
    assert lines(output) == [COMPANY, counted, FILE, PLACE]


@pytest.mark.parametrize("status", [403, 404, 422])
def test_an_account_that_qonto_refuses_is_no_failure(
    fake: FakeQonto, tap: Runner, status: int
) -> None:
    """A sync leaves it out, and reads the others."""
    fake.control.reset(invoices=0, bank_accounts=3)
    fake.control.add_fault("status", path="^/v2/transactions$", status=status, times=2)
    output = tap.run("--test", catalog=chosen("transactions"))
    assert output.code == 0
    assert "transactions: can be read." in lines(output)
    assert paths(fake).count("/v2/transactions") == 3
    fake.control.add_fault("status", path="^/v2/transactions$", status=status)
    assert tap.run("--test", catalog=chosen("transactions")).code == 1


@pytest.mark.parametrize("is_first", [True, False])
def test_the_streams_are_those_that_the_catalog_selects(
    company: FakeQonto, tap: Runner, *, is_first: bool
) -> None:
    path = tap.folder / "chosen.json"
    path.write_text(json.dumps(chosen("labels", "transaction_links")))
    options = ["--catalog", str(path)]
    output = tap.run(*(["--test", *options] if is_first else [*options, "--test"]))
    [link, label] = lines(output)[1:]
    assert label == f"labels: can be read; {len(company.control.ids('labels'))} rows."
    assert link == "transaction_links: can be read."
    asked = [path for path in paths(company) if path.endswith("child_transaction_links")]
    assert len(asked) == 1
    assert output.code == 0


def test_a_sync_is_asked_for_with_its_order_and_filter(company: FakeQonto, tap: Runner) -> None:
    tap.config |= {"start_date": "2020-01-01", "supplier_invoices_filter": {"status": ["paid"]}}
    selected = chosen(INVOICES, "clients", "transactions")
    tap.run(catalog=selected, page_size=7)
    synced = company.control.requests("api")
    company.control.clear_requests()
    output = tap.run("--test", catalog=selected, page_size=7)
    tested = company.control.requests("api")
    assert output.code == 0
    for path in ("/v2/supplier_invoices", "/v2/clients", "/v2/transactions"):
        [first, *_] = [each["query"] for each in tested if each["path"] == path]
        assert first in [each["query"] for each in synced if each["path"] == path]
    assert ["sort_by", "updated_at:asc"] in map(list, first)


@pytest.mark.parametrize(("name", "status"), [("clients", 422), (INVOICES, 400)])
def test_what_a_sync_would_be_refused_is_told(
    company: FakeQonto, tap: Runner, name: str, status: int
) -> None:
    company.control.add_fault("status", status=status, path=name)
    output = tap.run("--test", catalog=None)
    [line] = [line for line in lines(output) if line.startswith(f"{name}:")]
    assert "did not accept the request" in line
    assert "labels: can be read" in output.stdout.decode()
    assert output.code == 1


def test_an_account_without_files(fake: FakeQonto, tap: Runner) -> None:
    fake.control.reset(invoices=0)
    output = tap.run("--test", catalog=chosen(INVOICES, FILES))
    assert output.code == 0
    assert lines(output)[1:3] == [
        "supplier_invoices: can be read; 0 rows.",
        "attachments: not tried, there is none yet.",
    ]


@pytest.mark.parametrize("mode", ["metadata", "inline"])
def test_no_location_is_tried_where_none_is_needed(
    company: FakeQonto, tap: Runner, mode: str
) -> None:
    output = tap.run("--test", attachments={"mode": mode, "location": "dropbox://x"})
    assert not any(line.startswith("location") for line in lines(output))
    assert output.code == 0
    assert company.control.count("files") == 0


def test_a_key_that_is_refused_is_tried_once(fake: FakeQonto, tap: Runner) -> None:
    output = tap.run("--test", secret_key="a-wrong-secret")
    assert output.code == 1
    (line,) = lines(output)
    assert line.startswith("organization: Qonto refused the API key (login and secret_key)")
    assert "a-wrong-secret" not in output.stdout.decode() + output.stderr
    assert fake.control.count("api") == 1


@pytest.mark.parametrize(
    ("scope", "expected", "code"),
    [
        (
            "supplier_invoice.read attachment.read",
            [
                "organization: not told, which needs the scope organization.read.",
                "supplier_invoices: can be read; ",
                FILE,
                PLACE,
            ],
            0,
        ),
        (
            "organization.read supplier_invoice.read",
            [
                COMPANY,
                "supplier_invoices: can be read; ",
                "attachments: Qonto does not let the access_token read stream attachments",
                PLACE,
            ],
            1,
        ),
        (
            "organization.read attachment.read",
            [
                COMPANY,
                "supplier_invoices: Qonto does not let",
                "attachments: not tried, since supplier_invoices cannot be read.",
                PLACE,
            ],
            1,
        ),
    ],
)
def test_each_scope_that_is_missing_is_told(
    fake: FakeQonto, tap: Runner, scope: str, expected: list[str], code: int
) -> None:
    fake.control.reset(invoices=10)
    token = fake.control.new_access_token(scope=scope)
    tap.config |= {"access_token": token, "login": None, "secret_key": None}
    output = tap.run("--test", catalog=chosen(INVOICES, FILES))
    said = lines(output)
    assert len(said) == len(expected)
    assert all(line.startswith(each) for line, each in zip(said, expected, strict=True))
    assert output.code == code
    assert token not in output.stdout.decode()


def test_a_plan_or_role_that_shuts_a_list_is_told(company: FakeQonto, tap: Runner) -> None:
    company.control.set(forbidden=["cards"])
    output = tap.run("--test", catalog=None)
    [line] = [line for line in lines(output) if line.startswith("cards:")]
    assert "The scope card.read may be missing, or the plan of the organization or the role" in line
    assert output.code == 1
    assert sum("can be read" in line for line in lines(output)) > 20


def test_a_list_for_oauth_alone_is_told_and_not_asked_for(company: FakeQonto, tap: Runner) -> None:
    company.control.set(refuses_keys=["teams"])
    output = tap.run("--test", catalog=chosen("terminals", "teams", "labels"))
    alone, teams = sorted(line for line in lines(output) if "OAuth" in line)[::-1]
    assert teams.startswith("teams: Qonto refused the API key")
    assert teams.endswith("Qonto may give this to OAuth apps alone.")
    assert alone.startswith("terminals: Qonto gives it to OAuth apps alone, not to an API key.")
    assert LISTS["terminals"].path not in paths(company)
    # As for a sync, which leaves them out.
    assert output.code == 0


@pytest.mark.parametrize("arguments", [["--test"], []])
def test_a_key_is_refused_a_few_times_in_a_run_at_most(
    company: FakeQonto, tap: Runner, arguments: list[str]
) -> None:
    """Qonto throttles an address after 200 refusals in an hour."""
    company.control.set(refuses_keys=[*OAUTH_ALONE, *UNSURE])
    output = tap.run(*arguments, catalog=chosen(*LISTS))
    refused = [each for each in company.control.requests("api") if each["status"] == 401]
    assert {each["path"] for each in refused} == {LISTS[name].path for name in UNSURE}
    assert len(refused) == len(UNSURE) <= 11
    assert output.code == 0


@pytest.mark.parametrize("status", [400, 404, 500])
def test_it_goes_on_where_the_organization_cannot_be_had(
    company: FakeQonto, tap: Runner, status: int
) -> None:
    company.control.add_fault("status", status=status, path="/v2/organization")
    output = tap.run("--test", catalog=chosen(INVOICES, "labels"))
    organization, *others = lines(output)
    assert organization.startswith("organization: not told. Qonto ")
    assert [line.partition(";")[0] for line in others] == [
        "supplier_invoices: can be read",
        "labels: can be read",
    ]
    assert output.code == 0


def test_each_stream_has_its_line_where_the_organization_comes_as_a_page(
    company: FakeQonto, tap: Runner
) -> None:
    company.control.add_fault("html", path="/v2/organization")
    output = tap.run("--test", catalog=chosen("organization", "bank_accounts", "labels"))
    names = [line.partition(":")[0] for line in lines(output)]
    assert names == ["organization", "organization", "bank_accounts", "labels"]
    assert lines(output)[-1].startswith("labels: can be read")
    assert output.code == 1


def test_a_host_that_cannot_be_reached_is_tried_twice(tap: Runner) -> None:
    output = tap.run("--test", api_url="http://127.0.0.1:9")
    assert [line.partition(":")[0] for line in lines(output)] == ["organization", INVOICES]
    assert "was refused" in lines(output)[1]
    assert output.code == 1


def test_a_location_that_cannot_be_used(company: FakeQonto, tap: Runner) -> None:
    (tap.folder / "a-file").write_text("in the way")
    output = tap.run("--test", attachments={"location": str(tap.folder / "a-file")})
    assert output.code == 1
    assert "location: Could not prepare" in lines(output)[-1]
    assert company.control.count("files") == 0


def test_files_that_qonto_makes_are_tried_unless_it_takes_a_post(
    company: FakeQonto, tap: Runner
) -> None:
    names = ("iban_certificates", "transfer_proofs")
    output = tap.run("--test", catalog=chosen(*names))
    assert lines(output)[1:] == [
        "iban_certificates: can be read.",
        "transfer_proofs: not tried, since Qonto makes each file with a POST.",
        PLACE,
    ]
    asked = [each["path"] for each in company.control.requests("api") if each["method"] == "POST"]
    assert asked == []
    assert sum(path.endswith("iban_certificate") for path in paths(company)) == 1


def test_help_says_what_it_does(tap: Runner) -> None:
    said = " ".join(tap.run("--help").stdout.decode().split())
    assert "see which of the selected streams can be read, and why the others cannot" in said
