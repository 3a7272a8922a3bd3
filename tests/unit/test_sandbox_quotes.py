"""The quote at the end of HTML mail is folded, as each program writes it (WEBMAIL-165)."""

import itertools
import re
import time

import pytest

from moxlite.proto.mime.text import preview_of_text, visible_text
from moxlite.sandbox.sanitize import sanitize
from tests.tools import top

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
OUTLOOK_2010 = (
    "<div><p>ANSWER</p><div><div style='border:none;border-top:solid windowtext 1.0pt;padding:3.0pt 0cm 0cm 0cm'>"
    "<p><b><span>Von:</span></b> Ada<br><b>Gesendet:</b> Montag<br><b>An:</b> Bo<br><b>Betreff:</b> Angebot</p></div>"
    "</div><p>QUOTED</p></div>"
)
OUTLOOK_MAC = (
    '<div>ANSWER</div><span id="OLK_SRC_BODY_SECTION"><div style="border-top: #b5c4df 1pt solid"><span>From: </span>'
    "Ada</div><div>QUOTED</div></span>"
)
WINDOWS_MAIL = (
    '<div><div>ANSWER</div><div style="padding-top: 5px; border-top-color: rgb(229, 229, 229); border-top-width: 1px; '
    'border-top-style: solid;"><div><b>От:</b>&nbsp;<a href="mailto:ada@x.example">Ada</a><br><b>Отправлено:'
    "</b>&nbsp;1<br><b>Кому:</b>&nbsp;x</div></div>"
    "<div>QUOTED</div></div>"
)
HOTMAIL = (
    '<div>ANSWER<br><div><hr id="stopSpelling">Date: Thu, 2 Nov 2026<br>Subject: Offer<br>From: ada@example.org<br>'
    "<br><div>QUOTED</div></div></div>"
)
COMCAST = "<div>ANSWER<br><hr><b>From: </b>Ada<br><b>Sent: </b>Monday<br><b>Subject: </b>Offer<br><br>QUOTED</div>"
AOL = (
    '<font>ANSWER</font><div>-----Original Message-----<br>From: Ada<br>Sent: Mon<br><br><div id="p">QUOTED</div></div>'
)
SAMSUNG = (
    '<div>ANSWER</div><div style="color:#000" align="left"><div>-------- Ursprüngliche Nachricht --------</div>'
    "<div>Von: Ada</div><div>Datum: 02.11.26 10:00</div><div>Betreff: Angebot</div></div><div>QUOTED</div><p>QUOTED</p>"
)
OUTLOOK_2003 = (
    "<div class=Section1><p class=MsoNormal>ANSWER</p><div><div class=MsoNormal align=center><font><span>\n"
    "<hr size=3>\n</span></font></div><p class=MsoNormal><b><font><span>From:</span></font></b> Ada\n"
    "[mailto:ada@example.org]<br><b><span>Sent:</span></b> Monday, 2 November\n2026<br><b>Subject:</b> Offer</p></div>"
    "<p class=MsoNormal>QUOTED</p></div>"
)
OUTLOOK_PLAIN = (
    "<div class=WordSection1><p class=MsoNormal>ANSWER</p><p class=MsoNormal><b><span lang=EN-US>From:</span></b><span>"
    " Ada [mailto:ada@example.org]\n<b>On Behalf Of </b>Bo<br><b>Sent:</b> Monday<br><b>To:</b> Cy<br><b>Subject:</b> x"
    "</span></p><p class=MsoNormal>&nbsp;</p><p>QUOTED</p></div>"
)
NAMED = [OUTLOOK_2003, OUTLOOK_PLAIN, OUTLOOK_2010, OUTLOOK_MAC, WINDOWS_MAIL, HOTMAIL, COMCAST, AOL, SAMSUNG]
BELOW = '<blockquote type="cite">QUOTED</blockquote><p>ANSWER</p>'
YAHOO = (
    '<div>ANSWER</div><div id="ydp1" class="ydpyahoo_quoted yahoo_quoted"><div>On 3 Nov, Ada wrote:</div>QUOTED</div>'
)
OURS = "<div>ANSWER</div><div>On 3 November 2026, Ada wrote:</div><blockquote><div>QUOTED</div></blockquote>"
TWO = (
    '<div>FIRST</div><blockquote type="cite">EARLIER</blockquote><div>ANSWER</div>'
    '<blockquote type="cite">QUOTED</blockquote>'
)


