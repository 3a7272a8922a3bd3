"""The jobs of the sandbox and their answers (WEBMAIL-53, 54, 79, 92).

An answer comes from a process that a malicious mail may have taken over: its texts are bounded here, and are not
trusted.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from moxlite.compose.reply import Quotable, Quoted
from moxlite.proto.cards.invitation import Calendar
from moxlite.sandbox.messages import Job

MAX_HOSTS: Final = 5
"""Number of hosts named in the line about blocked resources."""

MAX_PICTURES: Final = 1000
"""Number of images of a message that its HTML may refer to."""

MAX_COMPOSED: Final = 4 << 20
"""Characters of the text that is made of HTML."""

Scheme = Literal["light", "dark", "plain"]
"""The window around a message; plain: dark, and the message in the window's colours whatever its own are."""

GREY_PIXEL: Final = "data:image/gif;base64,R0lGODlhAQABAIAAAHV1df///ywAAAAAAQABAAACAkQBADs="
"""A picture of `values.GREY` in attributes, in place of a background that is not loaded. The page has rules for it."""

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
      coloured, own: as in `sanitize.Sanitized` (WEBMAIL-10).
    """

    html: bytes
    blocked: Count
    hosts: Annotated[tuple[Annotated[str, msgspec.Meta(max_length=300)], ...], msgspec.Meta(max_length=MAX_HOSTS)]
    more: bool
    left_out: Count
    coloured: bool
    own: bool


class DrawHTML(Job[Drawn], frozen=True, tag="draw-html"):
    """Sanitize HTML.

    Attributes:
      pictures: the images of the message that may be shown; their numbers are their indexes.
      room: octets for all images that are included, each reference counted.
      marker: random octets that no mail can contain, see `Drawn.html`.
      external: keep the addresses of remote resources.
      quoted: the words behind which the last quote is folded (WEBMAIL-165).
      answered: the letters of the answered message (`proto.mime.quotes.letters`), None if it isn't there.
      scheme: the window around the message, plain: dark, and the message in the
        window's colours whatever its own are.
    """

    ANSWER = Drawn

    html: str
    pictures: tuple[Picture, ...]
    room: int
    marker: str
    external: bool
    quoted: str = "Quoted text"
    answered: str | None = None
    scheme: Scheme = "light"


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


Pictures = Annotated[tuple[Count, ...], msgspec.Meta(max_length=MAX_PICTURES)]
"""Numbers of the images that are left in an HTML, each once."""


class Composed(msgspec.Struct, frozen=True):
    """HTML for a message that is written, and its text.

    Attributes:
      html: UTF-8; each address of an image of the message is replaced by `WriteHTML.marker`, its number and ";".
      text: the alternative as plain text; lines end in LF.
    """

    html: bytes
    text: Annotated[str, msgspec.Meta(max_length=MAX_COMPOSED)]
    pictures: Pictures


class WriteHTML(Job[Composed], frozen=True, tag="write-html"):
    """Sanitize HTML that is sent (WEBMAIL-135), by the rules for HTML that is read.

    Attributes:
      pictures: Content-IDs of the images that it may refer to; their numbers are their indexes.
      marker: random characters that the HTML cannot contain, see `Composed.html`.
      whole: it is the HTML of a message, whose style sheets are kept with it, and its text is not wanted; else what a
        user has written, whose addresses of remote images are left out.
      external: keep the addresses of remote images.
    """

    ANSWER = Composed

    html: str
    pictures: tuple[str, ...]
    marker: str
    whole: bool = False
    external: bool = False


class ReadDraftHTML(msgspec.Struct, frozen=True):
    """The HTML of a draft, in its two parts.

    Attributes:
      own: what the user wrote, as `Composed.html`. typed: that in plain text, None where it was written as HTML.
      kept: the HTML of the original below, "" without one; kept_text: its text.
      pictures, kept_pictures: the images of each.
    """

    own: bytes
    typed: Annotated[str, msgspec.Meta(max_length=MAX_COMPOSED)] | None
    kept: bytes
    kept_text: Annotated[str, msgspec.Meta(max_length=MAX_COMPOSED)]
    pictures: Pictures
    kept_pictures: Pictures


class ReadDraft(Job[ReadDraftHTML], frozen=True, tag="read-draft"):
    """Take the HTML of a draft apart, to edit it again. Attributes as in `WriteHTML`."""

    ANSWER = ReadDraftHTML

    html: str
    pictures: tuple[str, ...]
    marker: str


class ReadCalendar(Job[Calendar], frozen=True, tag="read-calendar"):
    """Read the event of a calendar (WEBMAIL-129)."""

    ANSWER = Calendar

    text: str


class Cleaned(msgspec.Struct, frozen=True):
    """A calendar of a mail, written anew (`proto.cards.received.cleaned`)."""

    text: Annotated[str, msgspec.Meta(max_length=2 << 20)]


class CleanCalendar(Job[Cleaned], frozen=True, tag="clean-calendar"):
    """Write a calendar of a mail anew, as it may come into a calendar (DAV-29)."""

    ANSWER = Cleaned

    text: str


MAX_ENTRIES: Final = 10_000
"""Entries of a subscribed calendar."""

MAX_SPLIT: Final = 8 << 20
"""Octets of the entries of a subscribed calendar together; each has the zones that it names."""


def split_room(octets: int) -> int:
    """Octets of the entries of a file of so many octets at most."""
    return min(MAX_SPLIT, 4 * octets + (64 << 10))


class UIDEntry(msgspec.Struct, frozen=True):
    """An entry of a file as a calendar of its own."""

    uid: Annotated[str, msgspec.Meta(max_length=MAX_SPLIT)]
    data: Annotated[bytes, msgspec.Meta(max_length=MAX_SPLIT)]


class Split(msgspec.Struct, frozen=True):
    """A calendar file: its name for people, and its entries."""

    title: Annotated[str, msgspec.Meta(max_length=1000)]
    entries: Annotated[tuple[UIDEntry, ...], msgspec.Meta(max_length=MAX_ENTRIES)]


class SplitCalendar(Job[Split], frozen=True, tag="split-calendar"):
    """Take a calendar file apart (DAV-44)."""

    ANSWER = Split

    data: bytes


AnyJob = DrawHTML | ShowText | Quote | WriteHTML | ReadDraft | ReadCalendar | CleanCalendar | SplitCalendar
JOBS: Final = (DrawHTML, ShowText, Quote, WriteHTML, ReadDraft, ReadCalendar, CleanCalendar, SplitCalendar)
"""All jobs; `work.WORK` has a function for each."""
