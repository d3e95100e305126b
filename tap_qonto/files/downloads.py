"""Fetching files: facts from the API, bytes from the file host."""

from __future__ import annotations

import base64
import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from tap_qonto.errors import ApiError, NotFoundError, RefusedError, UnreachableError
from tap_qonto.files import sealed
from tap_qonto.files.hashes import Facts, Stored
from tap_qonto.files.shelf import Label, Shelf
from tap_qonto.files.sources import NotThereError, quoted
from tap_qonto.files.transfer import TooLargeError, Transfer
from tap_qonto.files.wanted import GONE, Found
from tap_qonto.http.retries import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_qonto.files.coverage import Coverage
    from tap_qonto.files.sources import Source
    from tap_qonto.files.storage import Storage
    from tap_qonto.files.wanted import Wanted
    from tap_qonto.http.session import Session
    from tap_qonto.output.records import Record

    Make = Callable[[dict[str, Any], str], bytes]


class Conform(Protocol):
    """Makes an API object conform to the stream's schema."""

    def __call__(self, row: Any, /) -> Record:
        """Return the record."""


class Downloader:
    """Fetches one file at a time, from any thread.

    Args:
        stream: Name of the stream.
        session: The way to Qonto.
        storage: Where files go, in the mode ``files``.
        options: What is to be fetched.
        source: Where facts come from.
        conform: Makes the API's object conform to the stream's schema.
        make: Returns the bytes of a file that Qonto makes for the call, by its facts and its
            name in words; None if files have signed addresses.
        dated_by: The fact whose year and month the path of a file begins with.
        asks_again: Whether Qonto is asked even for a file whose row did not change. Without
            a state it is, so that somebody who begins anew gets what is new.
        note_fetched: Called with the bytes of each file that was fetched; in any thread.
    """

    def __init__(  # noqa: PLR0913 - each is one fact of the stream
        self,
        stream: str,
        *,
        session: Session,
        storage: Storage | None,
        options: Coverage,
        source: Source,
        conform: Conform,
        make: Make | None,
        dated_by: str,
        asks_again: bool,
        note_fetched: Callable[[int], object],
    ) -> None:
        """Fetch nothing yet."""
        self._session = session
        self._shelf = Shelf(storage) if storage else None
        self._facts = Facts(storage, stream) if storage else None
        self._options = options
        self._source = source
        self._conform = conform
        self._make = make
        self._dated_by = dated_by
        self._asks_again = asks_again
        self._note_fetched = note_fetched

    def fetch(self, wanted: Wanted, *, what: str, once: bool = False) -> Found:
        """Fetch a file's facts and, as the mode asks, its bytes.

        Args:
            wanted: The file.
            what: Which file of what, in words, for messages.
            once: Whether one attempt is enough, since a later run makes the next.

        Returns:
            Its row, and that of its sealed copy. If a file could not be had, `status` is
            ``failed`` or ``missing``, and `error` says why.

        Raises:
            TapQontoError: What has nothing to do with this one file: the credential, the
                rate limit, the place. The file's final name holds the whole file or what
                was there before.
        """
        facts: dict[str, Any] = {}
        record = self._at_rest(wanted)
        if record is None:
            record = self._fetched(wanted, self._source, facts, what, once=once)
        found = Found((record,), is_settled=record["status"] not in GONE)
        if not self._options.sealed or not found.is_settled:
            return found
        copy = self._sealed(wanted, record, facts, what, once=once)
        return Found(found.records + copy.records, copy.is_settled)

    def _sealed(
        self, wanted: Wanted, record: Record, facts: dict[str, Any], what: str, *, once: bool
    ) -> Found:
        """Fetch the sealed copy of a file, if Qonto has it."""
        status = sealed.status_of(record)
        if status != sealed.AVAILABLE:
            return Found((), is_settled=status != sealed.PENDING)
        copy = sealed.copy_of(wanted, record)
        row = self._at_rest(copy)
        if row is None:
            source = sealed.SealedCopy(self._source, wanted, facts)
            row = self._fetched(copy, source, {}, f"{what}, sealed copy", once=once)
        row |= {"id": copy.attachment_id, "roles": list(copy.roles)}
        return Found((row,), is_settled=row["status"] not in GONE)

    def _at_rest(self, wanted: Wanted) -> Record | None:
        """Return the row of a file that is stored, if the row that names it did not change."""
        if self._asks_again or not wanted.digest or self._facts is None or self._shelf is None:
            return None
        facts = self._facts.get(wanted)
        if facts is None or (self._options.sealed and sealed.status_of(facts) == sealed.PENDING):
            return None
        there = self._shelf.find(self._label(wanted, facts, facts))
        return {**facts, **self._told(*there)} if there else None

    def _fetched(
        self, wanted: Wanted, source: Source, facts: dict[str, Any], what: str, *, once: bool
    ) -> Record:
        """Fetch a file; leave its facts in `facts`."""
        transfer = Transfer(self._session, what, self._options.max_bytes, once=once)

        def attempt() -> Record:
            facts.update(source.facts(wanted, what))
            return self._with_file(wanted, facts, transfer, what)

        return self._tried(attempt, wanted, facts, once=once)

    def _tried(
        self,
        attempt: Callable[[], Record],
        wanted: Wanted,
        facts: dict[str, Any],
        *,
        once: bool,
    ) -> Record:
        try:
            return attempt() if once else self._session.attempt(attempt)
        except NotThereError as error:
            return self._without_file(facts, "missing", str(error))
        except NotFoundError as error:
            # Without a code it is the gateway's answer for a path that it does not know;
            # there is such a path, unless the id is none.
            ids = (wanted.parent_id, wanted.attachment_id)
            is_known = error.fault.code is not None or any(key != quoted(key) for key in ids)
            if is_known:
                return self._without_file(facts, "missing", str(error.fault))
            return self._without_file(facts, "failed", str(error))
        except (ApiError, UnreachableError, TransientError) as error:
            if _concerns_all(error):
                raise
            if self._make and isinstance(error, ApiError):
                # Such as a certificate of an account whose checks are not done.
                return self._without_file(facts, "missing", str(error.fault))
            return self._without_file(facts, "failed", str(error))

    def _without_file(self, facts: dict[str, Any], status: str, error: str | None = None) -> Record:
        record = self._conform(facts)
        return record | {"roles": None, "status": status, "error": error}

    def _with_file(
        self, wanted: Wanted, facts: dict[str, Any], transfer: Transfer, what: str
    ) -> Record:
        record = self._without_file(facts, "downloaded")
        size, limit = record["file_size"], self._options.max_bytes
        if self._options.mode == "metadata":
            return record | {"status": "metadata_only"}
        if limit is not None and size is not None and size > limit:
            return record | _too_large(size, limit)
        chunks = self._chunks(facts, record, transfer, what)
        try:
            if self._shelf is None or self._facts is None:
                data = b"".join(chunks)
                digest = hashlib.sha256(data).hexdigest()
                content = base64.b64encode(data).decode()
                inline = Stored(digest, len(data), size, transfer.on_wire)
                self._note_fetched(len(data))
                return record | self._told(inline) | {"content_base64": content}
            label = self._label(wanted, record, facts)
            there = self._shelf.store(label, chunks, transfer)
        except TooLargeError as error:
            return record | _too_large(error.size, limit or 0)
        if transfer.is_done:
            self._note_fetched(transfer.size)
        if wanted.digest:
            self._facts.put(wanted, record)
        return record | self._told(*there)

    def _chunks(
        self, facts: dict[str, Any], record: Record, transfer: Transfer, what: str
    ) -> Iterator[bytes]:
        if self._make:
            return transfer.whole(partial(self._make, facts, what))
        url = facts.get("url")
        if not isinstance(url, str) or not url:
            msg = f"Qonto gave no address for {what}. Run the tap again later."
            raise TransientError(UnreachableError(msg))
        return transfer.chunks(url, record["file_size"], record["file_content_type"])

    def _label(self, wanted: Wanted, record: Record, facts: dict[str, Any]) -> Label:
        dates = record if self._dated_by in record else facts
        return Label(
            wanted.attachment_id,
            record["file_name"],
            record["file_content_type"],
            dates.get(self._dated_by),
            record["file_size"],
        )

    def _told(self, stored: Stored, location: str | None = None) -> Record:
        told = {"sha256": stored.sha256, "error": stored.disagreement, "location": location}
        # Nobody announces the size of a file that is made for the call.
        return told | {"file_size": stored.size} if self._make else told


def _too_large(size: int, limit: int) -> dict[str, str]:
    return {
        "status": "too_large",
        "error": f"{size} bytes, more than attachments.max_bytes = {limit}",
    }


def _concerns_all(error: Exception) -> bool:
    """Tell whether a failure is of the credential or the rate limit, not of one file."""
    cause = error if isinstance(error, TransientError) else error.__cause__
    is_limited = isinstance(cause, TransientError) and cause.limited
    return is_limited or isinstance(error, RefusedError)
