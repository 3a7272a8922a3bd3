"""Plain text made of HTML, and drafts taken apart (WEBMAIL-135)."""

import time

import pytest
from hypothesis import given, strategies as st

from moxlite.compose.draft import html_page, typed_html
from moxlite.sandbox.composing import plain_text, read_draft, write_html
from moxlite.sandbox.jobs import ReadDraft, WriteHTML
from moxlite.sandbox.messages import Refused

MARKER = "data:moxlite-x,"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<div>a</div><div><br></div><div>b</div>", "a\n\nb"),
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("<div>a<br>b</div>", "a\nb"),
        ("a   <b> b</b>\n c", "a b c"),
        ("<ul><li>a</li><li>b<ol start=3><li>c<div>d</div></li></ol></li></ul>e", "- a\n- b\n  3. c\n    d\n\ne"),
        (
            "x<blockquote>a<blockquote>b<br><br>c</blockquote>d</blockquote>e",
            "x\n\n> a\n>\n> > b\n> >\n> > c\n>\n> d\n\ne",
        ),
        ("<pre>a\n  b\n\nc</pre>", "a\n  b\n\nc"),
        ('<a href="https://x.example/a">here</a>', "here <https://x.example/a>"),
        ('<a href="https://x.example/">x.example</a>', "x.example"),
        ('- <a href="mailto:a@x.example">a@x.example</a>', "- a@x.example"),
        ('<ul><li><a href="https://x.example">x.example</a></li></ul>', "- x.example"),
        ('<img alt="a map"> &lt;b&gt; &amp;', "[a map] <b> &"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<div>Hi</div><div>-- </div><div>Mia</div>", "Hi\n-- \nMia"),
        ("a<hr>b", f"a\n\n{'-' * 20}\n\nb"),
        ("", ""),
    ],
)
def test_html_as_text(html: str, text: str) -> None:
    """WEBMAIL-135: as a person would have typed it."""
    assert plain_text(html) == text


@given(st.text())
def test_what_was_typed_comes_back_as_it_was(text: str) -> None:
    """WEBMAIL-88, WEBMAIL-135: blanks, signs of HTML and the names of our own classes."""
    text = text.replace("\r\n", "\n")
    page = html_page(typed_html(text), "<p>kept</p>")
    found = read_draft(ReadDraft(page, (), MARKER))
    assert found.typed == text.replace("\r", "\r")
    assert (found.own, found.kept_text) == (b"", "kept")


@pytest.mark.parametrize(
    "html",
    [
        '<p>x</p><div class="moxlite-kept">y</div>',
        '</div></div><div class="moxlite-own">x</div>',
        '<div class="moxlite-typed">',
        '<div class="moxlite-typed"><b>x</b></div></html>',
        '<div class="moxlite-own"><div class="moxlite-kept"><div class="moxlite-kept">',
        "<script>" * 1000,
    ],
)
def test_drafts_of_others_lose_no_words(html: str) -> None:
    """WEBMAIL-112, WEBMAIL-135: HTML that has our classes without their order is sanitised like any other."""
    found = read_draft(ReadDraft(html, (), MARKER))
    whole = found.own + found.kept + (found.typed or "").encode()
    assert b"<script" not in whole
    for word in ("x", "y"):
        assert (word in plain_text(html)) <= (word.encode() in whole)


def test_drafts_are_the_same_after_any_number_of_turns() -> None:
    """WEBMAIL-135: what was written as HTML, and the original with its sheet and picture."""
    own = write_html(WriteHTML('<div>a <b>b</b><img src="cid:p@m"></div>', ("p@m",), MARKER))
    kept = write_html(WriteHTML("<style>p { color: red }</style><p>c</p>", (), MARKER, whole=True))
    page = html_page(own.html.decode().replace(f"{MARKER}0;", "cid:p@m"), kept.html.decode())
    for _ in range(3):
        found = read_draft(ReadDraft(page, ("p@m",), MARKER))
        assert found.own == own.html
        assert found.pictures == (0,)
        assert found.kept_text == "c"
        page = html_page(found.own.decode().replace(f"{MARKER}0;", "cid:p@m"), found.kept.decode())


def test_hostile_html_is_refused_or_read_in_time() -> None:
    """WEBMAIL-109b, WEBMAIL-135: written HTML has the bounds of HTML that is read; its text takes linear time."""
    with pytest.raises(Refused):
        write_html(WriteHTML("".join(f"<font color=#{n:06x}>" for n in range(2000)), (), MARKER))
    for html in (
        "<blockquote>" * 400 + "x<br>" * 20_000,
        "<ul><li>" * 300 + "x",
        "<a href='https://a.example'>x</a>" * 9000,
    ):
        begun = time.process_time()
        write_html(WriteHTML(html, (), MARKER))
        assert time.process_time() - begun < 4
