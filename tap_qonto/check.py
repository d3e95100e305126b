"""`tap-qonto --test`: who one is, what can be read, and what not and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tap_qonto.errors import RefusedError, TapQontoError
from tap_qonto.files.downloads import quoted
from tap_qonto.files.places import storage_for
from tap_qonto.streams import Attachments, SupplierInvoices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from tap_qonto.http.session import Session

_FORBIDDEN = 403
_TRIED = 100


class Finding(NamedTuple):
    """One thing that was tried.

    Attributes:
        works: Whether a sync can do it.
        words: What was found, for the user.
    """

    works: bool
    words: str


def findings(session: Session, attachments: Mapping[str, Any]) -> Iterator[Finding]:
    """Try what a sync needs; read little, download and store nothing.

    Args:
        session: The way to Qonto.
        attachments: The setting of that name.
    """
    organization = _organization(session)
    yield organization
    if not organization.works:
        return
    try:
        rows = _first_invoices(session)
    except TapQontoError as error:
        yield Finding(works=False, words=f"supplier_invoices: {error}")
        return
    yield Finding(works=True, words="supplier_invoices: can be read.")
    yield _attachment(session, rows)
    if attachments["mode"] == "files":
        yield _location(attachments)


def _organization(session: Session) -> Finding:
    path, scope = "/v2/organization", "organization.read"
    try:
        answer = session.get(path, what="the organization", scope=scope)
    except RefusedError as error:
        if error.status == _FORBIDDEN:
            words = f"organization: not told, which needs the scope {scope}."
            return Finding(works=True, words=words)
        return Finding(works=False, words=f"organization: {error}")
    except TapQontoError as error:
        return Finding(works=False, words=f"organization: {error}")
    found = answer.body.get("organization")
    facts = found if isinstance(found, dict) else {}
    name = facts.get("legal_name") or facts.get("name") or facts.get("slug")
    return Finding(works=True, words=f"organization: {name}.")


def _first_invoices(session: Session) -> list[dict[str, Any]]:
    answer = session.get(
        SupplierInvoices.path,
        [("per_page", str(_TRIED))],
        what=f"stream {SupplierInvoices.name}",
        scope=SupplierInvoices.scope,
    )
    rows = answer.body.get(SupplierInvoices.collection)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _attachment(session: Session, rows: list[dict[str, Any]]) -> Finding:
    ids = (row.get("attachment_id") for row in rows)
    attachment = next((found for found in ids if isinstance(found, str) and found), None)
    if attachment is None:
        return Finding(works=True, words="attachments: not tried, there is none yet.")
    try:
        session.get(
            Attachments.path.format(id=quoted(attachment)),
            what=f"stream {Attachments.name}",
            scope=Attachments.scope,
        )
    except TapQontoError as error:
        return Finding(works=False, words=f"attachments: {error}")
    return Finding(works=True, words="attachments: can be read.")


def _location(attachments: Mapping[str, Any]) -> Finding:
    try:
        storage_for(attachments["location"], attachments.get("storage_options")).check()
    except TapQontoError as error:
        return Finding(works=False, words=f"location: {error}")
    return Finding(works=True, words="location: can be used.")
