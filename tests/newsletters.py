"""Thirty newsletters as the common senders build them, written for this project: ten letters, each built in three ways.

The ways are those of real senders: tables inside tables with `bgcolor` and inline styles; a style sheet with media
queries, web fonts and a sheet for the dark; and a mixture for Outlook, with conditional comments, VML and fallbacks. All have
a hidden preheader and a tracking pixel.
"""

# ruff: noqa: E501 - lines of HTML, as long as such mail has them

import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["DARK", "LIGHT", "ROOT", "blown_up", "newsletters"]

IMAGE = "https://img.sender.example"

ROOT = ":root { --dark: #102a43; --light: #f0f4f8; --twice: var(--dark) }"
"""Custom properties that the backgrounds and colours below need."""

DARK = {
    "#102a43": "#102a43",
    "rebeccapurple": "#663399",
    "no-repeat #102a43": "#102a43",
    "rgb(16 42 67)": "#102a43",
    "hwb(209 6% 74%)": "#102a43",
    "lab(16% -4 -18)": "#132b43",
    "oklch(28% 0.06 250)": "#10283f",
    "color(srgb 0.06 0.16 0.26)": "#102a43",
    "color-mix(in srgb, black 50%, #102a43)": "#081522",
    "light-dark(#102a43, #fff)": "#102a43",
    "var(--dark)": "#102a43",
    "var(--twice)": "#102a43",
    "var(--gone, #102a43)": "#102a43",
    "var(--gone)": None,
    "paint(waves)": None,
    "image-set(url(https://x.example/a.png) 1x)": None,
    "image-set(linear-gradient(#000, #111) 1x)": None,
    "cross-fade(url(https://x.example/a), url(https://x.example/b))": None,
    "url(https://x.example/a.png)": None,
    "url(//x.example/a.png)": None,
    "url(cid:gone)": None,
    "url(https://x.example/a.png), url(https://x.example/b.png)": None,
    "linear-gradient(135deg, #102a43 0%, #081522 100%)": "#102a43",
    "linear-gradient(to right, var(--dark), #081522)": "#102a43",
    "radial-gradient(circle at center, #102a43, rgb(8, 21, 34))": "#102a43",
    "repeating-conic-gradient(#102a43 0 25%, #081522 0 50%)": "#102a43",
    "-webkit-linear-gradient(top, #102a43, #081522)": "#102a43",
    "-webkit-gradient(linear, left top, left bottom, from(#102a43), to(#081522))": "#102a43",
    "linear-gradient(rgba(0, 0, 0, .6), rgba(0, 0, 0, .6)), url(https://x.example/a.png) center / cover": None,
}
"""Backgrounds that senders use for light words, with a colour in them; None if no colour is known."""

LIGHT = [
    "#fff",
    "hsl(0, 0%, 95%)",
    "white",
    "oklch(96% 0.01 250)",
    "var(--light)",
    "color-mix(in srgb, white 90%, black)",
]
"""Colours of words on them."""


@dataclass(frozen=True)
class Letter:
    """What a newsletter says: `rows` are its articles (title, text), `colours` page, card, ink and accent."""

    name: str
    title: str
    rows: tuple[tuple[str, str], ...]
    button: str
    colours: tuple[str, str, str, str]


LETTERS = (
    Letter(
        "shop",
        "Autumn sale",
        (("Boots", "Now 59 €"), ("Coats", "Now 99 €")),
        "To the shop",
        ("#f4f4f4", "#ffffff", "#222222", "#d33f00"),
    ),
    Letter(
        "digest",
        "The week in boats",
        (("Harbours", "Three new piers."), ("Races", "The red one won."), ("Weather", "Wind from the west.")),
        "Read all",
        ("#102030", "#ffffff", "#102030", "#1a6fb0"),
    ),
    Letter(
        "night",
        "Late shows",
        (("Friday", "Doors at ten."), ("Saturday", "Sold out.")),
        "Tickets",
        ("#000000", "#151515", "#eeeeee", "#ffcc00"),
    ),
    Letter(
        "receipt",
        "Your order 4711",
        (("2 × Rope, 10 m", "24,00 €"), ("1 × Lamp", "12,50 €"), ("Total", "36,50 €")),
        "See the order",
        ("#ffffff", "#f8f8f8", "#333333", "#00796b"),
    ),
    Letter(
        "parcel",
        "Your parcel is on its way",
        (("Tomorrow", "Between 9 and 12."),),
        "Follow it",
        ("#ffd400", "#ffffff", "#1b1b1b", "#b00020"),
    ),
    Letter(
        "password",
        "Reset your password",
        (("Someone asked for it", "If that was not you, do nothing."),),
        "Choose a new one",
        ("#eef2f7", "#ffffff", "#1f2937", "#2456d6"),
    ),
    Letter(
        "welcome",
        "Welcome aboard",
        (("First", "Say who you are."), ("Then", "Invite your crew.")),
        "Begin",
        ("#5b2a86", "#ffffff", "#2b1140", "#5b2a86"),
    ),
    Letter(
        "survey",
        "How was it?",
        (("Two minutes", "Five questions, no more."),),
        "Answer",
        ("#e8f5e9", "#ffffff", "#1b3a1d", "#2e7d32"),
    ),
    Letter(
        "event",
        "Summer party",
        (("Where", "At the pier."), ("When", "21 June, 18:00.")),
        "I am coming",
        ("#003049", "#fcbf49", "#003049", "#d62828"),
    ),
    Letter(
        "social",
        "Kira mentioned you",
        (("Kira", "“Has anyone seen the red boat?”"),),
        "Reply",
        ("#f0f2f5", "#ffffff", "#050505", "#1877f2"),
    ),
)


