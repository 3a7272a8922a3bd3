"""35 replies of 26 mail programs, in the forms in which these quote: the sender's words stay open, what is quoted is
folded (WEBMAIL-165). All words are ours.
"""

from typing import Final, NamedTuple

import pytest

from moxlite.proto.mime.quotes import quoted_from
from moxlite.proto.mime.text import preview_of_text, visible_text
from moxlite.sandbox.sanitize import sanitize


class Reply(NamedTuple):
    """A reply with ANSWER, and QUOTED in each quoted line: HTML, or lines of text."""

    program: str
    html: str = ""
    lines: tuple[str, ...] = ()


OUTLOOK_HEAD: Final = ("From: Ada Lind <ada@example.org>", "Sent: Monday, 2 November 2026 10:00", "To: Bo Berg")
RULE: Final = "_" * 32
QUOTED: Final = ("> QUOTED", ">", "> QUOTED", "> > QUOTED")

REPLIES: Final = [
    Reply(
        "Gmail",
        '<div dir="ltr">ANSWER</div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" '
        'class="gmail_attr">On Mon, 2 Nov 2026 at 10:00, Ada Lind &lt;<a href="mailto:ada@example.org">ada@example.org'
        '</a>&gt; wrote:<br></div><blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px '
        'solid rgb(204,204,204);padding-left:1ex"><div dir="ltr">QUOTED</div></blockquote></div>',
    ),
    Reply(
        "Gmail on a phone",
        '<div dir="auto">ANSWER</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">Ada Lind schrieb am'
        ' Mo., 2. Nov. 2026, 10:00:<br></div><blockquote class="gmail_quote" style="margin:0 0 0 .8ex"><div>QUOTED'
        "</div></blockquote></div>",
    ),
    Reply("Gmail", lines=("ANSWER", "", "On Mon, 2 Nov 2026 at 10:00, Ada Lind <ada@example.org> wrote:", "", *QUOTED)),
    Reply(
        "Outlook",
        '<div class="WordSection1"><p class="MsoNormal">ANSWER<o:p></o:p></p><div><div style="border:none;border-top:'
        'solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in"><p class="MsoNormal"><b>From:</b> Ada Lind<br><b>Sent:</b> '
        "Monday, 2 November 2026 10:00<br><b>To:</b> Bo<br><b>Subject:</b> Offer</p></div></div><p>QUOTED</p></div>",
    ),
    Reply(
        "Outlook, new",
        '<div class="elementToProof">ANSWER</div><div id="appendonsend"></div><hr style="display:inline-block;'
        'width:98%"><div id="divRplyFwdMsg" dir="ltr"><font><b>From:</b> Ada Lind<br><b>Sent:</b> Monday</font></div>'
        "<div>QUOTED</div>",
    ),
    Reply(
        "Outlook on a phone",
        '<div>ANSWER</div><div id="ms-outlook-mobile-signature">Sent from my phone</div><div '
        'id="mail-editor-reference-message-container"><hr><div id="divRplyFwdMsg"><b>From:</b> Ada</div>'
        "<div>QUOTED</div></div>",
    ),
    Reply(
        "Outlook 2003",
        "<div class=Section1><p class=MsoNormal>ANSWER</p><div><div class=MsoNormal align=center><hr size=2 "
        "width=100%></div><p class=MsoNormal><b><font><span>From:</span></font></b> Ada Lind<br><b><span>Sent:</span>"
        "</b> Monday<br><b>Subject:</b> Offer</p></div><p class=MsoNormal>QUOTED</p></div>",
    ),
    Reply(
        "Outlook 2010",
        "<div><p>ANSWER</p><div><div style='border:none;border-top:solid windowtext 1.0pt;padding:3.0pt 0cm 0cm 0cm'>"
        "<p><b><span>Von:</span></b> Ada<br><b>Gesendet:</b> Montag<br><b>An:</b> Bo<br><b>Betreff:</b> Angebot</p>"
        "</div></div><p>QUOTED</p></div>",
    ),
    Reply("Outlook", lines=("ANSWER", "", "-----Original Message-----", *OUTLOOK_HEAD, "Subject: Offer", "", "QUOTED")),
    Reply(
        "Outlook",
        lines=(
            *("ANSWER", "", "-----Ursprüngliche Nachricht-----", "Von: Ada Lind <ada@example.org>"),
            *("Gesendet: Montag, 2. November 2026 10:00", "An: Bo Berg", "Betreff: Angebot", "", "QUOTED"),
        ),
    ),
    Reply("Outlook, new", lines=("ANSWER", RULE, *OUTLOOK_HEAD, "Subject: Offer", "", "QUOTED")),
    Reply(
        "Outlook for Mac",
        '<div>ANSWER</div><span id="OLK_SRC_BODY_SECTION"><div style="border-top: #b5c4df 1pt solid"><span>From: '
        "</span>Ada</div><div>QUOTED</div></span>",
    ),
    Reply(
        "Apple Mail",
        '<div>ANSWER</div><div><br><blockquote type="cite"><div>On 2 Nov 2026, at 10:00, Ada Lind wrote:</div><br>'
        "<div>QUOTED</div></blockquote></div>",
    ),
    Reply(
        "Mail of an iPhone",
        '<div dir="ltr">ANSWER</div><div dir="ltr"><br><blockquote type="cite">Am 02.11.2026 um 10:00 schrieb Ada:<br>'
        '<br></blockquote></div><blockquote type="cite"><div dir="ltr">QUOTED</div></blockquote>',
    ),
    Reply("Apple Mail", lines=("ANSWER", "", "> On 2 Nov 2026, at 10:00, Ada Lind wrote:", "> ", *QUOTED)),
    Reply(
        "Thunderbird",
        '<p>ANSWER</p><div class="moz-cite-prefix">On 02.11.26 10:00, Ada Lind wrote:<br></div><blockquote type="cite" '
        'cite="mid:1@example.org">QUOTED</blockquote>',
    ),
    Reply("Thunderbird", lines=("ANSWER", "", "Am 02.11.26 um 10:00 schrieb Ada Lind:", *QUOTED)),
    Reply(
        "Yahoo",
        '<div class="ydp1yahoo-style-wrap">ANSWER</div><div id="ydp1yahoo_quoted_2" class="ydp1yahoo_quoted"><div>'
        "<div>On Monday, 2 November 2026, Ada wrote:</div><div><br></div><div>QUOTED</div></div></div>",
    ),
    Reply("AOL", "<font>ANSWER</font><div>-----Original Message-----<br>From: Ada<br>Sent: Mon<br><br>QUOTED</div>"),
    Reply("AOL", lines=("ANSWER", "", "-----Original Message-----", *OUTLOOK_HEAD, "Subject: Offer", "", "QUOTED")),
    Reply(
        "Proton",
        '<div>ANSWER</div><div class="protonmail_quote">On Monday, November 2nd, 2026 at 10:00, Ada wrote:<br><br>'
        '<blockquote class="protonmail_quote" type="cite">QUOTED</blockquote><br></div>',
    ),
    Reply(
        "Zoho",
        '<div>ANSWER</div><br><div class="zmail_extra"><div id="Zm-_Id_-Sgn1">---- On Mon, 02 Nov 2026 10:00 <b>Ada</b>'
        " wrote ---</div><br><blockquote>QUOTED</blockquote></div>",
    ),
    Reply(
        "Fastmail",
        '<div>ANSWER</div><div>On Mon, 2 Nov 2026, at 10:00, Ada Lind wrote:<br></div><blockquote type="cite" id="qt">'
        "<div>QUOTED</div></blockquote>",
    ),
    Reply(
        "Roundcube",
        '<p>ANSWER</p><p id="reply-intro">On 2026-11-02 10:00, Ada Lind wrote:</p><blockquote type="cite" '
        'style="padding: 0 0.4em; border-left: #1010ff 2px solid">QUOTED</blockquote>',
    ),
    Reply("Roundcube", lines=("ANSWER", "", "On 2026-11-02 10:00, Ada Lind wrote:", *QUOTED)),
    Reply(
        "Yandex",
        '<div>ANSWER</div><div>\xa0</div><div>02.11.2026, 10:00, "Ada" &lt;ada@example.org&gt;:</div><blockquote><p>'
        "QUOTED</p></blockquote>",
    ),
    Reply(
        "Mail.ru",
        "<div>ANSWER</div><br><br>Понедельник, 2 ноября 2026, 10:00 +03:00 от Ada &lt;ada@example.org&gt;:<br>"
        '<blockquote style="border-left:1px solid #0857A6;margin:10px;padding:0 0 0 10px">QUOTED</blockquote>',
    ),
    Reply(
        "Samsung Email",
        "<div>ANSWER</div><div><!-- originalMessage --><div>-------- Original message --------</div><div>From: Ada "
        "</div><div>Date: 02/11/2026 10:00 </div><div>To: Bo </div><div>Subject: Offer </div></div><div>QUOTED</div>",
    ),
    Reply(
        "Samsung Email",
        lines=(
            *("ANSWER", "", "-------- Original message --------", "From: Ada <ada@example.org>"),
            *("Date: 02/11/2026 10:00 (GMT+00:00)", "To: Bo", "Subject: Offer", "", "QUOTED"),
        ),
    ),
    Reply(
        "Windows Mail",
        '<div><div>ANSWER</div><div style="padding-top: 5px; border-top-color: rgb(229, 229, 229); border-top-width: '
        '1px; border-top-style: solid;"><div><b>From:</b>&nbsp;<a href="mailto:ada@example.org">Ada</a><br><b>Sent:</b>'
        "&nbsp;Monday<br><b>To:</b>&nbsp;Bo</div></div><div>QUOTED</div></div>",
    ),
    Reply(
        "Hotmail",
        '<div>ANSWER<br><div><hr id="stopSpelling">Date: Mon, 2 Nov 2026<br>Subject: Offer<br>From: ada@example.org<br>'
        "<br><div>QUOTED</div></div></div>",
    ),
    Reply(
        "Comcast",
        "<div>ANSWER<br><hr><b>From: </b>Ada<br><b>Sent: </b>Monday<br><b>Subject: </b>Offer<br><br>QUOTED</div>",
    ),
    Reply(
        "Notes",
        "<font size=2>ANSWER</font><br><br><font size=1 color=#5f5f5f>From: </font><font size=1>Ada Lind</font><br>"
        "<font size=1 color=#5f5f5f>To: </font><font size=1>Bo Berg</font><br><font size=1 color=#5f5f5f>Date: </font>"
        "<font size=1>02/11/2026 10:00</font><br><font size=1 color=#5f5f5f>Subject: </font><font size=1>Offer</font>"
        "<br><hr noshade><br><br>QUOTED",
    ),
    Reply("mutt", lines=("ANSWER", "", "On Mon, Nov 02, 2026 at 10:00:00AM +0000, Ada Lind wrote:", *QUOTED)),
    Reply("moxlite", "<div>ANSWER</div><div>On 2 November 2026, Ada wrote:</div><blockquote>QUOTED</blockquote>"),
]


