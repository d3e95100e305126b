"""Files that Qonto makes when they are asked for, such as certificates and proofs.

Their bytes differ at each call, so a file that is stored is not asked for again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import override

from tap_qonto.files.sources import WithRow, quoted
from tap_qonto.files.stream import FilesStream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_qonto.files.downloads import Make
    from tap_qonto.files.sources import Facts, Source


class MadeFiles(FilesStream):
    """One PDF for a row of the parent, from the API's own host and with the credential.

    Attributes:
        path: API path of the file, with ``{id}`` for the id of the row.
        parent_path: API path of the row, with ``{id}`` in it.
        parent_in: Key of the row in the answer.
        method: HTTP method of the call; what needs ``POST`` is not tried by ``--test``.
    """

    method: ClassVar[Literal["GET", "POST"]] = "GET"
    parent_path: ClassVar[str]
    parent_in: ClassVar[str]
    brings = True
    dated_by = "dated"
    selected_by_default = False

    def facts_of(self, row: Mapping[str, Any]) -> Facts:
        """Return the facts of a row's file, among them its name; `params` are those of the call."""
        raise NotImplementedError

    @override
    def files_in(self, row: Mapping[str, Any]) -> Mapping[str, Facts]:
        """Return the facts of a row's file, which has the id of the row."""
        facts = {**self.facts_of(row), "id": row["id"], "file_content_type": "application/pdf"}
        return {row["id"]: facts}

    @override
    def source(self) -> Source:
        """Return where facts come from: the row itself."""
        return WithRow(
            self.ask,
            self.parent_path,
            lambda body: self.files_in(body[self.parent_in]),
            expires=False,
        )

    @override
    def maker(self) -> Make:
        """Return what makes the bytes of a file."""

        def make(facts: Facts, what: str) -> bytes:
            return self.run.session.pdf(
                self.method,
                self.path.format(id=quoted(facts["id"])),
                facts.get("params", ()),
                what=what,
                scope=self.scope,
                observe=self.count_request,
            )

        return make
