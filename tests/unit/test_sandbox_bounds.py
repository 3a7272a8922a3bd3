"""Bounds on HTML before it is parsed."""

import re
import time

import pytest
from hypothesis import given, strategies as st

from moxlite.sandbox.bounds import MAX_ATTRIBUTES, MAX_FORMATTING, excess
from moxlite.sandbox.sanitize import sanitize
from tests.newsletters import blown_up, newsletters

FORMATS = "This message's HTML has too many open formatting tags to display."
ATTRIBUTES = "This message's HTML has a tag with too many attributes to display."


def bold(count: int) -> str:
    """Formatting elements that differ, without their ends."""
    return "".join(f"<b id={number}>" for number in range(count))


def without_sheet(html: str) -> str:
    """Harmless HTML, without its style sheet."""
    return re.sub("<style>.*?</style>", "", sanitize(html, {}, external=False).html, flags=re.DOTALL)


@pytest.mark.parametrize(
    ("html", "why"),
    [
        (bold(4900) + "<p>x" * 4900, FORMATS),
        (bold(MAX_FORMATTING + 1), FORMATS),
        ("<p>" + bold(500) + "<p>x" * 3000, FORMATS),
        ("<div>" + bold(500) + "</div>x<div>" * 3000, FORMATS),
        ("<table><td><p>" + bold(500) + "<p>x" * 3000, FORMATS),
        ("<p " + " ".join(f"a{number}" for number in range(1_200_000)) + ">", ATTRIBUTES),
        ("<p title='>' " + " ".join(f"a{number}" for number in range(9_000)) + ">", ATTRIBUTES),
    ],
)
def test_shapes_of_square_cost_are_refused_before_they_are_parsed(html: str, why: str) -> None:
    """WEBMAIL-109b."""
    began = time.process_time()
    assert excess(html) == why
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    "html",
    [
        bold(MAX_FORMATTING // 2),
        "<p>x <b>y</b> <font color=red>z</font>" * 20_000,
        "<p><b>x" * 4_900,  # the same element: a parser keeps three
        "<table><tr>" + "<td><font color=red><b id=a><i>x" * 2_400 + "</table>",  # a cell ends what is open in it
        "<b>" + "<p>x</p>" * 8_000 + "</b>",
        "<p " + " ".join(f"a{number}" for number in range(MAX_ATTRIBUTES // 2)) + ">",
        "<img src='data:image/png;base64," + "A" * 500_000 + "'>",
        "<p>" + "x " * 500_000,
        "<!-- " + bold(4900) + " --><p>x",
        "<style>" + bold(4900) + "</style><p>x",
        "<!--" + "<body " * 100_000,
    ],
)
def test_ordinary_mail_is_within_all_bounds(html: str) -> None:
    """WEBMAIL-109b."""
    assert excess(html) == ""


@pytest.mark.nightly
def test_newsletters_of_a_megabyte_are_shown_whole() -> None:
    """WEBMAIL-109b: all that is seen of one is seen of each of its copies."""
    for name, html in newsletters().items():
        large, count = blown_up(html, 1_000_000)
        once = re.findall(r">([^<>\s][^<>]*)<", without_sheet(html))
        shown = without_sheet(large)
        assert len(large) > 950_000, name
        for text in once:
            assert shown.count(text) >= once.count(text) * count, (name, text)


@given(
    st.lists(st.sampled_from(["<b id=1>", "<i>", "</b>", "<p>", "</p>", "<table>", "<td>", "</table>", "<div>", "x"]))
)
def test_no_order_of_tags_breaks_the_count(pieces: list[str]) -> None:
    """WEBMAIL-109b."""
    html = "".join(pieces)
    assert excess(bold(MAX_FORMATTING // 2) + html) in ("", FORMATS)
