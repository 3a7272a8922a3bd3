"""The functions that do the jobs of the sandbox, one per job type. Imported only by the child process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from moxlite.compose.reply import PlainText, Quotable, Quoted, quote
from moxlite.proto.cards.calendarfiles import about_of, calendars_by_uid, file_text
from moxlite.proto.cards.components import BadComponents
from moxlite.proto.cards.invitation import BadCalendar, Calendar, read_calendar
from moxlite.proto.cards.received import cleaned
from moxlite.proto.mime.text import visible_text
from moxlite.sandbox.composing import read_draft, write_html
from moxlite.sandbox.jobs import (
    MAX_ENTRIES,
    MAX_HOSTS,
    AnyJob,
    CleanCalendar,
    Cleaned,
    DrawHTML,
    Drawn,
    Picture,
    Quote,
    ReadCalendar,
    ReadDraft,
    Shown,
    ShowText,
    Split,
    SplitCalendar,
    UIDEntry,
    WriteHTML,
    split_room,
)
from moxlite.sandbox.messages import Refused
from moxlite.sandbox.sanitize import TooComplex, sanitize

MAX_HOST: Final = 253
"""Characters of a host name (RFC 1035 §2.3.4)."""


class InlineImages:
    """The images of a message, looked up by the Content-ID in the HTML.

    Each reference reduces `DrawHTML.room` by the size of the image, since each will hold a copy of it (WEBMAIL-54).
    """

    def __init__(self, job: DrawHTML) -> None:
        self._pictures = {picture.name: (number, picture.size) for number, picture in enumerate(job.pictures)}
        self._marker = job.marker
        self._room = job.room
        self.left_out = 0

    def get(self, reference: str, /) -> str | None:
        """Return the placeholder of the image of a ``cid:`` URL (RFC 2392 §2), None if it is not to be shown."""
        found = self._pictures.get(unquote(reference))
        if found is None:
            return None
        number, size = found
        if size > self._room:
            self.left_out += 1
            return None
        self._room -= size
        return f"{self._marker}{number};"


def draw_html(job: DrawHTML) -> Drawn:
    """Sanitize HTML. Raises Refused."""
    placed = InlineImages(job)
    try:
        clean = sanitize(
            job.html,
            placed,
            external=job.external,
            quoted=job.quoted,
            answered=job.answered,
            scheme=job.scheme,
        )
    except TooComplex as refusal:
        raise Refused(str(refusal)) from None
    hosts = sorted(clean.blocked, key=lambda host: (-clean.blocked[host], host))
    return Drawn(
        html=clean.html.encode("utf-8", "replace"),
        blocked=sum(clean.blocked.values()),
        hosts=tuple(host[:MAX_HOST] for host in hosts[:MAX_HOSTS]),
        more=len(hosts) > MAX_HOSTS,
        left_out=placed.left_out,
        coloured=clean.coloured,
        own=clean.own,
    )


def show_text(job: ShowText) -> Shown:
    """Extract the visible text of HTML."""
    return Shown(visible_text(job.html, alt=True, limit=job.limit)[: job.limit])


def quote_text(job: Quote) -> Quoted:
    """Quote or forward a text."""
    return quote(job.original)


def read_event(job: ReadCalendar) -> Calendar:
    """Read a calendar. Raises Refused."""
    try:
        return read_calendar(job.text)
    except BadCalendar as refusal:
        raise Refused(str(refusal)) from None


def clean_calendar(job: CleanCalendar) -> Cleaned:
    """Write a calendar anew. Raises Refused."""
    try:
        return Cleaned(cleaned(job.text))
    except BadComponents as refusal:
        raise Refused(str(refusal)) from None


def split_calendar(job: SplitCalendar) -> Split:
    """Take a calendar file apart; what is above the limits is refused. Raises Refused."""
    text = file_text(job.data)
    uid_entries: list[UIDEntry] = []
    room = split_room(len(job.data))
    for uid, entry in calendars_by_uid(text):
        data = entry.encode("utf-8", "replace")
        room -= len(uid) + len(data)
        if room < 0 or len(uid_entries) == MAX_ENTRIES:
            raise Refused(f"the calendar is too large or has too many events (limit {MAX_ENTRIES})")
        uid_entries.append(UIDEntry(uid, data))
    return Split(about_of(text).title, tuple(uid_entries))


WORK: Final[Mapping[type[AnyJob], Callable[[Any], msgspec.Struct]]] = {
    DrawHTML: draw_html,
    ShowText: show_text,
    Quote: quote_text,
    WriteHTML: write_html,
    ReadDraft: read_draft,
    ReadCalendar: read_event,
    CleanCalendar: clean_calendar,
    SplitCalendar: split_calendar,
}


def work(job: AnyJob) -> msgspec.Struct:
    """Do a job. Raises Refused, and any error of a library."""
    return WORK[type(job)](job)


_HTML: Final = (
    "<style>@media (max-width: 9px) { p > a:hover { color: rgb(1, 2, 3); background: #fff } }</style>"
    '<body bgcolor="#fff" style="color: red"><p style="background: #fff">&auml;<img src="cid:a">'
    '<a href="https://b\u00fccher.example/">https://b\u00fccher.example/</a>'
)
_CALENDAR: Final = (
    "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261123T100000Z\r\n"
    "ATTENDEE;ENCODING=QUOTED-PRINTABLE:mailto:a@a.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
SAMPLES: Final[tuple[AnyJob, ...]] = (
    DrawHTML(_HTML, (Picture("a", 1),), 1, "data:x;", external=False),
    ShowText(_HTML, 100),
    Quote(Quotable(kind="answer", subject="Re: a", head="A:", texts=(PlainText("a \r\nb", flowed=True),))),
    WriteHTML(_HTML, ("a",), "data:x;"),
    ReadDraft(_HTML, ("a",), "data:x;"),
    ReadCalendar(_CALENDAR),
    CleanCalendar(_CALENDAR),
    SplitCalendar(_CALENDAR.encode()),
)
"""Sample jobs that make the libraries load all modules that they import lazily."""
