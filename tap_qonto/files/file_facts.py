"""What a stream of files is: a table of facts, and hooks for what is special in it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from tap_qonto.base_stream import BaseStream
from tap_qonto.files.sources import ById, WithRow
from tap_qonto.files.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_qonto.files.downloads import Make
    from tap_qonto.files.sources import Facts, Source
    from tap_qonto.output.records import Record


class FileFacts(BaseStream):
    """The files that records of a parent stream refer to by id.

    A subclass states them: name, path, keys, schema, and these.

    Attributes:
        path: API path of an attachment, with ``{id}`` in it; where rows of the parent bring
            facts, that of the files of a row.
        scope: OAuth scope that it needs, for messages.
        parent_key: Field for the id of the parent's record.
        roles: Fields of the parent's record that hold an id, or a list of ids, each with
            its role's name.
        brings: Whether rows of the parent bring the facts of their files; see `files_in`.
        list_params: Parameters with which the parent's list brings them.
        answer_key: Key of the row in the answer to `path`, where it is wrapped.
        dated_by: The fact whose year and month the path of a file begins with.
    """

    path: ClassVar[str]
    scope: ClassVar[str]
    parent_key: ClassVar[str]
    roles: ClassVar[dict[str, str]]
    brings: ClassVar[bool] = False
    list_params: ClassVar[tuple[tuple[str, str], ...]] = ()
    answer_key: ClassVar[str | None] = None
    dated_by: ClassVar[str] = "created_at"

    def files_in(self, row: Mapping[str, Any]) -> Mapping[str, Facts] | None:  # noqa: ARG002 - as above
        """Return the facts of files in a row of the parent as Qonto sends it, by id.

        None if the row says nothing of its files, so that they are asked for.
        """
        return None

    def wanted(self, parent: Record) -> Iterator[Wanted]:
        """Yield the distinct files of a parent's record, each with its roles."""
        found: dict[str, list[str]] = {}
        for field, role in self.roles.items():
            ids = parent.get(field) or ()
            for attachment_id in [ids] if isinstance(ids, str) else ids:
                roles = found.setdefault(attachment_id, []) if attachment_id else []
                if role not in roles:
                    roles.append(role)
        digest = self._digest(parent) if found else ""
        for attachment_id, roles in found.items():
            yield Wanted(parent["id"], attachment_id, tuple(roles), digest)

    def _digest(self, parent: Record) -> str:
        """Return the hash of a row if it comes in every run and its files are asked for by id."""
        if self.brings or not self._reads_all:
            return ""
        text = msgspec.json.encode(parent, order="sorted", enc_hook=str)
        return hashlib.sha256(text).hexdigest()

    @property
    def _reads_all(self) -> bool:
        """Whether all rows of the parent are read, so that all files are tried."""
        return self._stream_version is not None

    def source(self) -> Source:
        """Return where the facts of files come from."""
        if not self.brings:
            return ById(self.ask, self.path)
        key = self.answer_key
        return WithRow(
            self.ask, self.path, lambda body: self.files_in(body[key] if key else body) or {}
        )

    def maker(self) -> Make | None:
        """Return what makes the bytes of files; None if files have signed addresses."""
        return None

    def ask(self, path: str, what: str) -> Mapping[str, Any]:
        """Return the API's answer for a path.

        Args:
            path: API path.
            what: What is asked for, in words, for messages.

        Raises:
            ApiError: Qonto refused, for good.
            UnreachableError: No whole answer after all attempts.
        """
        answer = self.run.session.get(path, what=what, scope=self.scope, observe=self.count_request)
        return answer.body