def pixel(letter: Letter) -> str:
    return f'<img src="https://track.sender.example/o.gif?c={letter.name}" width="1" height="1" alt="" style="display:block">'


def preheader(letter: Letter) -> str:
    hidden = (
        "display:none;max-height:0;overflow:hidden;mso-hide:all;font-size:1px;line-height:1px;color:#ffffff;opacity:0"
    )
    return f'<div style="{hidden}">{letter.title} in short &#847;&zwnj;&nbsp;&#847;&zwnj;&nbsp;</div>'


def tables(letter: Letter) -> str:
    """As they were built for twenty years: tables, bgcolor, font."""
    page, card, ink, accent = letter.colours
    rows = "".join(
        f'<tr><td width="120" valign="top" style="padding:12px 0 12px 24px"><img src="{IMAGE}/{n}.jpg" width="96" height="72" border="0" '
        f'alt="{title}"></td><td valign="top" style="padding:12px 24px"><font face="Arial, Helvetica, sans-serif" color="{ink}" size="3">'
        f"<b>{title}</b><br>{text}</font></td></tr>"
        for n, (title, text) in enumerate(letter.rows)
    )
    return f"""<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml"><head><meta http-equiv="Content-Type" content="text/html; charset=UTF-8"><title>{letter.title}</title></head>
<body bgcolor="{page}" text="{ink}" link="{accent}" leftmargin="0" topmargin="0" marginwidth="0" marginheight="0" background="{IMAGE}/tile.png">{preheader(letter)}
<table width="100%" border="0" cellspacing="0" cellpadding="0" bgcolor="{page}"><tr><td align="center">
<table width="600" border="0" cellspacing="0" cellpadding="0" bgcolor="{card}"><tr><td colspan="2" bgcolor="{accent}" align="center" style="padding:18px">
<font face="Georgia, serif" color="{card}" size="6">{letter.title}</font></td></tr>{rows}
<tr><td colspan="2" align="center" style="padding:24px"><table border="0" cellspacing="0" cellpadding="0"><tr><td bgcolor="{accent}" style="border-radius:4px">
<a href="https://sender.example/{letter.name}" target="_blank" style="display:inline-block;padding:12px 28px;font:bold 16px Arial;color:{card};text-decoration:none">{letter.button}</a>
</td></tr></table></td></tr></table>
<font face="Arial" size="1" color="#777777">Sender Ltd · <a href="https://sender.example/u" style="color:#777777">Unsubscribe</a></font>{pixel(letter)}</td></tr></table></body></html>"""


