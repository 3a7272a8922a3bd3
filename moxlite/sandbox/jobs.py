"""The jobs of the sandbox and their answers (WEBMAIL-53, 54, 79, 92).

An answer comes from a process that a malicious mail may have taken over: its texts are bounded here, and are not
trusted.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from moxlite.compose.reply import Quotable, Quoted
from moxlite.sandbox.messages import Job

__all__ = ["JOBS", "MAX_HOSTS", "AnyJob", "DrawHTML", "Drawn", "Picture", "Quote", "ShowText", "Shown"]

MAX_HOSTS: Final = 5
"""Number of hosts named in the line about blocked resources."""

Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 31)]


class Picture(msgspec.Struct, frozen=True):
    """An image of the message. `name`: its Content-ID without brackets. `size`: its decoded octets."""

    name: str
    size: int


class Drawn(msgspec.Struct, frozen=True):
    """Sanitized HTML for the content of a body element, in UTF-8.

    Attributes:
      html: each address of an image of the message is replaced by `marker`, the image's number and ";".
      blocked: number of blocked references to remote resources; `hosts`: the hosts with most of them, at most
        `MAX_HOSTS`; `more`: there are other hosts.
      left_out: number of references to images that exceed `DrawHTML.room`.
      coloured: the HTML sets a colour of text or background, so it is shown on a light sheet (WEBMAIL-10).
    """

    html: bytes
    blocked: Count
    hosts: Annotated[tuple[Annotated[str, msgspec.Meta(max_length=300)], ...], msgspec.Meta(max_length=MAX_HOSTS)]
    more: bool
    left_out: Count
    coloured: bool


class DrawHTML(Job[Drawn], frozen=True, tag="draw-html"):
    """Sanitize HTML.

    Attributes:
      pictures: the images of the message that may be shown; their numbers are their indexes.
      room: octets for all images that are included, each reference counted.
      marker: random octets that no mail can contain, see `Drawn.html`.
      external: keep the addresses of remote resources.
    """

    ANSWER = Drawn

    html: str
    pictures: tuple[Picture, ...]
    room: int
    marker: str
    external: bool


class Shown(msgspec.Struct, frozen=True):
    """The visible text of HTML."""

    text: Annotated[str, msgspec.Meta(max_length=2 << 20)]


class ShowText(Job[Shown], frozen=True, tag="show-text"):
    """Extract the visible text of HTML, at most about `limit` characters."""

    ANSWER = Shown

    html: str
    limit: int


class Quote(Job[Quoted], frozen=True, tag="quote"):
    """Quote or forward a text."""

    ANSWER = Quoted

    original: Quotable


AnyJob = DrawHTML | ShowText | Quote
JOBS: Final = (DrawHTML, ShowText, Quote)
"""All jobs; `work.WORK` has a function for each."""
