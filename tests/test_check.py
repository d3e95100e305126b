"""`tap-qonto --test` says who one is, what can be read, and what not and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto
    from tests.support import Runner

WORKS = ["supplier_invoices: can be read.", "attachments: can be read.", "location: can be used."]


def test_a_key_that_works(fake: FakeQonto, tap: Runner) -> None:
    fake.control.reset(invoices=10)
    output = tap.run("--test")
    assert output.code == 0
    assert output.stdout.decode().splitlines() == ["organization: Acme Corp SAS.", *WORKS]
    assert fake.control.count("files") == 0
    assert not any(tap.files.rglob("*.*"))


def test_an_account_without_files(fake: FakeQonto, tap: Runner) -> None:
    fake.control.reset(invoices=0)
    output = tap.run("--test")
    assert output.code == 0
    assert "attachments: not tried, there is none yet." in output.stdout.decode()


def test_a_key_that_is_refused_is_tried_once(fake: FakeQonto, tap: Runner) -> None:
    output = tap.run("--test", secret_key="a-wrong-secret")
    assert output.code == 1
    (line,) = output.stdout.decode().splitlines()
    assert line.startswith("organization: Qonto refused the API key (login and secret_key)")
    assert "a-wrong-secret" not in output.stdout.decode() + output.stderr
    assert fake.control.count("api") == 1


@pytest.mark.parametrize(
    ("scope", "lines", "code"),
    [
        (
            "supplier_invoice.read attachment.read",
            ["organization: not told, which needs the scope organization.read.", *WORKS],
            0,
        ),
        (
            "organization.read supplier_invoice.read",
            ["organization: Acme Corp SAS.", WORKS[0], "attachments: Qonto does not let", WORKS[2]],
            1,
        ),
        (
            "organization.read attachment.read",
            ["organization: Acme Corp SAS.", "supplier_invoices: Qonto does not let"],
            1,
        ),
    ],
)
def test_each_scope_that_is_missing_is_told(
    fake: FakeQonto, tap: Runner, scope: str, lines: list[str], code: int
) -> None:
    fake.control.reset(invoices=10)
    token = fake.control.new_access_token(scope=scope)
    output = tap.run("--test", access_token=token, login=None, secret_key=None)
    said = output.stdout.decode().splitlines()
    assert len(said) == len(lines)
    assert all(line.startswith(expected) for line, expected in zip(said, lines, strict=True))
    assert output.code == code
    assert token not in output.stdout.decode()


def test_a_location_that_cannot_be_used(fake: FakeQonto, tap: Runner) -> None:
    fake.control.reset(invoices=10)
    (tap.folder / "a-file").write_text("in the way")
    output = tap.run("--test", attachments={"location": str(tap.folder / "a-file")})
    assert output.code == 1
    assert "location: Could not prepare" in output.stdout.decode()