def sheets(letter: Letter) -> str:
    """As modern builders do it: classes, media queries, a web font, and a sheet for the dark."""
    page, card, ink, accent = letter.colours
    rows = "".join(
        f'<div class="col"><img class="pic" src="{IMAGE}/{n}.jpg" alt=""><h2>{title}</h2><p>{text}</p></div>'
        for n, (title, text) in enumerate(letter.rows)
    )
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<title>{letter.title}</title><link href="https://fonts.sender.example/css2?family=Lobster" rel="stylesheet">
<style type="text/css">@import url("https://fonts.sender.example/inter.css");
@font-face {{ font-family: "Brand"; src: url(https://fonts.sender.example/b.woff2) format("woff2") }}
:root {{ color-scheme: light dark; supported-color-schemes: light dark }}
body {{ margin: 0 !important; padding: 0; background: {page}; color: {ink}; font-family: Brand, "Helvetica Neue", Arial, sans-serif; -webkit-text-size-adjust: 100% }}
.wrap {{ max-width: 640px; margin: 0 auto; background-color: {card}; border-radius: 12px; overflow: hidden }}
.hero {{ background: {accent} url({IMAGE}/hero.jpg) center/cover no-repeat; color: {card}; padding: 48px 32px; text-align: center }}
.hero h1 {{ margin: 0; font-size: 34px; line-height: 1.15 }}
.cols {{ font-size: 0; padding: 16px }} .col {{ display: inline-block; width: 50%; padding: 12px; vertical-align: top; font-size: 16px; box-sizing: border-box }}
.col h2 {{ margin: 8px 0 4px; font-size: 19px; color: {ink} }} .col p {{ margin: 0; line-height: 1.5 }} .pic {{ width: 100%; height: 90px; background-color: {accent}22 }}
.btn a {{ display: block; margin: 8px 28px 28px; padding: 14px; border-radius: 8px; background-color: {accent}; color: {card} !important; font-weight: 600; text-align: center; text-decoration: none }}
a:hover {{ opacity: .85 }} .foot {{ padding: 16px; font-size: 12px; color: #767676; text-align: center }}
@media only screen and (max-width: 480px) {{ .col {{ width: 100% !important }} .hero h1 {{ font-size: 26px !important }} }}
@media (prefers-color-scheme: dark) {{ body, .wrap {{ background: #121212 !important }} .col h2, .col p {{ color: #f1f1f1 !important }} .light {{ display: none }} }}
[data-ogsc] .col p {{ color: #f1f1f1 !important }}</style></head>
<body class="body">{preheader(letter)}<div class="wrap" role="article"><div class="hero"><h1>{letter.title}</h1></div><div class="cols">{rows}</div>
<div class="btn"><a href="https://sender.example/{letter.name}">{letter.button}</a></div></div>
<p class="foot">You get this because you asked for it. <a href="https://sender.example/u">Unsubscribe</a></p>{pixel(letter)}</body></html>"""


def mixed(letter: Letter) -> str:
    """As it is done for Outlook and all others at once."""
    page, card, ink, accent = letter.colours
    rows = "".join(
        f'<!--[if mso | IE]><td style="width:300px" valign="top"><![endif]--><div class="mj" style="font-size:14px;text-align:left;display:inline-block;'
        f'vertical-align:top;width:100%;max-width:290px"><table border="0" cellpadding="0" cellspacing="0" role="presentation" width="100%"><tbody><tr><td '
        f'style="font-size:0;padding:10px 25px;word-break:break-word"><div style="font-family:Ubuntu,Helvetica,Arial,sans-serif;font-size:15px;line-height:1.4;'
        f'color:{ink}"><strong style="color:{accent}">{title}</strong><br>{text}</div></td></tr></tbody></table></div><!--[if mso | IE]></td><![endif]-->'
        for title, text in letter.rows
    )
    return f"""<!doctype html><html xmlns="http://www.w3.org/1999/xhtml" xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"><head>
<title>{letter.title}</title><!--[if !mso]><!--><meta http-equiv="X-UA-Compatible" content="IE=edge"><!--<![endif]-->
<!--[if mso]><noscript><xml><o:OfficeDocumentSettings><o:AllowPNG/></o:OfficeDocumentSettings></xml></noscript><style>.mj {{ width: 290px !important }}</style><![endif]-->
<style>#outlook a {{ padding: 0 }} .ReadMsgBody {{ width: 100% }} table, td {{ border-collapse: collapse; mso-table-lspace: 0pt }} img {{ border: 0; -ms-interpolation-mode: bicubic }}</style>
<style media="screen and (min-width:480px)">.mj {{ max-width: 290px }}</style>
<style>u + .body .gmail {{ display: none }} @media (prefers-color-scheme: dark) {{ .card {{ background-color: #1e1e1e !important }} }}</style></head>
<body style="word-spacing:normal;background-color:{page};margin:0" class="body">{preheader(letter)}
<div style="background-color:{page}"><!--[if mso | IE]><table align="center" width="600" bgcolor="{card}"><tr><td><![endif]-->
<div class="card" style="background:{card};background-color:{card};margin:0 auto;max-width:600px"><table align="center" border="0" cellpadding="0" cellspacing="0" role="presentation" style="background:{card};width:100%"><tbody>
<tr><td style="direction:ltr;font-size:0;padding:20px 0;text-align:center;border-bottom:4px solid {accent}"><div style="font-family:Ubuntu,Arial,sans-serif;font-size:28px;line-height:1.2;color:{ink};text-align:center">{letter.title}</div></td></tr>
<tr><td style="font-size:0;padding:20px 0;text-align:center"><!--[if mso | IE]><table border="0"><tr><![endif]-->{rows}<!--[if mso | IE]></tr></table><![endif]--></td></tr>
<tr><td align="center" style="padding:10px 25px 30px"><!--[if mso]><v:roundrect href="https://sender.example/" style="height:44px;width:200px" arcsize="10%" fillcolor="{accent}"><center>{letter.button}</center></v:roundrect><![endif]-->
<!--[if !mso]><!-- --><a href="https://sender.example/{letter.name}" style="display:inline-block;background:{accent};color:{card};font-family:Ubuntu,Arial;font-size:15px;padding:12px 25px;border-radius:3px;text-decoration:none">{letter.button}</a><!--<![endif]--></td></tr>
</tbody></table></div><!--[if mso | IE]></td></tr></table><![endif]--></div>{pixel(letter)}</body></html>"""


WAYS: tuple[Callable[[Letter], str], ...] = (tables, sheets, mixed)


def newsletters() -> dict[str, str]:
    """All, by their names."""
    return {f"{letter.name}-{way.__name__}": way(letter) for letter in LETTERS for way in WAYS}


def blown_up(html: str, size: int) -> tuple[str, int]:
    """A newsletter whose content is repeated in its body, up to about `size` characters, and how often it is there."""
    found = re.search(r"<body[^>]*>", html)
    begin, end = found.end() if found else 0, html.lower().rfind("</body")
    content = html[begin:end]
    count = max(1, size // len(content))
    return html[:begin] + content * count + html[end:], count
