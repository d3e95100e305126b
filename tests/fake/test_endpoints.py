"""Every endpoint of the fake does what its table of facts says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.fake_qonto import TODAY
from tests.fake_qonto.clock import parse_instant
from tests.fake_qonto.endpoints import ENDPOINTS
from tests.fake_qonto.lists.filters import Choice, Days, Flag, Ids, Instants

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.fake.client import Client, Row
    from tests.fake_qonto import FakeQonto
    from tests.fake_qonto.lists.facts import Filter

BY_NAME = {facts.name: facts for facts in ENDPOINTS}
LISTS = [facts.name for facts in ENDPOINTS if not facts.one]
ROWS = 45
# Words that are in no list, and what a filter of each kind refuses.
UNREADABLE = {Instants: "2026-13-01", Days: "tomorrow", Choice: "odd", Flag: "maybe", Ids: "one"}


def of_each(*kinds: type[Any]) -> list[Any]:
    """Return a case for each filter of some kinds that compares a field of the rows."""
    return [
        pytest.param(facts.name, each, id=f"{facts.name}-{each.name}")
        for facts in ENDPOINTS
        for each in facts.filters
        if isinstance(each, kinds) and not any(vars(each).get(name) for name in _OWN_COMPARISONS)
    ]


_OWN_COMPARISONS = ("matches", "holds", "of")


class Asked:
    """An endpoint of the fake, asked with a token that may read it."""

    def __init__(self, client: Client, name: str) -> None:
        self.client = client
        self.facts = BY_NAME[name]
        self.control = client.fake.control
        self.table = client.fake.control._world.table(name)
        token = self.control.new_access_token(scope=self.facts.scope)
        self.token = {"Authorization": f"Bearer {token}"}

    @property
    def keys(self) -> list[str]:
        """The keys of the rows that it is to list."""
        world, facts = self.client.fake.control._world, self.facts
        keys = self.control.ids(facts.name)
        hides = facts.hides(world, ())
        if not hides:
            return keys
        return [key for key in keys if not hides(self.table.row(key))]

    def parents(self) -> list[str]:
        """Return the values of the partition; one that is not used without partitions."""
        name = self.facts.partition
        return sorted({str(self.table.row(key)[name]) for key in self.keys}) if name else [""]

    def get(self, parent: str = "", **query: Any) -> Any:
        """Ask for a page of a parent."""
        if self.facts.partition and "{parent}" not in self.facts.path:
            query.setdefault(self.facts.partition, parent)
        return self.client.get(self.facts.path.replace("{parent}", parent), query, **self.token)

    def page(self, parent: str = "", **query: Any) -> Row:
        answer = self.get(parent, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]

    def pages(self, parent: str, **query: Any) -> Iterator[list[Row]]:
        """Yield the rows of each page."""
        while True:
            answer = self.page(parent, **query)
            yield answer[self.facts.collection]
            page = answer.get("meta", {}).get("next_page")
            if not page:
                return
            query["page"] = page

    def rows(self, **query: Any) -> list[Row]:
        """Return the rows of all parents and pages."""
        return [
            row for parent in self.parents() for page in self.pages(parent, **query) for row in page
        ]

    def found(self, **query: Any) -> set[str]:
        return {row["id"] for row in self.rows(**query)}

    def with_values(self, name: str) -> dict[str, Any]:
        """Return what the rows have in a field, by key."""
        return {key: self.table.row(key).get(name) for key in self.keys}


@pytest.fixture
def asked(client: Client, name: str) -> Asked:
    """The endpoint of the case, whose list has more than a page."""
    known_as = "invoices" if name == "supplier_invoices" else name
    counts = {} if BY_NAME[name].one else {known_as: ROWS}
    client.fake.control.reset(today=TODAY, **counts)
    return Asked(client, name)


@pytest.mark.parametrize("name", BY_NAME)
def test_who_may_ask(asked: Asked, client: Client, fake: FakeQonto) -> None:
    facts = asked.facts
    path = facts.path.replace("{parent}", asked.parents()[0])
    query = {facts.partition: asked.parents()[0]} if facts.partition else None
    assert client.get(path, query, **asked.token).status_code == 200
    assert client.get(path, query).status_code == (401 if facts.auth == "oauth" else 200)
    other = fake.control.new_access_token(scope="offline_access")
    refused = client.get(path, query, Authorization=f"Bearer {other}")
    assert refused.status_code == 403
    assert facts.scope in refused.text
    fake.control.set(forbidden=[facts.name])
    assert client.get(path, query, **asked.token).status_code == 403


@pytest.mark.parametrize("name", [facts.name for facts in ENDPOINTS if facts.one])
def test_a_single_object(asked: Asked) -> None:
    answer = asked.page()
    served = asked.control.row(asked.facts.name, asked.keys[0])
    one = answer[asked.facts.collection] if asked.facts.collection else answer
    assert one.keys() == served.keys()


@pytest.mark.parametrize("name", LISTS)
def test_all_rows_come_in_pages(asked: Asked) -> None:
    facts = asked.facts
    assert len(asked.rows()) == len(asked.keys) > 0
    for parent in asked.parents():
        answer = asked.page(parent)
        if not facts.paged:
            assert answer.keys() == {facts.collection}
            continue
        assert answer.keys() == {facts.collection, "meta"}
        meta, total = answer["meta"], answer["meta"][facts.total]
        assert meta["per_page"] == facts.per_page
        assert len(answer[facts.collection]) == min(total, facts.per_page)
        assert (meta["current_page"], meta[facts.previous]) == (1, None)
        last = asked.page(parent, per_page=4, page=meta["total_pages"] and -(-total // 4))
        left = {"zero": {"next_page": 0}, "absent": {}}
        end = left.get(facts.next_style or "", {"next_page": None})
        assert {key: last["meta"][key] for key in last["meta"] if key == "next_page"} == end
        sizes = [len(page) for page in asked.pages(parent, per_page=4)]
        assert sum(sizes) == total
        assert set(sizes[:-1]) <= {4}


@pytest.mark.parametrize("name", [name for name in LISTS if BY_NAME[name].paged])
def test_the_size_of_a_page_is_bounded(asked: Asked) -> None:
    parent = asked.parents()[0]
    assert asked.get(parent, per_page=asked.facts.most).status_code == 200
    for refused in (asked.facts.most + 1, 0, "ten"):
        assert asked.get(parent, per_page=refused).status_code == 400


@pytest.mark.parametrize("name", [name for name in LISTS if BY_NAME[name].partition])
def test_a_list_of_one_parent(asked: Asked) -> None:
    facts = asked.facts
    if "{parent}" not in facts.path:
        assert asked.client.get(facts.path, **asked.token).status_code == facts.partition_status
    assert len(asked.parents()) > 1
    assert sum(len(page) for page in asked.pages("gone")) == 0


@pytest.mark.parametrize(
    ("name", "order"),
    [
        (facts.name, sort)
        for facts in ENDPOINTS
        for sort in ("", *facts.sorts)
        # Links have nothing that tells them apart.
        if not facts.one and facts.name != "transaction_links"
    ],
)
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_order(asked: Asked, order: str, direction: str) -> None:
    query = {"sort_by": f"{order}:{direction}"} if order else {}
    sort, _, way = query.get("sort_by", asked.facts.order).partition(":")
    key_of = {_told_by(asked.control.row(asked.facts.name, key)): key for key in asked.keys}
    for parent in asked.parents():
        rows = [row for page in asked.pages(parent, per_page=7, **query) for row in page]
        values = [asked.table.sort_value(key_of[_told_by(row)], sort) for row in rows]
        assert values == sorted(values, reverse=way == "desc")


def _told_by(row: Row) -> str:
    """Return a row's id, or what it holds if it has none."""
    return str(row.get("id") or sorted(map(str, row.items())))


