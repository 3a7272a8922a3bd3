"""Text of HTML that isn't shown (moxlite/proto/mime/unshown.py)."""

import pytest

from moxlite.proto.mime.text import visible_text
from moxlite.store.junk.classify import message_words
from moxlite.store.junkflags import Grams


def read(html: str) -> tuple[str, str]:
    """What is shown of a text, and what isn't."""
    unshown: list[str] = []
    shown = visible_text(html, unshown=unshown)
    return " ".join(shown.split()), " ".join("".join(unshown).split())


@pytest.mark.parametrize(
    "start",
    [
        '<span style="display:none">',
        '<span style=" DISPLAY : none !important; color: red ">',
        "<span style='display&#58;none'>",
        "<span style=display:none>",
        '<span style="/* x */display:/* y */none">',
        "<span hidden>",
        '<span hidden="until-found">',
        '<span style="visibility:hidden">',
        '<span style="opacity:0">',
        '<span style="opacity: .0">',
        '<span style="font-size:0">',
        '<span style="font-size: 0.0em">',
        '<span style="font-size:1px">',
        '<span style="max-height:0px;overflow:hidden">',
        '<span style="color:#fff">',
        '<span style="color:rgb(250, 250,255)">',
        '<span style="color:#123456;background:#123457">',
        '<body bgcolor="#102030"><span style="color:#102030">',
        "<style>.a, .quiet { display: none }</style><span class='big Quiet'>",
        "<style>/* } */ span#gone{font-size:0}</style><span id=gone>",
    ],
)
def test_what_a_style_hides_is_not_shown(start: str) -> None:
    """STORE-88: with what is in it, until it ends."""
    assert read(f"one {start}hid<b>den <i>too</b></span> two") == ("one two", "hidden too")


@pytest.mark.parametrize(
    "html",
    [
        "<font color=white>hidden</font> two",
        "<table><tr><td hidden>hidden<td> two</table>",
        "<p hidden>hidden<p>two",
        "<p hidden>hidden<div>two</div>",
        "<div><span hidden>hidden</div>two",
        "<div hidden>hidden<p>hid<br>den</div>two",
        '<div style="font-size:0">hidden<span style="font-size:14px">two</span></div>',
        '<div style="color:#fff">hidden<b class="dark">two</b></div>',
    ],
)
def test_it_is_shown_again_where_it_may_be(html: str) -> None:
    """STORE-88: what isn't certainly hidden counts as shown, whatever tags are missing."""
    shown, unshown = read(html)
    assert shown == "two"
    assert unshown in ("hidden", "hiddenhidden")


@pytest.mark.parametrize(
    "html",
    [
        "<span style='display:block'>two</span>",
        "<span title=' style=display:none '>two</span>",
        "<span style='color:white;background:black'>two</span>",
        "<body bgcolor=black><font color=white>two</font>",
        "<table bgcolor=navy><tr><td><font color=white>two</font></table>",
        "<span hidden/>two",
        "<img hidden>two",
        "<style>.x{background:#fff}</style><font color=white>two</font>",
        "<style>@media (width<600px){.x{display:none}}</style><p class=x>two",
        "<style>.x{display:none}</style><p class=x style='display:block'>two",
        "<style>.x p{display:none}</style><p class=x>two",
        "<p style='width:0'>two",
        "<!-- <p hidden> -->two",
    ],
)
def test_other_text_is_shown(html: str) -> None:
    """STORE-88."""
    assert read(html) == ("two", "")


def test_a_thousand_open_elements_are_no_more_work() -> None:
    """STORE-88: then the rest counts as shown."""
    shown, unshown = read("<div hidden>" + "<b>x" * 100_000)
    assert (len(unshown), len(shown)) == (49, 100_000 - 49)


def test_hidden_words_are_not_those_of_the_text() -> None:
    """STORE-88: of them, only that they were hidden is learned."""
    html = b"Content-Type: text/html\r\n\r\n<p style='display:none'>meeting agenda</p><p>watches meeting</p>"
    assert message_words(html, Grams()) == ["watches", "meeting", "hidden:meeting", "hidden:agenda"]
