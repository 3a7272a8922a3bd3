"""HTML of messages is made harmless, at a bounded cost."""

import time

import pytest
from hypothesis import given, strategies as st

from moxlite.sandbox.bounds import MAX_DEPTH, depth
from moxlite.sandbox.sanitize import TooComplex, sanitize

VECTORS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mi xlink:href='javascript:alert(1)'>x",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<object data='data:text/html,<script>alert(1)</script>'></object>",
    "<embed src='x'>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=' java\nscript:alert(1)'>x</a>",
    "<a href='data:text/html,x'>x</a>",
    "<form action='https://evil.example'><input name=a><button>x</button></form>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<link rel=stylesheet href='https://evil.example/x.css'>",
    "<base href='https://evil.example/'>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<div style=\"background-image:url('https://evil.example/x.png')\">x</div>",
    "<div style='position:fixed;background:url(https://evil.example)'>x</div>",
    "<img src='data:image/svg+xml;base64,PHN2Zz4='>",
    "<img srcset='https://evil.example/x.png 1x'>",
    "<video poster='https://evil.example/x.png'></video>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<table background='https://evil.example/x.png'><tr><td>x</table>",
    "<body onload=alert(1) background='https://evil.example/x.png'>x",
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
]


@pytest.mark.parametrize("html", VECTORS)
@pytest.mark.parametrize("external", [False, True])
def test_nothing_active_and_nothing_foreign_is_left(html: str, external: bool) -> None:
    """WEBMAIL-53, WEBMAIL-108."""
    cleaned = sanitize(html, {}, external=external).html.lower()
    for forbidden in (
        *(
            "<script",
            "onerror=",
            "onload=",
            "javascript:",
            "<svg",
            "<math",
            "<iframe",
            "<object",
            "<embed",
            "<form",
            "<input",
        ),
        *("<meta", "<link", "<base", "<style", "url(", "data:text", "evil.example", "position"),
    ):
        assert forbidden not in cleaned.replace("&lt;", "").replace("title=", ""), cleaned


def test_ordinary_mail_keeps_its_look() -> None:
    """WEBMAIL-53: body colours stay on a wrapper, links open elsewhere and tell nobody where from."""
    html = '<body bgcolor="#eeffee" text="navy"><table cellpadding="3"><tr><td style="color:red">x</td></tr></table><a href="https://x.example/">y</a>'
    cleaned = sanitize(html, {}, external=False).html
    assert 'style="background-color:#eeffee;color:navy;"' in cleaned
    assert '<td style="color:red">' in cleaned
    assert 'target="_blank" rel="noopener noreferrer"' in cleaned


def test_a_body_colour_cannot_be_more_than_a_colour() -> None:
    """WEBMAIL-53."""
    cleaned = sanitize('<body bgcolor="red;position:fixed" text=\'"><x\'>a', {}, external=False).html
    assert "position" not in cleaned
    assert "<x" not in cleaned


def test_images_inside_the_message_become_data() -> None:
    """WEBMAIL-54."""
    html = '<img src="cid:logo@x"><img src="CID:gone">'
    cleaned = sanitize(html, {"logo@x": "data:image/png;base64,AAAA"}, external=False).html
    assert 'src="data:image/png;base64,AAAA"' in cleaned
    assert "gone" not in cleaned


def test_images_from_elsewhere_are_counted_and_left_out_unless_wanted() -> None:
    """WEBMAIL-55."""
    html = '<img src="https://a.example/1"><img src="https://a.example/2"><img src="http://b.example/3">'
    blocked = sanitize(html, {}, external=False)
    assert "example" not in blocked.html
    assert blocked.blocked == {"a.example": 2, "b.example": 1}
    assert "https://a.example/1" in sanitize(html, {}, external=True).html


HIDDEN_DEPTH = [
    "<div>",
    '<div title="</div>">',
    "<div><table></div></table>",
    "<div><!--><style>--></div></style>",
    "<div><!-- x --!></div",
    '<a " b="><div>">',
    "<div><style></stylex></div></style>",
    "<div><!-- </div> -->",
    "<div><style></div></style>",
    "<div><! </div>",
    "<div></p>",
    "<div><textarea></div></textarea>",
    "<div><![CDATA[></div>]]>",
]


