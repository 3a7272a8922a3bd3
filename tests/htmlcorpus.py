"""Hostile HTML: the vectors of fixtures/html, and a table of what runs or loads by what carries it."""

import re
from itertools import product
from pathlib import Path

from moxlite.web.webmail.reading.parts import BEGIN, END, LIGHT

__all__ = ["all_vectors", "generated", "page_of", "without_inks", "written"]

TOP = Path(__file__).resolve().parent.parent / "fixtures" / "html"
SIGNS = str.maketrans({"␤": "\n", "␍": "\r", "␀": "\0", "␉": "\t"})
RUN = "document.title='pwned'"

EVENTS = (TOP / "events.words").read_text().split()
CARRIERS = (
    "<img src=x on{event}={run}>",
    "<a href=https://ok.example/ on{event}='{run}'>x</a>",
    "<p tabindex=0 on{event}={run}>x",
    "<table><tr><td on{event}={run}>x</table>",
    "<details open on{event}={run}>x</details>",
    "<font/on{event}={run}>x",
    "<svg on{event}={run}>",
    "<body on{event}={run}>",
    "<x-y on{event}={run}>x",
    "<video controls on{event}={run}></video>",
    "<noscript><img src=x on{event}={run}></noscript>",
    "<img usemap=#m><map name=m><area href=https://ok.example/ on{event}={run}></map>",
)
ADDRESSES = (
    "javascript:{run}",
    "JaVaScRiPt:{run}",
    " javascript:{run}",
    "&#32;&#9;javascript:{run}",
    "java\tscript:{run}",
    "java\nscript:{run}",
    "javascript&colon;{run}",
    "&#x6a;avascript:{run}",
    "&#1;javascript:{run}",
    "javascript:%0a{run}",
    "javascript://evil.example/%0a{run}",
    "vbscript:{run}",
    "data:text/html,<script>{run}</script>",
    "data:text/html;charset=utf-8;base64,PHNjcmlwdD4=",
    "data:image/svg+xml,<svg onload={run}>",
    "blob:null/x",
    "file:///etc/passwd",
    "ftp://evil.example/x",
    "jar:https://evil.example!/x",
    "https://evil.example/x",
    "HTTPS://EVIL.example/x",
    "//evil.example/x",
    "\\\\evil.example\\x",
    "https:\\\\evil.example/x",
    "/\\evil.example/x",
)
LOADING = (
    '<img src="{url}">',
    '<img srcset="{url} 2x">',
    '<input type=image src="{url}">',
    '<video src="{url}" autoplay></video>',
    '<video poster="{url}"></video>',
    '<audio src="{url}" autoplay></audio>',
    '<source src="{url}">',
    '<iframe src="{url}"></iframe>',
    '<embed src="{url}">',
    '<object data="{url}"></object>',
    '<link rel=stylesheet href="{url}">',
    '<script src="{url}"></script>',
    '<body background="{url}">',
    '<table background="{url}"><tr><td>x</table>',
    '<svg><image href="{url}"></svg>',
    '<svg><use xlink:href="{url}"></svg>',
    '<meta http-equiv=refresh content="0;url={url}">',
    '<track src="{url}">',
    '<noscript><img src="{url}"></noscript>',
    '<img usemap="{url}"><map name=m><area href="#m" ping="{url}"></map>',
)
PROPERTIES = (TOP / "properties.words").read_text().split()
VALUES = (
    "url(https://evil.example/x)",
    "url('https://evil.example/x')",
    "u\\72 l(https://evil.example/x)",
    "URL(//evil.example/x)",
    "red url(https://evil.example/x)",
    "image-set('https://evil.example/x' 1x)",
    "-webkit-image-set(url(https://evil.example/x) 1x)",
    "expression({run})",
    "var(--y,url(https://evil.example/x))",
    "linear-gradient(red,url(https://evil.example/x))",
    "linear-gradient(red,blue),url(https://evil.example/x)",
)


def written() -> list[str]:
    """The vectors of the files."""
    return [
        line.translate(SIGNS)
        for path in sorted(TOP.glob("*.txt"))
        for line in path.read_text().splitlines()
        if line.strip()
    ]


def generated() -> list[str]:
    """The table."""
    found = [carrier.format(event=event, run=RUN) for event, carrier in product(EVENTS, CARRIERS)]
    found += [loading.format(url=url.format(run=RUN)) for url, loading in product(ADDRESSES, LOADING)]
    for name, value in product(PROPERTIES, VALUES):
        declaration = f"{name}:{value.format(run='document.title=1')}"
        found += [f'<p style="{declaration}">x', f"<style>p{{{declaration}}}</style><p>x"]
    return found


def all_vectors() -> list[str]:
    """All, each once, in the same order each time."""
    return list(dict.fromkeys(written() + generated()))


INKS = re.compile(
    r";?--(?:dark-|light-)?ink:(?:#000|#fff|initial)|(?<=color:)var\(--(?:(?:dark|light)-)?ink,([^;{}\"]*)\)"
)
"""What the sanitizer writes about words on the gray of pictures that are left out (`sheets.INK`)."""


def without_inks(html: str) -> str:
    """Sanitized HTML as it is for mail without pictures behind words."""
    return INKS.sub(lambda match: match[1] or "", html)


def page_of(body: str, colours: tuple[str, str, str, str] = LIGHT) -> str:
    """A page as the webmail writes it around HTML."""
    scheme, paper, ink, plate = colours
    return (
        BEGIN.format(title="Message", facts="", scheme=scheme, paper=paper, ink=ink, plate=plate) + body + END.decode()
    )
