"""JSON from outside: what is whole, and what it holds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_qonto import json_text
from tap_qonto.errors import UnreachableError
from tap_qonto.http.transport import Answer

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False).map(str) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), VALUES), st.booleans(), st.integers(0), st.binary(max_size=2))
def test_what_looks_whole_can_be_read(
    body: dict[str, Any], is_ascii: bool, place: int, other: bytes
) -> None:
    content = json.dumps(body, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")
    place %= len(content) + 1
    for each in (content, content[:place], content[:place] + other + content[place + 1 :]):
        if json_text.is_object(each) and is_text(each):
            assert isinstance(json_text.parse(each), dict)


def is_text(content: bytes) -> bool:
    try:
        return bool(content.decode())
    except UnicodeDecodeError:
        return False


def test_plain_answers_look_whole() -> None:
    for text in ("{}", '{"a": [1, 2.5, "é", null, {"b": "\\n"}]}', '{"a": "\\u0000"}'):
        assert json_text.is_object(text.encode())


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{", b'{"a": }', b'{"a": NaN}', b"[" * 9_000 + b"]" * 9_000],
    ids=lambda content: content[:12].decode("latin1"),
)
def test_what_is_no_whole_object_does_not_look_like_one(content: bytes) -> None:
    assert not json_text.is_object(content)


@pytest.mark.parametrize(
    "value",
    [
        b"9" * 5_000,
        b'"\xff"',
        b'["\\u0000", ' + b"[" * 900 + b"]" * 901,
        b"[" * 9_000 + b"]" * 9_000,
    ],
)
def test_what_no_reader_takes_is_told_in_a_sentence(value: bytes) -> None:
    with pytest.raises(UnreachableError, match="stream labels is cut off or damaged"):
        _ = Answer(b'{"a": ' + value + b"}", None, "stream labels").body
