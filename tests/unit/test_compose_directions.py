"""The direction of HTML that is sent (WEBMAIL-135b)."""

import time

import pytest
from hypothesis import given, strategies as st

from moxlite.compose.directions import direction_of, with_directions, without_directions
from moxlite.compose.draft import html_page, typed_html
from moxlite.sandbox.composing import read_draft, write_html
from moxlite.sandbox.jobs import ReadDraft, WriteHTML

MARKER = "data:moxlite-x,"
HELLO = "שלום"
HELLO_ARABIC = "مرحبا"


def sent(html: str) -> str:
    return write_html(WriteHTML(html, (), MARKER, external=False)).html.decode()


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (f"<div>{HELLO} עולם. abc</div>", f'<div dir="rtl">{HELLO} עולם. abc</div>'),
        (
            f"<div>1. abc {HELLO}</div><div>2. <b>{HELLO}</b> abc</div><div><br></div>",
            f'<div dir="ltr">1. abc {HELLO}</div><div dir="rtl">2. <b>{HELLO}</b> abc</div><div><br></div>',
        ),
        (f"<p>{HELLO_ARABIC}</p><p>123</p>", f'<p dir="rtl">{HELLO_ARABIC}</p><p>123</p>'),
        (
            f"<ul><li>{HELLO}</li><li>abc</li></ul>",
            f'<ul dir="rtl"><li dir="rtl">{HELLO}</li><li dir="ltr">abc</li></ul>',
        ),
        (
            f"<blockquote><div>{HELLO}</div><div>abc</div></blockquote>",
            f'<blockquote dir="rtl"><div dir="rtl">{HELLO}</div><div dir="ltr">abc</div></blockquote>',
        ),
        (
            f"<div><div>abc</div><div>{HELLO}</div></div>",
            f'<div><div dir="ltr">abc</div><div dir="rtl">{HELLO}</div></div>',
        ),
        (f"{HELLO}<br>abc<div>abc</div>", f'<div dir="rtl">{HELLO}<br>abc<div dir="ltr">abc</div></div>'),
        (f'<div dir="rtl">abc {HELLO}<div>abc</div></div>', f'<div dir="rtl">abc {HELLO}<div>abc</div></div>'),
        ("<div>abc</div>", "<div>abc</div>"),
        ("<div>&amp;lt; é</div>", "<div>&amp;lt; é</div>"),
    ],
)
def test_each_block_names_its_direction(html: str, expected: str) -> None:
    """WEBMAIL-135b: by its first strong letter; what its author has named stays, and so does other HTML."""
    assert sent(html) == expected
    assert sent(expected) == expected


def test_a_draft_comes_back_without_what_was_found() -> None:
    """WEBMAIL-135b: so that the direction follows the text that is changed; signature and quote, too."""
    own = (
        f'<div>{HELLO}</div><div class="moxlite-signature">-- <br>{HELLO_ARABIC}</div>'
        f'<blockquote><div dir="rtl">abc {HELLO}</div></blockquote>'
    )
    written = sent(own)
    assert written.count('dir="rtl"') == 3
    page = html_page(written, "")
    found = read_draft(ReadDraft(page, (), MARKER))
    assert found.own.decode() == own
    assert sent(found.own.decode()) == written


def test_plain_text_above_an_original_has_a_direction() -> None:
    """WEBMAIL-135b: and is read back as it was typed."""
    page = html_page(typed_html(f"{HELLO}\nabc"), "<p>kept</p>")
    assert 'dir="rtl"' in page.partition("kept")[0]
    assert read_draft(ReadDraft(page, (), MARKER)).typed == f"{HELLO}\nabc"
    assert "dir=" not in typed_html("abc")


@given(st.lists(st.sampled_from(["<div>", "</div>", "<ul><li>", "</li></ul>", "<b>", "</b>", "a", "א", "1", "<br>"])))
def test_directions_change_nothing_else(pieces: list[str]) -> None:
    """WEBMAIL-135b: once and again are the same; without them the HTML is what it was."""
    clean = write_html(WriteHTML("".join(pieces).replace("א", "x"), (), MARKER, external=False)).html.decode()
    html = clean.replace("x", "א")
    written = with_directions(html)
    assert with_directions(written) == written
    bare = without_directions(written)
    assert html in (bare, bare.removeprefix("<div>").removesuffix("</div>"))


def test_first_strong_letters() -> None:
    """WEBMAIL-135b: digits, signs and marks say nothing."""
    assert [direction_of(text) for text in ("", "1 — ½", "(ж", "٣ ب", "\u200fabc")] == [None, None, "ltr", "rtl", "rtl"]


def test_many_blocks_take_linear_time() -> None:
    """WEBMAIL-135b."""

    def seconds(times: int) -> float:
        begun = time.perf_counter()
        with_directions(f"<div>{HELLO}<b>" * times + "a")
        return time.perf_counter() - begun

    seconds(1000)
    assert seconds(20_000) < 40 * max(seconds(2_000), 0.001)