# Where a sender can write in each program: {} stands for each place. Taken from mail of these programs.
PLACES = {
    "Gmail": (
        '<div dir="ltr">{}</div><br><div class="gmail_quote gmail_quote_container">{}<div dir="ltr" class="gmail_attr">'
        "On Mon, 2 Nov 2026 at 10:00, Ada &lt;ada@example.org&gt; wrote:<br></div>"
        '<blockquote class="gmail_quote" style="margin:0"><div>QUOTED</div></blockquote>{}'
        '<blockquote class="gmail_quote" style="margin:0"><div>QUOTED</div></blockquote>{}</div>{}'
    ),
    "Gmail of 2015": (
        '{}<div class="gmail_extra"><br><div class="gmail_quote">On 2 November 2026 at 10:00, Ada wrote:<br>'
        '<blockquote class="gmail_quote">QUOTED</blockquote>{}</div>{}</div>{}'
    ),
    "Yahoo": (
        '<div class="ydp1yahoo-style-wrap">{}</div><div id="ydp1yahoo_quoted_2" class="ydp1yahoo_quoted"><div '
        'style="font-size:13px"><div>On Monday, 2 November 2026, Ada wrote:</div><div><br></div><div><br></div>'
        '<div><div id="ydp1yiv3"><p>QUOTED</p><blockquote>QUOTED</blockquote><p>QUOTED</p></div></div>'
        "{}</div>{}</div>{}"
    ),
    "Proton": (
        '<div>{}</div><div class="protonmail_quote">On Monday, November 2nd, 2026 at 10:00, Ada wrote:<br><br>'
        '<blockquote class="protonmail_quote" type="cite">QUOTED</blockquote>{}<br></div>{}'
    ),
    "Zoho": (
        '<div>{}</div><div class="zmail_extra"><div id="Zm-_Id_-Sgn1">On Mon, 02 Nov 2026 10:00 <b>Ada</b> wrote</div>'
        "<br><blockquote>QUOTED</blockquote>{}</div>{}"
    ),
    "Apple Mail": (
        '<div>{}</div><div><br><blockquote type="cite"><div>On 2 Nov 2026, Ada wrote:</div>QUOTED</blockquote></div>{}'
        '<div><blockquote type="cite">QUOTED</blockquote></div>{}'
    ),
    "Thunderbird": (
        '<p>{}</p><div class="moz-cite-prefix">On 02.11.26 10:00, Ada wrote:<br></div>'
        '<blockquote type="cite">QUOTED</blockquote>{}<blockquote type="cite">QUOTED</blockquote>{}'
    ),
    "Outlook on the web": (
        '<div class="elementToProof">{}</div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> Ada'
        '<div>&nbsp;</div></div><div dir="ltr"><p>QUOTED</p><p>QUOTED</p></div>{}'
    ),
    "Outlook on the web, its head alone": (
        '<div>{}</div><div><hr><div id="divRplyFwdMsg"><b>From:</b> Ada</div><div><p>QUOTED</p></div>{}</div>{}'
    ),
    "Outlook on a phone": (
        '<div>{}</div><div id="mail-editor-reference-message-container"><hr><div id="divRplyFwdMsg"><b>From:</b> Ada'
        "</div><div>QUOTED</div><p>QUOTED</p></div>{}"
    ),
    "moxlite": "<div>{}</div><div>On 2 November 2026, Ada wrote:</div><blockquote>QUOTED</blockquote>{}",
}


MARKED = [GMAIL, OUTLOOK_WEB, OUTLOOK_DESK, APPLE, THUNDERBIRD, BELOW, YAHOO, OURS, TWO]


def written() -> list[str]:
    """Mail of each program, with a sentence in each choice of the places where its sender can write."""
    mails: list[str] = []
    for template in PLACES.values():
        places = template.count("{}")
        for choice in itertools.product([True, False], repeat=places):
            if any(choice):
                sentences = [f"<p>SENTENCE{at}</p>" if chosen else "" for at, chosen in enumerate(choice)]
                mails.append(template.format(*sentences))
    return mails


def shown(html: str) -> tuple[str, str]:
    """What a reader sees at once, and what is folded; "" for nothing."""
    clean = sanitize(html, {}, external=False, quoted="Zitat").html
    before, _, rest = clean.partition('<details class="moxlite-quote"><summary>Zitat</summary>')
    inside, _, after = rest.partition("</details>")
    return before + after, inside


@pytest.mark.parametrize(
    "html", [GMAIL, OUTLOOK_WEB, OUTLOOK_DESK, APPLE, THUNDERBIRD, BELOW, YAHOO, OURS, TWO, *NAMED]
)
def test_the_last_quote_is_folded(html: str) -> None:
    """WEBMAIL-165: of the programs that mark it, and of those that name its sender above it; nothing else is."""
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
        "<p>Your trip</p><hr><b>From:</b> Berlin<br><b>To:</b> Paris<br><b>Date:</b> 3 Nov<p>x</p>",
        "<p>News</p><hr><p>Subject: our offers</p><p>more</p>",
        '<p>FYI</p><div style="border-top: 1px solid #eee">Of Berlin: it rains. From: us</div>',
        "<p>see</p><p>---- original recipe ----</p><p>Take: eggs</p>",
    ],
)
def test_what_must_be_read_stays_open(html: str) -> None:
    """WEBMAIL-165: a quote alone, one of a book, those that answers stand between, what is forwarded."""
    assert shown(html)[1] == ""