@pytest.mark.parametrize("piece", HIDDEN_DEPTH)
def test_nesting_cannot_hide_from_the_check(piece: str) -> None:
    """WEBMAIL-109: what a browser nests is never counted as less."""
    assert depth(piece * 2000) > MAX_DEPTH


def test_long_flat_mail_is_not_taken_for_deep() -> None:
    """WEBMAIL-109."""
    row = '<tr><td style="color:#333" align=left><p>Hi<br>there<img src="https://x.example/a>b.png" alt="5 > 3">'
    row += "&nbsp;<b>x</b></tr>\n"
    html = (
        "<html><head><style>td > p { color: red }</style></head><!--[if mso]><table><![endif]--><body><table>"
        + row * 6000
    )
    assert depth(html) < 10


def test_a_tag_that_is_not_plainly_written_counts_as_nested_beyond_all_bounds() -> None:
    """WEBMAIL-109: with each version of Python, whose regular expressions differ in this."""
    for html in ("<p title=><b>", "<p title=>'", "<p/title=>"):
        assert depth(html) == len(html)


def test_too_deep_or_too_large_html_is_refused_quickly() -> None:
    """WEBMAIL-109."""
    began = time.process_time()
    for html in ("<div>" * 200_000, "<a '" * 200_000, "x" * (10 * 1024 * 1024 + 1), '<b a="' * 100_000):
        with pytest.raises(TooComplex):
            sanitize(html, {}, external=False)
    assert time.process_time() - began < 5


@given(
    st.lists(
        st.sampled_from(["<", ">", "/", "div", "!--", "-->", '"', "'", "=", " ", "style", "p", "x", "<![", "?"]),
        max_size=40,
    )
)
def test_no_text_breaks_the_check(pieces: list[str]) -> None:
    """WEBMAIL-109."""
    assert depth("".join(pieces)) >= 0


def test_the_shorthand_of_a_background_keeps_its_plain_colour() -> None:
    """WEBMAIL-53: else white text is on white."""
    for style, kept in (
        ("background:#f60;color:#fff", "background-color:#f60;color:#fff"),
        ("color:#fff; BACKGROUND: rgb(1, 2, 3) !important", "color:#fff;background-color:rgb(1, 2, 3) ! important"),
        ("background:url(https://x.example/a)", ""),
        ("background:red url(https://x.example/a)", "background-color:red"),
        ("background:url(https://x.example/a) #fff", "background-color:#fff"),
    ):
        assert f'style="{kept}"' in sanitize(f'<p style="{style}">x</p>', {}, external=True).html


def test_the_title_of_the_page_is_no_text_of_the_message() -> None:
    """WEBMAIL-53."""
    cleaned = sanitize("<html><head><title>News</title></head><body><p>x</p></body></html>", {}, external=False)
    assert cleaned.html == '<div class="body"><p>x</p></div>'


@pytest.mark.parametrize(
    ("html", "coloured"),
    [
        ("<p>Hi <b>there</b><blockquote>you</blockquote></p>", False),
        ('<p style="font-size: 12px">x</p>', False),
        ('<p style="COLOR: #000">x</p>', True),
        ('<p style="background: #fff url(x)">x</p>', True),
        ('<font color="red">x</font>', True),
        ('<table bgcolor="#fff"><tr><td>x</td></tr></table>', True),
        ('<body text="#222"><p>x</p>', True),
        ("<style>p { color: red }</style><p>x</p>", True),
        ("<style>p { margin: 0 }</style><p>x</p>", False),
    ],
)
def test_html_with_colours_of_its_own_is_known(html: str, coloured: bool) -> None:
    """WEBMAIL-10: any colour of text or background counts, wherever it is set."""
    assert sanitize(html, {}, external=False).coloured is coloured
