"""What a list answers, and a single row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fake_qonto.lists.pages import find_page
from tests.fake_qonto.lists.reader import Params, Reader
from tests.fake_qonto.lists.table import NotHereError
from tests.fake_qonto.server.answers import Refusal, json_bytes

if TYPE_CHECKING:
    from tests.fake_qonto.lists.facts import Endpoint
    from tests.fake_qonto.lists.reader import Query
    from tests.fake_qonto.world import World


def list_rows(world: World, facts: Endpoint, params: Params, parent: str | None) -> bytes:
    """Answer ``GET path``: a page, the whole of a list without pages, or the one object."""
    table = world.table(facts.name)
    if facts.one:
        return _wrapped(facts.collection, _only(world, facts, params))
    query = Reader(facts, params, world.settings, world.now().date()).read(parent)
    _hide(world, facts, params, query)
    if not facts.paged:
        query.per_page = max(len(table), 1)
    page = find_page(table, query, shuffled=world.settings.tie_order == "shuffled")
    rows = b",".join(world.row_json(facts.name, key, params) for key in page.keys)
    body = b'"%s":[%s]' % (facts.collection.encode(), rows)
    if not facts.paged or world.settings.hides_meta:
        return b"{%s}" % body
    return b'{%s,"meta":%s}' % (body, json_bytes(_meta(world, facts, query, page.total)))


def retrieve_row(world: World, facts: Endpoint, params: Params, key: str) -> bytes:
    """Answer ``GET path/{id}``."""
    row = world.row_json(facts.name, key, params)
    hides = facts.hides(world, params)
    if hides and hides(world.table(facts.name).row(key)):
        raise NotHereError(key)
    return _wrapped(facts.single or "", row)


def _wrapped(name: str, row: bytes) -> bytes:
    return b'{"%s":%s}' % (name.encode(), row) if name else row


def _only(world: World, facts: Endpoint, params: Params) -> bytes:
    keys = world.table(facts.name).keys()
    if keys:
        return world.row_json(facts.name, keys[0], params)
    if facts.collection:
        return b"null"
    raise NotHereError(facts.name)


def _hide(world: World, facts: Endpoint, params: Params, query: Query) -> None:
    hides = facts.hides(world, params)
    if hides:
        query.tests.append(lambda row: not hides(row))


def _meta(world: World, facts: Endpoint, query: Query, total: int) -> dict[str, Any]:
    settings = world.settings
    pages = -(-total // query.per_page)
    beyond = query.page > max(pages, 1)
    too_deep = settings.max_page is not None and query.page > settings.max_page
    if too_deep or (beyond and settings.past_last_page == 422):
        detail = f"page {query.page} is out of range"
        raise Refusal(422, "unprocessable_entity", detail, parameter="page")
    style = facts.next_style or settings.next_page_style
    meta: dict[str, Any] = {
        "current_page": query.page,
        "next_page": query.page + 1 if query.page < pages else None,
        facts.previous: query.page - 1 if query.page > 1 else None,
        "total_pages": pages,
        facts.total: total,
        "per_page": query.per_page,
    }
    if meta["next_page"] is None and style == "zero":
        meta["next_page"] = 0
    elif meta["next_page"] is None and style == "absent":
        del meta["next_page"]
    return meta
