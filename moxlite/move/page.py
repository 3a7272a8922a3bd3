"""The page to print: a sheet for each user, with the link by which to choose a password (MOVE-9)."""

from collections.abc import Iterable
from html import escape
from typing import Final

import segno

from moxlite.operations.move import MoveLink
from moxlite.wording import ReaderLanguage, mail_text

HEAD: Final = """\
<!doctype html>
<html {attributes}>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 12pt/1.5 sans-serif; margin: 2cm }}
section {{ break-after: page }}
svg {{ width: 5cm; height: 5cm }}
code {{ overflow-wrap: anywhere }}
</style>
"""

SHEET: Final = """\
<section>
<h1>{title}</h1>
<p>{moved} {address}</p>
<p>{choose}</p>
{code}
<p><code dir="ltr">{url}</code></p>
<p>{then}</p>
</section>
"""

TITLE: Final = mail_text("Your new mailbox")


def page_of(links: Iterable[MoveLink], language: ReaderLanguage) -> str:
    """The page, in the language of its readers."""
    head = HEAD.format(attributes=language.attributes, title=escape(language.say(TITLE)))
    return head + "".join(_sheet(link, language) for link in links if not link.problem)


def _sheet(link: MoveLink, language: ReaderLanguage) -> str:
    texts = {
        "title": TITLE,
        "moved": mail_text("{name}, your mail has moved to a new server.", name=link.full_name or link.address),
        "address": mail_text("Your address is still {address}.", address=link.address),
        "choose": mail_text(
            "Choose a password: scan this code, or open the address below. It works once, until {when}.",
            when=f"{link.expires} UTC",
        ),
        "then": mail_text("Then set up your mail apps again: open Devices on the page that you'll see."),
    }
    code = segno.make(link.url, error="m", micro=False).svg_inline(omitsize=True)
    said = {name: escape(language.say(text)) for name, text in texts.items()}
    return SHEET.format(code=code, url=escape(link.url), **said)
