"""Conditional and range requests."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from moxlite.web.http.conditional import Representation, http_date, parse_ranges, respond
from moxlite.web.http.messages import Headers

TIME = datetime(2026, 11, 20, 7, 0, 0, 123456, tzinfo=UTC)
ITEM = Representation(b"0123456789", "text/plain", "tag", TIME)


def status(method: str = "GET", **fields: str) -> int:
    return respond(method, Headers((name.replace("_", "-"), value) for name, value in fields.items()), ITEM).status


def test_validators_are_sent() -> None:
    """WEB-9, WEBMAIL-4."""
    response = respond("GET", Headers(), ITEM)
    assert response.status == 200
    assert response.header("etag") == '"tag"'
    assert response.header("last-modified") == "Fri, 20 Nov 2026 07:00:00 GMT"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"if_none_match": '"tag"'}, 304),
        ({"if_none_match": 'W/"tag"'}, 304),
        ({"if_none_match": '"a", "tag"'}, 304),
        ({"if_none_match": "*"}, 304),
        ({"if_none_match": '"other"'}, 200),
        ({"if_modified_since": http_date(TIME)}, 304),
        ({"if_modified_since": "Thu, 19 Nov 2026 07:00:00 GMT"}, 200),
        ({"if_modified_since": "rubbish"}, 200),
        # §13.2.2: the tag decides, the date is not looked at
        ({"if_none_match": '"other"', "if_modified_since": http_date(TIME)}, 200),
        ({"if_match": '"other"'}, 412),
        ({"if_match": '"tag"'}, 200),
        ({"if_unmodified_since": "Thu, 19 Nov 2026 07:00:00 GMT"}, 412),
    ],
)
def test_preconditions_are_evaluated_in_order(fields: dict[str, str], expected: int) -> None:
    """WEB-9 (RFC 9110 §13)."""
    assert status(**fields) == expected


@pytest.mark.parametrize(
    ("wanted", "ranges"),
    [
        ("bytes=0-3", [(0, 3)]),
        ("bytes=5-", [(5, 9)]),
        ("bytes=-3", [(7, 9)]),
        ("bytes=-30", [(0, 9)]),
        ("bytes=8-100", [(8, 9)]),
        ("bytes=0-1, 4-5", [(0, 1), (4, 5)]),
        ("bytes=10-", []),
        ("bytes=-0", []),
        ("bytes=5-2", None),
        ("bytes=a-b", None),
        ("lines=1-2", None),
        ("bytes=" + ",".join("0-1" for _ in range(9)), None),
    ],
)
def test_ranges_are_read(wanted: str, ranges: list[tuple[int, int]] | None) -> None:
    """WEB-9 (RFC 9110 §14)."""
    assert parse_ranges(wanted, 10) == ranges


@given(st.text(max_size=40), st.integers(0, 100))
def test_ranges_never_leave_the_content(text: str, size: int) -> None:
    """WEB-9."""
    for first, last in parse_ranges("bytes=" + text, size) or []:
        assert 0 <= first <= last < size


def test_one_range_is_sent_as_it_is() -> None:
    """WEB-9."""
    response = respond("GET", Headers([("range", "bytes=2-4")]), ITEM)
    assert (response.status, response.body, response.header("content-range")) == (206, b"234", "bytes 2-4/10")


def test_several_ranges_are_sent_in_parts() -> None:
    """WEB-9."""
    response = respond("GET", Headers([("range", "bytes=0-0,9-9")]), ITEM)
    assert response.status == 206
    assert response.body.count(b"Content-Range: bytes") == 2
    assert (response.header("content-type") or "").startswith("multipart/byteranges; boundary=")


def test_an_unsatisfiable_range_is_refused() -> None:
    """WEB-9."""
    assert status(range="bytes=10-") == 416


def test_a_range_of_another_version_gives_the_whole() -> None:
    """WEB-9: If-Range."""
    assert status(range="bytes=0-1", if_range='"other"') == 200
    assert status(range="bytes=0-1", if_range='"tag"') == 206
    assert status(range="bytes=0-1", if_range='W/"tag"') == 200
    assert status(range="bytes=0-1", if_range=http_date(TIME)) == 206
