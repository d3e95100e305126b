"""What the streams of one run share."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from tap_qonto.errors import ApiError, DataError, TapQontoError, UnreachableError
from tap_qonto.http.early import EarlyAnswers, request
from tap_qonto.output.outcomes import Outcomes

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    import requests

    from tap_qonto.http.session import Session

_SKEW = timedelta(minutes=1)
_PATH, _SCOPE = "/v2/organization", "organization.read"
WITH_EXTERNAL = (("include_external_accounts", "true"),)
"""Parameters that bring the accounts at other banks, too."""

logger = logging.getLogger("tap-qonto")


class Run:
    """One run of the tap, as its streams know it.

    Args:
        config: The settings, with their defaults.
        stop: Set when the run is to end; all waits end with it.
        connect: Returns the way to Qonto for settings and stop. It is called when the
            first stream asks for it.

    Attributes:
        outcomes: How its streams ended.
        begun: When it began (aware), by the clock of this machine.
        id: Tells it from other runs.
        early: Answers that were asked for before their turn.
        on_first_answer: Called once, when an answer has shown that the credential works.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        stop: threading.Event,
        connect: Callable[[Mapping[str, Any], threading.Event], Session],
    ) -> None:
        """Connect to nothing yet."""
        self.config = config
        self.stop = stop
        self.id = str(uuid4())
        self.outcomes = Outcomes()
        self.begun = datetime.now(timezone.utc)
        self._connect = connect
        self.early = EarlyAnswers(config["list_concurrency"])
        self.on_first_answer: Callable[[], object] | None = None
        self._clock_was_checked = False

    @cached_property
    def session(self) -> Session:
        """The one way to Qonto for all streams."""
        return self._connect(self.config, self.stop)

    @property
    def organization(self) -> Mapping[str, Any]:
        """The organization that the credential reads, with its accounts, external ones too.

        It is asked for once in a run, also where that fails.

        Source: docs.qonto.com, "Retrieve the authenticated organization".

        Raises:
            TapQontoError: It cannot be read.
        """
        if isinstance(self._organization, TapQontoError):
            raise self._organization
        return self._organization

    @cached_property
    def _organization(self) -> Mapping[str, Any] | TapQontoError:
        try:
            return self._asked_organization()
        except TapQontoError as error:
            return error

    def _asked_organization(self) -> Mapping[str, Any]:
        asked = request(_PATH, WITH_EXTERNAL)
        what = "the organization"
        get = partial(self.session.get, *asked, what=what, scope=_SCOPE, observe=self._count)
        answer = (self.early.take(asked) or partial(self.early.call, get))()
        # The stream `organization` asks the same.
        self.early.put(asked, answer)
        found = answer.body.get("organization")
        if not isinstance(found, dict):
            msg = "Qonto's answer for the organization holds none. Check api_url."
            raise DataError(msg)
        return found

    def _count(self, response: requests.Response, waited: float) -> None:  # noqa: ARG002
        """Count a call for the list that is being read."""
        if self.outcomes.current:
            self.outcomes.current.call(waited)

    @cached_property
    def organization_id(self) -> str | None:
        """Id of the organization; None where Qonto does not tell it.

        Raises:
            ApiError: All other calls would fail, too.
        """
        try:
            found = self.organization
        except ApiError as error:
            if error.is_final:
                raise
            return None
        except (DataError, UnreachableError) as error:
            logger.warning("Whose rows these are is not known in this run. %s", error)
            return None
        return str(found.get("id") or "") or None

    @property
    def organization_key(self) -> str:
        """What tells the organization from others: its id, or its slug without one.

        Raises:
            TapQontoError: It cannot be read.
        """
        return str(self.organization.get("id") or self.organization.get("slug") or "")

    def note_date(self, date: datetime | None) -> None:
        """Compare Qonto's clock (aware) with that of this machine, once."""
        if self.on_first_answer:
            act, self.on_first_answer = self.on_first_answer, None
            act()
        if date is None or self._clock_was_checked:
            return
        self._clock_was_checked = True
        ahead = datetime.now(timezone.utc) - date
        if abs(ahead) > _SKEW:
            logger.warning(
                "The clock of this machine is %s %s Qonto's. Qonto's clock decides what is "
                "read; set this one right, since credentials and log lines depend on it.",
                timedelta(seconds=round(abs(ahead).total_seconds())),
                "ahead of" if ahead > timedelta() else "behind",
            )

    @property
    def attachment_settings(self) -> Mapping[str, Any]:
        """The setting `attachments`, with its defaults."""
        given: Mapping[str, Any] = self.config["attachments"]
        return given


class Running(Protocol):
    """A tap, as far as its streams know it."""

    @property
    def run(self) -> Run:
        """What its streams share."""
