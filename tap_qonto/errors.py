"""What can go wrong, and what the user is told.

Every error of the tap is a `TapQontoError`, whose text is one sentence: what
happened, where, and what to do::

    TapQontoError
    ├── ConfigError         a setting is missing or wrong
    │   └── OrganizationError   the state is of another organization
    ├── ApiError            Qonto answered, and the answer ends the run
    │   ├── NotFoundError   404: there is no such object
    │   └── RefusedError    401 or 403: the credential is not accepted, or not enough
    ├── UnreachableError    no whole answer, after all attempts
    │   └── CutError            though the request was heard; the answer may be too large
    ├── DataError           an answer that cannot be read without losing rows
    ├── StorageError        a file could not be stored
    ├── OutputError         the messages could not be written
    ├── StreamsError        several streams failed, or none can be read
    └── StoppedError        the run was told to end
"""

from __future__ import annotations

from dataclasses import dataclass


class TapQontoError(Exception):
    """A failure, told in one sentence."""


class ConfigError(TapQontoError):
    """A setting is missing or wrong."""


class OrganizationError(ConfigError):
    """The state is of another organization than the credential."""


class ApiError(TapQontoError):
    """Qonto answered with an error that ends the run.

    Attributes:
        status: HTTP status of the answer.
        fault: What the body of the answer said.
        is_final: Whether all other calls with this credential would fail, too.
    """

    is_final = False

    def __init__(self, message: str, status: int, fault: Fault) -> None:
        """Keep the sentence, and the facts for code that can go on."""
        super().__init__(message)
        self.status = status
        self.fault = fault


class NotFoundError(ApiError):
    """Qonto has no such object."""


class RefusedError(ApiError):
    """The credential is not accepted, or does not reach this far."""


class UnreachableError(TapQontoError):
    """No whole answer came, after all attempts.

    Attributes:
        is_answered: Whether Qonto answered, though with an error of its own, so that other
            calls may do better.
        path: What of the API was asked for; None where that is not known.
    """

    is_answered = False
    path: str | None = None

    def is_of_another(self, earlier: Exception | None) -> bool:
        """Tell whether something else was asked for than where an earlier call failed."""
        return isinstance(earlier, UnreachableError) and (
            self.path is None or self.path != earlier.path
        )


class CutError(UnreachableError):
    """The request was heard, and no whole answer came; it may be too large."""


def concerns_all(error: Exception) -> bool:
    """Tell whether a failure is no matter of what was asked for alone.

    Such are those of the credential, the host, the settings, the target, and the end of the run.
    """
    if isinstance(error, UnreachableError):
        return not error.is_answered
    if isinstance(error, ApiError):
        return error.is_final
    return not isinstance(error, DataError)


class DataError(TapQontoError):
    """An answer that cannot be read without losing rows."""


def keyless(words: str, key: str) -> DataError:
    """Return the error of a row that lacks a key.

    Args:
        words: Which row, behind a space; "" where nothing tells.
        key: The field that it lacks.
    """
    msg = (
        f"A row{words} has no {key}. The stream ends here, since going on would lose the row; "
        "report it to the maintainers of tap-qonto."
    )
    return DataError(msg)


class StorageError(TapQontoError):
    """A file could not be stored."""


class OutputError(TapQontoError):
    """The messages could not be written."""


class StreamsError(TapQontoError):
    """Several streams failed, or none can be read.

    Attributes:
        errors: What happened, a sentence each.
    """

    def __init__(self, errors: list[str]) -> None:
        """Keep the sentences."""
        super().__init__(" ".join(errors))
        self.errors = errors


class StoppedError(TapQontoError):
    """The run was told to end."""


@dataclass(frozen=True)
class Fault:
    """What the body of an error answer said; any part can be missing.

    Attributes:
        code: Qonto's word for the error, such as ``not_in_list``.
        detail: Qonto's sentence.
        source: The parameter or pointer that it complains about.
        trace_id: What Qonto's support asks for.
    """

    status: int
    code: str | None = None
    detail: str | None = None
    source: str | None = None
    trace_id: str | None = None

    def __str__(self) -> str:
        """Say it in words, for use inside a sentence."""
        facts = [f"HTTP {self.status}"]
        facts += [f"code {self.code}"] if self.code else []
        facts += [f"parameter {self.source}"] if self.source else []
        facts += [f"trace id {self.trace_id}"] if self.trace_id else []
        detail = " ".join((self.detail or "no reason given").split()).rstrip(".")
        return f"{detail} ({', '.join(facts)})"
