"""The jobs of the sandbox and their answers (WEBMAIL-53, 54, 79, 92).

An answer is made from a stranger's mail by a process that this mail may have taken over: its texts are bounded here,
and used as a stranger's.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from moxlite.compose.reply import Quotable, Quoted
from moxlite.sandbox.messages import Job

__all__ = ["JOBS", "MAX_HOSTS", "AnyJob", "DrawHTML", "Drawn", "Picture", "Quote", "ShowText", "Shown"]

MAX_HOSTS: Final = 5
"""Hosts named in the line about resources that were not loaded."""

Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 31)]


class Picture(msgspec.Struct, frozen=True):
    """An image of the message. `name`: its Content-ID without brackets. `size`: its decoded octets."""

    name: str
    size: int


class Drawn(msgspec.Struct, frozen=True):
    """Harmless HTML for the inside of a body, in UTF-8.

    Attributes:
      html: in place of the address of each image of the message it has `marker`, the image's number and ";".
      blocked: how many resources would be loaded from elsewhere; `hosts`: the hosts with most of them, at most
        `MAX_HOSTS`; `more`: there are other hosts.
      left_out: how many references to images exceed the room for them.
    """

    html: bytes
    blocked: Count
    hosts: Annotated[tuple[Annotated[str, msgspec.Meta(max_length=300)], ...], msgspec.Meta(max_length=MAX_HOSTS)]
    more: bool
    left_out: Count


class DrawHTML(Job[Drawn], frozen=True, tag="draw-html"):
    """Make HTML harmless.

    Attributes:
      pictures: the images of the message that may be shown, by their numbers.
      room: octets of all images that come in, each reference counted.
      marker: octets that no mail can know, see `Drawn.html`.
      external: addresses of resources elsewhere stay.
    """

    ANSWER = Drawn

    html: str
    pictures: tuple[Picture, ...]
    room: int
    marker: str
    external: bool


class Shown(msgspec.Struct, frozen=True):
    """The text of HTML, as a reader sees it."""

    text: Annotated[str, msgspec.Meta(max_length=2 << 20)]


class ShowText(Job[Shown], frozen=True, tag="show-text"):
    """Find the text of HTML, at most about `limit` characters."""

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