@pytest.mark.parametrize("name", [name for name in LISTS if BY_NAME[name].sorts])
def test_an_order_that_is_not_known_is_refused(asked: Asked) -> None:
    for order in ("odd:asc", f"{asked.facts.sorts[0]}:up", asked.facts.sorts[0]):
        answer = asked.get(asked.parents()[0], sort_by=order)
        assert answer.status_code == 400
        assert "sort_by" in answer.text


@pytest.mark.parametrize(("name", "one"), of_each(Instants))
def test_a_window(asked: Asked, one: Instants) -> None:
    stamps = {key: value for key, value in asked.with_values(one.name).items() if value}
    middle = sorted(stamps.values())[len(stamps) // 2]
    sides = {"_from": [key for key, value in stamps.items() if value >= middle]}
    sides["_to"] = [key for key, value in stamps.items() if value <= middle]
    for end in ("_from", "_to"):
        found = asked.found(**{one.parameter(end): middle.isoformat()})
        assert found == (set(sides[end]) if end in one.ends else set(asked.keys))


@pytest.mark.parametrize(("name", "one"), of_each(Days))
def test_days(asked: Asked, one: Days) -> None:
    days = {key: value for key, value in asked.with_values(one.name).items() if value}
    middle = sorted(days.values())[len(days) // 2]
    sides = {"_from": [key for key, value in days.items() if value >= middle]}
    sides["_to"] = [key for key, value in days.items() if value <= middle]
    for end in one.ends:
        assert asked.found(**{one.parameter(end): middle}) == set(sides[end])


@pytest.mark.parametrize(("name", "one"), of_each(Choice, Ids, Flag))
def test_a_field_that_is_compared(asked: Asked, one: Choice | Ids | Flag) -> None:
    values = asked.with_values(getattr(one, "field", None) or one.name)
    if isinstance(one, Flag):
        for text, flag in (("true", True), ("false", False)):
            expected = {key for key, value in values.items() if bool(value) is flag}
            assert asked.found(**{one.parameter(): text}) == expected
        return
    allowed = getattr(one, "allowed", ()) or values.values()
    chosen = sorted({value for value in values.values() if value and value in allowed})[:2]
    sent: Any = ",".join(chosen) if one.comma else chosen
    several = one.parameter() if one.comma else f"{one.parameter()}[]"
    assert asked.found(**{several: sent}) == _with(values, chosen)
    assert asked.found(**{one.parameter(): chosen[0]}) == _with(values, chosen[:1])


def _with(values: dict[str, Any], wanted: Iterable[Any]) -> set[str]:
    return {key for key, value in values.items() if value in wanted}


@pytest.mark.parametrize(("name", "one"), of_each(Instants, Days, Choice, Ids, Flag))
def test_a_filter_that_cannot_be_read_is_refused(asked: Asked, one: Filter) -> None:
    facts, parent = asked.facts, asked.parents()[0]
    end = one.ends[0] if isinstance(one, Instants | Days) else ""
    parameter = one.parameter(end)  # type: ignore[attr-defined]
    is_open = isinstance(one, Choice) and not one.allowed
    expected = 200 if is_open else 400
    odd = {parameter: UNREADABLE[type(one)]}
    assert asked.get(parent, **odd).status_code == expected
    asked.control.vary(facts.name, ignored=(one.name,))
    assert asked.get(parent, **odd).status_code == 200
    asked.control.vary(facts.name, ignored=(), refused=(one.name,))
    assert asked.get(parent, **odd).status_code == 400


@pytest.mark.parametrize("name", [name for name in LISTS if BY_NAME[name].single is not None])
def test_one_row_by_its_id(asked: Asked) -> None:
    facts = asked.facts
    row = asked.rows()[3 % len(asked.keys)]
    answer = asked.client.get(f"{facts.path}/{row['id']}", **asked.token)
    assert answer.status_code == 200
    got = answer.json()[facts.single] if facts.single else answer.json()
    assert got["id"] == row["id"]
    assert got.keys() == row.keys()
    assert asked.client.get(f"{facts.path}/gone", **asked.token).status_code == 404


@pytest.mark.parametrize("name", LISTS)
def test_rows_are_as_they_are_written(asked: Asked) -> None:
    facts = asked.facts
    for row in asked.rows():
        assert not [name for name in row if name.startswith("_")]
        for name, value in row.items():
            if name.endswith("_at") and value:
                assert parse_instant(value).tzinfo
                digits = len(value.partition(".")[2].rstrip("Z"))
                assert facts.digits is None or digits in {facts.digits, 0}
            assert value != "" or name in {*facts.blank, "declined_note"}


def test_accounts_inside_of_the_organization_do_not_name_it(client: Client) -> None:
    answer = client.get("/v2/organization?include_external_accounts=true")
    inside = answer.json()["organization"]["bank_accounts"]
    assert {each["id"] for each in inside} == set(client.fake.control.ids("bank_accounts"))
    assert [each for each in inside if "organization_id" in each] == []
    listed = client.get("/v2/bank_accounts").json()["bank_accounts"]
    assert {each["organization_id"] for each in listed} == {answer.json()["organization"]["id"]}
