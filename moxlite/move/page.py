"""The page to print: a sheet for each user, with the link by which to choose a password (MOVE-9)."""

from collections.abc import Iterable
from html import escape
from typing import Final

import segno

from moxlite.operations.move import MoveLink

HEAD: Final = """\
<!doctype html>
<meta charset="utf-8">
<title>Your new mailbox</title>
<style>
body { font: 12pt/1.5 sans-serif; margin: 2cm }
section { break-after: page }
svg { width: 5cm; height: 5cm }
code { overflow-wrap: anywhere }
</style>
"""

SHEET: Final = """\
<section>
<h1>Your new mailbox</h1>
<p>{name}, your mail has moved to a new server. Your address is still <strong>{address}</strong>.</p>
<p>Choose a password: scan this code, or open the address below. It works once, until {expires} UTC.</p>
{code}
<p><code>{url}</code></p>
<p>Then set up your mail apps again: open <em>Devices</em> on the page that you'll see.</p>
</section>
"""


def page_of(links: Iterable[MoveLink]) -> str:
    """The page."""
    sheets = [
        SHEET.format(
            name=escape(link.full_name or link.address),
            address=escape(link.address),
            expires=escape(link.expires),
            url=escape(link.url),
            code=segno.make(link.url, error="m", micro=False).svg_inline(omitsize=True),
        )
        for link in links
        if not link.problem
    ]
    return HEAD + "".join(sheets)