def shown_and_folded(reply: Reply) -> tuple[str, str]:
    """What a reader sees at once, and what is folded: the marked element, or the lines."""
    if reply.html:
        clean = sanitize(reply.html, {}, external=False, quoted="Quote").html
        before, _, rest = clean.partition('<details class="moxlite-quote"><summary>Quote</summary>')
        inside, _, after = rest.partition("</details>")
        return before + after, inside
    head = quoted_from(list(reply.lines))
    quoted = [(head is not None and at >= head) or line.startswith(">") for at, line in enumerate(reply.lines)]
    pairs = list(zip(reply.lines, quoted, strict=True))
    return "\n".join(line for line, folded in pairs if not folded), "\n".join(line for line, folded in pairs if folded)


def test_the_table_is_of_as_many_programs_as_it_says() -> None:
    """WEBMAIL-165."""
    assert len(REPLIES) == 35
    assert len({reply.program for reply in REPLIES}) == 26


@pytest.mark.parametrize("reply", REPLIES, ids=[f"{at} {reply.program}" for at, reply in enumerate(REPLIES)])
def test_a_reply_is_folded_below_its_answer(reply: Reply) -> None:
    """WEBMAIL-165, STORE-58: the preview in the list has the answer, too."""
    seen, folded = shown_and_folded(reply)
    assert ("ANSWER" in seen, "QUOTED" in seen) == (True, False)
    assert ("ANSWER" in folded, "QUOTED" in folded) == (False, True)
    text = visible_text(reply.html, quotes=True) if reply.html else "\n".join(reply.lines)
    assert "ANSWER" in preview_of_text(text)
