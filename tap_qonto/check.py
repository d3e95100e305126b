"""`tap-qonto --test`: whose account it is, which streams can be read, and why others cannot."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from tap_qonto.errors import NotFoundError, RefusedError, TapQontoError, UnreachableError
from tap_qonto.files.made import MadeFiles
from tap_qonto.files.places import storage_for
from tap_qonto.files.sources import NotThereError
from tap_qonto.files.stream import FilesStream
from tap_qonto.reading.list_stream import QontoStream
from tap_qonto.reading.per_parent import PerParent
from tap_qonto.reading.ways import UPDATED
from tap_qonto.streams import SupplierInvoices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from singer_sdk import Stream

    from tap_qonto.reading.pages import Page, Row
    from tap_qonto.run import Run

_FORBIDDEN, _UNAUTHORIZED = 403, 401


class Finding(NamedTuple):
    """One thing that was tried.

    Attributes:
        works: Whether a sync can do it, or does without it.
        words: What was found, for the user.
        error: What went wrong.
    """

    works: bool
    words: str
    error: Exception | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing else can be read, either."""
        return isinstance(self.error, RefusedError) and self.error.is_final


def findings(run: Run, streams: Mapping[str, Stream]) -> Iterator[Finding]:
    """Try what a sync needs: a request for each stream; download and store nothing.

    Args:
        run: What the streams share.
        streams: The streams of the tap, in order.
    """
    organization = _organization(run)
    yield organization
    if organization.is_final:
        return
    lists = [
        stream
        for stream in streams.values()
        if isinstance(stream, QontoStream)
        and any(each.selected for each in (stream, *stream.child_streams))
    ]
    # Where Qonto cannot be reached, another request shows it, and not one for each stream.
    down = organization.error if isinstance(organization.error, UnreachableError) else None
    with ThreadPoolExecutor(run.config["list_concurrency"]) as pool:
        families = map(_family, lists) if down else pool.map(_family, lists)
        for finding in chain.from_iterable(families):
            yield finding
            error = finding.error
            is_down = isinstance(error, UnreachableError) and error.is_of_another(down)
            if finding.is_final or is_down:
                return
    if run.attachment_settings["mode"] == "files" and any(
        isinstance(stream, FilesStream) and stream.selected for stream in streams.values()
    ):
        yield _location(run.attachment_settings)


def _organization(run: Run) -> Finding:
    try:
        facts = run.organization
    except RefusedError as error:
        words = f"organization: {error}"
        if error.status == _FORBIDDEN:
            words = "organization: not told, which needs the scope organization.read."
        return Finding(not error.is_final, words, error)
    except TapQontoError as error:
        return Finding(works=True, words=f"organization: not told. {error}", error=error)
    name = facts.get("legal_name") or facts.get("name") or facts.get("slug")
    return Finding(works=True, words=f"organization: {name}.")


def _family(stream: QontoStream) -> list[Finding]:
    """Try a list, and what is selected of that which hangs below its rows."""
    pages: Sequence[Page] = ()
    if stream.out_of_reach:
        own = Finding(works=True, words=f"{stream.name}: {stream.out_of_reach}")
    else:
        try:
            pages = stream.probe(to_end=isinstance(stream, SupplierInvoices))
        except TapQontoError as error:
            own = _refusal(stream, error)
        else:
            own = Finding(works=True, words=f"{stream.name}: can be read{_counted(stream, pages)}.")
    found = [own] if stream.selected else []
    for child in stream.child_streams:
        if child.selected and own.error:
            words = f"{child.name}: not tried, since {stream.name} cannot be read."
            found.append(Finding(works=own.works, words=words, error=own.error))
        elif child.selected:
            found.append(_child(child, stream, [row for page in pages for row in page.rows]))
    return found


def _refusal(stream: Stream, error: TapQontoError) -> Finding:
    # A list that may take OAuth alone is left out of a sync where it does.
    if isinstance(error, RefusedError) and error.status == _UNAUTHORIZED:
        return Finding(not error.is_final, f"{stream.name}: {error}", error)
    return Finding(works=False, words=f"{stream.name}: {error}", error=error)


def _counted(stream: QontoStream, pages: Sequence[Page]) -> str:
    """Return how many rows there are, and from when, as far as they are known."""
    if not pages or stream.partition_key:
        return ""
    total = pages[0].total
    counted = f"; {total:,} row" + "s" * (total != 1)
    stamps = [str(row.get(UPDATED)) for page in pages for row in page.rows]
    if len(pages) == 1 or not stamps:
        return counted
    return f"{counted}, updated from {stamps[0]} (oldest) to {stamps[-1]} (newest)"


def _child(child: Stream, parent: QontoStream, rows: Sequence[Row]) -> Finding:
    if isinstance(child, MadeFiles) and child.method == "POST":
        words = f"{child.name}: not tried, since Qonto makes each file with a POST."
        return Finding(works=True, words=words)
    try:
        is_tried = any(_is_tried(child, parent, row) for row in rows)
    except (NotFoundError, NotThereError):
        is_tried = True  # it is gone since
    except TapQontoError as error:
        return _refusal(child, error)
    found = "can be read" if is_tried else "not tried, there is none yet"
    return Finding(works=True, words=f"{child.name}: {found}.")


def _is_tried(child: Stream, parent: QontoStream, row: Row) -> bool:
    """Ask for what hangs below a row, if there is anything.

    Raises:
        TapQontoError: It cannot be read.
        NotThereError: Qonto names a file that it does not have yet.
    """
    record = parent.conform(row)
    if isinstance(child, PerParent):
        return child.wants(record) and bool(child.probe(record))
    if not isinstance(child, FilesStream):
        return False
    wanted = next((each for each in child.wanted(record) if each.attachment_id), None)
    if wanted is None:
        return False
    source = child.source()
    if child.brings:
        source.bring(wanted.parent_id, child.files_in(row))
    what = f"stream {child.name}, attachment {wanted.attachment_id}"
    facts, make = source.facts(wanted, what), child.maker()
    if make:
        make(facts, what)
    return True


def _location(attachments: Mapping[str, Any]) -> Finding:
    try:
        storage_for(attachments["location"], attachments.get("storage_options")).check()
    except TapQontoError as error:
        return Finding(works=False, words=f"location: {error}", error=error)
    return Finding(works=True, words="location: can be used.")
