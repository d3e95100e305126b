"""How each stream of a run ended; one that fails does not hold up the others."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Literal

from tap_qonto.errors import (
    OrganizationError,
    OutputError,
    RefusedError,
    StoppedError,
    StreamsError,
    TapQontoError,
    UnreachableError,
)
from tap_qonto.output import redaction

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

logger = logging.getLogger("tap-qonto")
_MEGABYTE = 1_000_000


def in_words(files: int, size: int) -> str:
    """Say how many files were fetched, and how many bytes they have."""
    return f"{files:,} files ({size / _MEGABYTE:,.1f} MB)"


@dataclass
class Outcome:
    """What a run did for a stream, and how it ended.

    Attributes:
        stream: Its name.
        status: Whether all of it was read.
        reason: Why not, or what is missing although the rest is there, in words.
        rows: Records that were written.
        files: Files that were fetched.
        bytes: Their size.
        calls: Requests to the API that were answered.
        seconds_waited: How long they waited for the rate limit, added up.
        source_count: Rows that Qonto counts in the whole list; None if not known.
        bookmark: Up to where the stream has come, as the state has it.
        new_fields: Dotted paths of what went to ``extra_fields``.
        is_emitted: Whether its rows are written; a list can be read for others alone.
        started_at: When it began (UTC); None before.
        ended_at: When it ended (UTC); None before.
    """

    stream: str
    status: Literal["complete", "forbidden", "failed"] = "complete"
    reason: str | None = None
    rows: int = 0
    files: int = 0
    bytes: int = 0
    calls: int = 0
    seconds_waited: float = 0.0
    source_count: int | None = None
    bookmark: str | None = None
    new_fields: set[str] = field(default_factory=set)
    is_emitted: bool = True
    started_at: datetime | None = None
    ended_at: datetime | None = None
    seconds: float = 0.0
    _begun: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begin(self) -> None:
        """Start its clock."""
        self.started_at = datetime.now(timezone.utc)
        self._begun = time.monotonic()

    def call(self, waited: float) -> None:
        """Count a request that was answered, and the seconds that it waited before."""
        with self._lock:
            self.calls += 1
            self.seconds_waited += waited

    def file(self, size: int) -> None:
        """Count a file that was fetched, and its bytes."""
        with self._lock:
            self.files += 1
            self.bytes += size

    def note(self, words: str) -> None:
        """Add words to the reason."""
        self.reason = f"{self.reason} {words}" if self.reason else words

    def fail(self, error: Exception) -> None:
        """Take down what ended the stream."""
        is_refused = isinstance(error, RefusedError) and not error.is_final
        self.status = "forbidden" if is_refused else "failed"
        kind = "" if isinstance(error, TapQontoError) else f"{type(error).__name__}: "
        self.reason = redaction.redact(f"{kind}{error}")

    def end(self) -> None:
        """Stop its clock."""
        self.ended_at = datetime.now(timezone.utc)
        self.seconds = time.monotonic() - self._begun

    def in_columns(self, width: int) -> str:
        """Say it on one line of the summary, with so many characters for the name."""
        files = f", {in_words(self.files, self.bytes)}" if self.files else ""
        status = "" if self.status == "complete" else f"; {self.status}"
        return f"{self.stream:{width}} {self.rows:>9,} rows in {self.seconds:,.1f} s{files}{status}"


class Outcomes:
    """The outcomes of a run, by stream.

    Attributes:
        current: Of the list that is being read; None between lists.
        on_end: Called with the outcome of each emitted stream when it ends.
    """

    def __init__(self) -> None:
        """Start before the first stream."""
        self.current: Outcome | None = None
        self.on_end: Callable[[Outcome], object] | None = None
        self._known: dict[str, Outcome] = {}
        self._ended: list[Outcome] = []
        self._errors: list[tuple[Outcome, Exception]] = []
        self._unreachable: UnreachableError | None = None

    def __getitem__(self, stream: str) -> Outcome:
        """Return the outcome of a stream, which may not have begun."""
        return self._known.setdefault(stream, Outcome(stream))

    @contextmanager
    def of(self, outcome: Outcome, *, was_read: bool) -> Generator[None, None, None]:
        """Take down how a stream ends, and let the run go on when it fails.

        Args:
            outcome: Of the stream.
            was_read: Whether an earlier run could read it.

        Raises:
            Exception: What concerns all streams: the credential, the host, the target.
        """
        self.current, stream = outcome, outcome.stream
        before, self._unreachable = self._unreachable, None
        try:
            with self.beside(outcome):
                yield
        except (StoppedError, OutputError, OrganizationError):
            raise
        except RefusedError as error:
            if error.is_final:
                raise
            logger.warning("%s is left out. %s", stream, error)
            if was_read or outcome.rows:
                self._errors.append((outcome, error))
        except Exception as error:
            if isinstance(error, UnreachableError) and not error.is_answered:
                self._unreachable = error
                if error.is_of_another(before):
                    msg = (
                        f"{error} The same was so for the stream before {stream}, so the run "
                        "ends, and the streams after it are not read."
                    )
                    raise UnreachableError(msg) from error
            self._errors.append((outcome, error))
            logger.warning("%s failed; the run goes on with the other streams.", stream)
        finally:
            self.current = None

    @contextmanager
    def beside(self, outcome: Outcome) -> Generator[None, None, None]:
        """Take down how a stream ends that is read beside a list."""
        outcome.begin()
        try:
            yield
        except Exception as error:
            self.end(outcome, error)
            raise
        self._end(outcome)

    def end(self, outcome: Outcome, error: Exception) -> None:
        """Take down what ended a stream beside a list, and the list with it."""
        if not isinstance(error, (StoppedError, OutputError)):
            outcome.fail(error)
            self._end(outcome)

    def fail(self, outcome: Outcome, error: Exception) -> None:
        """Take down a stream that failed beside a list, which goes on."""
        outcome.fail(error)
        self._errors.append((outcome, error))
        logger.warning(
            "%s failed; the run goes on with the other streams. %s", outcome.stream, error
        )

    def forbid(self, outcome: Outcome, reason: str, failure: Exception | None = None) -> None:
        """Take down a stream that is out of reach, and is not asked for any more.

        Args:
            outcome: Of the stream.
            reason: Why, in words.
            failure: What ends the run once the others are read, if it could be read before.
        """
        outcome.status, outcome.reason = "forbidden", redaction.redact(reason)
        logger.warning("%s is left out. %s", outcome.stream, reason)
        if failure:
            self._errors.append((outcome, failure))
        if outcome.started_at is None:
            outcome.begin()
            self._end(outcome)

    def _end(self, outcome: Outcome) -> None:
        if outcome.ended_at:
            # What held it up was told by the list.
            return
        outcome.end()
        self._ended.append(outcome)
        if self.on_end and outcome.is_emitted:
            self.on_end(outcome)

    def report(self) -> None:
        """Sum up the run in the log, a line for each stream."""
        told = [each for each in self._ended if each.is_emitted or each.status != "complete"]
        width = max((len(each.stream) for each in told), default=0)
        for outcome in told if len(told) > 1 else []:
            logger.info("%s", outcome.in_columns(width))

    def finish(self) -> None:
        """End the run.

        Raises:
            Exception: The only failure.
            StreamsError: There were several, or no stream could be read.
        """
        errors = [error for _, error in self._errors]
        refused = [outcome for outcome in self._ended if outcome.status == "forbidden"]
        if len(errors) == 1:
            raise errors[0]
        if refused and len(refused) == len(self._ended):
            reasons = list(dict.fromkeys(str(outcome.reason) for outcome in refused))
            several = ["None of the selected streams can be read."] if len(reasons) > 1 else []
            raise StreamsError(reasons + several)
        if errors:
            names = ", ".join(outcome.stream for outcome, _ in self._errors)
            summary = (
                f"{len(errors)} of {len(self._ended)} streams were not read to the end: {names}. "
                "Their bookmarks stay where they were."
            )
            sentences = [f"{outcome.stream}: {error}" for outcome, error in self._errors]
            raise StreamsError([*sentences, summary])
