"""The quote at the end of HTML mail is folded, as each program writes it (WEBMAIL-165)."""

import time

import pytest

from moxlite.sandbox.sanitize import sanitize

GMAIL = (
    '<div dir="ltr">ANSWER</div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">'
    'On Mon, 3 Nov 2026 at 10:00, Ada wrote:<br></div><blockquote class="gmail_quote">QUOTED</blockquote></div>'
)
OUTLOOK_WEB = (
    '<div>ANSWER</div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> Ada</div><div>QUOTED</div>'
)
OUTLOOK_DESK = (
    '<div class="WordSection1"><p>ANSWER</p><div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt '
    '0in 0in 0in"><p><b>From:</b> Ada</p></div></div><p>QUOTED</p></div>'
)
APPLE = '<div>ANSWER</div><div><br><blockquote type="cite"><div>On 3 Nov, Ada wrote:</div>QUOTED</blockquote></div>'
THUNDERBIRD = (
    '<p>ANSWER</p><div class="moz-cite-prefix">On 03.11.26 10:00, Ada wrote:<br></div>'
    '<blockquote type="cite">QUOTED</blockquote>'
)
BELOW = '<blockquote type="cite">QUOTED</blockquote><p>ANSWER</p>'
YAHOO = (
    '<div>ANSWER</div><div id="ydp1" class="ydpyahoo_quoted yahoo_quoted"><div>On 3 Nov, Ada wrote:</div>QUOTED</div>'
)
OURS = "<div>ANSWER</div><div>On 3 November 2026, Ada wrote:</div><blockquote><div>QUOTED</div></blockquote>"
TWO = (
    '<div>FIRST</div><blockquote type="cite">EARLIER</blockquote><div>ANSWER</div>'
    '<blockquote type="cite">QUOTED</blockquote>'
)


def shown(html: str) -> tuple[str, str]:
    """What a reader sees at once, and what is folded; "" for nothing."""
    clean = sanitize(html, {}, external=False, quoted="Zitat").html
    before, _, rest = clean.partition('<details class="moxlite-quote"><summary>Zitat</summary>')
    inside, _, after = rest.partition("</details>")
    return before + after, inside


@pytest.mark.parametrize("html", [GMAIL, OUTLOOK_WEB, OUTLOOK_DESK, APPLE, THUNDERBIRD, BELOW, YAHOO, OURS, TWO])
def test_the_last_quote_is_folded(html: str) -> None:
    """WEBMAIL-165: of Gmail, Outlook, Apple Mail, Thunderbird, Yahoo and ours; nothing else is."""
    seen, folded = shown(html)
    assert "ANSWER" in seen
    assert "QUOTED" not in seen
    assert "QUOTED" in folded
    assert "ANSWER" not in folded
    assert "EARLIER" not in folded


@pytest.mark.parametrize(
    "html",
    [
        '<blockquote type="cite">only a quote</blockquote>',
        "<p>As he said:</p><blockquote>To be</blockquote><p>or not</p>",
        '<blockquote type="cite">one</blockquote>answer<blockquote type="cite">two</blockquote>answer',
        '<div>FYI</div><div class="gmail_quote"><div class="gmail_attr">---------- Forwarded message ---</div>x</div>',
        "<p>Nothing is quoted.</p>",
    ],
)
def test_what_must_be_read_stays_open(html: str) -> None:
    """WEBMAIL-165: a quote alone, one of a book, those that answers stand between, what is forwarded."""
    assert shown(html)[1] == ""


@pytest.mark.parametrize(
    "html",
    [
        "a" + '<blockquote type="cite">' * 50 + "deep" + "</blockquote>" * 50,
        "a" + '<blockquote type="cite">x</blockquote>' * 50_000,
        "On 3.11. Ada wrote:<blockquote>x</blockquote>" * 20_000,
        "a" + '<div style="border-top:solid red 1pt">' * 200 + "x",
    ],
)
def test_many_quotes_cost_little(html: str) -> None:
    """WEBMAIL-165, WEBMAIL-109: the time is linear, whatever is in the mail."""
    begun = time.process_time()
    sanitize(html, {}, external=False)
    assert time.process_time() - begun < 5