@pytest.mark.parametrize("html", written())
def test_no_sentence_of_the_sender_is_folded(html: str) -> None:
    """WEBMAIL-165: wherever it was written, above, between or below the quoted parts."""
    seen, folded = shown(html)
    assert "SENTENCE" not in folded
    assert seen.count("SENTENCE") == html.count("SENTENCE")


@pytest.mark.parametrize("html", [*written(), *MARKED])
def test_no_sentence_that_the_list_shows_is_folded(html: str) -> None:
    """WEBMAIL-165, STORE-58: whatever the sender wrote is open in the reader, if the preview has it."""
    preview = preview_of_text(visible_text(html, quotes=True))
    seen = visible_text(shown(html)[0])
    for sentence in re.findall(r"SENTENCE\d|ANSWER", preview):
        assert sentence in seen


@pytest.mark.parametrize("program", PLACES)
def test_a_quote_below_an_answer_is_folded(program: str) -> None:
    """WEBMAIL-165: the answers of most people."""
    places = PLACES[program].count("{}")
    above = PLACES[program].format("<p>ANSWER</p>", *[""] * (places - 1))
    seen, folded = shown(above)
    assert "ANSWER" in seen
    assert "QUOTED" in folded


HEADS = {
    "ar": ("رسالة أصلية", "من", "الموضوع"),
    "cs": ("Původní zpráva", "Od", "Předmět"),
    "de": ("Ursprüngliche Nachricht", "Von", "Betreff"),
    "en": ("Original Message", "From", "Subject"),
    "es": ("Mensaje original", "De", "Asunto"),
    "fr": ("Message d'origine", "De", "Objet"),
    "he": ("הודעה מקורית", "מאת", "נושא"),
    "it": ("Messaggio originale", "Da", "Oggetto"),
    "ja": ("元のメッセージ", "差出人", "件名"),
    "nl": ("Oorspronkelijk bericht", "Van", "Onderwerp"),
    "pl": ("Wiadomość oryginalna", "Od", "Temat"),
    "pt": ("Mensagem original", "De", "Assunto"),
    "sv": ("Ursprungligt meddelande", "Från", "Ämne"),
    "uk": ("Вихідне повідомлення", "Від", "Тема"),
    "zh": ("原始邮件", "发件人", "主题"),
}


@pytest.mark.parametrize(
    "language", ["en", *sorted(path.stem for path in (top() / "frontend" / "i18n").glob("*.json"))]
)
def test_the_head_of_a_quote_is_known_in_our_languages(language: str) -> None:
    """WEBMAIL-165: its sender and subject below a line, and the line before it in words."""
    original, sender, subject = HEADS[language]
    head = f"<b>{sender}:</b> \u200fAda<br><b>{subject}:</b> x<br><p>QUOTED</p>"
    for html in (f"<p>ANSWER</p><hr>\u200e{head}", f"<p>ANSWER</p><p>-----{original}-----<br>{head}"):
        seen, folded = shown(html)
        assert "QUOTED" not in seen, html
        assert "ANSWER" not in folded


def test_a_comment_below_the_head_of_outlook_stays() -> None:
    """WEBMAIL-165: the name that Outlook puts before a comment tells that the sender wrote it."""
    comment = OUTLOOK_DESK.replace("<p>QUOTED", "<p><b><i><span>[Bo Berg]</span></i></b> COMMENT</p><p>QUOTED")
    assert shown(comment)[1] == ""


@pytest.mark.parametrize(
    "html",
    [
        "a" + '<div class="gmail_quote">' + "<blockquote>x</blockquote>y" * 20_000 + "</div>",
        "a" + '<div class="gmail_quote">' + "<div>" * 400 + "1:" + "</div>x" * 400 + "</div>",
        "a" + '<div class="yahoo_quoted">' + "<i>1:</i>" * 50_000 + "</div>",
        "a" + '<div class="gmail_quote">' * 50 + "<i>x</i>" * 50_000 + "</div>" * 50,
        "a" + '<div id="divRplyFwdMsg">x</div>' * 20_000,
        "a" + "<div>" * 400 + '<div id="divRplyFwdMsg">x</div>' + "</div>x" * 400,
        "a" + '<div><div><div id="divRplyFwdMsg">x</div></div></div>' * 20_000,
        "a" + "<hr>" * 200_000,
        "a" + "<br>---- original ----" * 50_000,
        "a" + "<hr>x: y<br>" * 50_000,
        "a" + "<br>----" + " " * 500_000,
        "a" + "<br>" + "<i>" * 400 + "-" * 500_000,
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
