"""Scheduling by programs (RFC 6638): the headers of entries that have guests, and questions about busy times to the
schedule outbox. The messages that a change owes are in `groupware`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.groupware.busy import busy_calendar, known_busy, merged
from moxlite.groupware.people import account_of, is_missing, user_of
from moxlite.processor import off_loop
from moxlite.proto.cards.components import BadComponents, Component, read_components
from moxlite.proto.cards.contentline import Property, folded, plain
from moxlite.proto.cards.itip import address_of
from moxlite.proto.cards.moments import moment_of, seconds_of
from moxlite.proto.dav.xml import CALDAV, document, element, text
from moxlite.web.dav.places import XML_HEADERS, Refusal, href
from moxlite.web.http.messages import Response

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot
    from moxlite.proto.cards.repeating import Span
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.groupware.resources import Resource
    from moxlite.web.http.messages import Headers

MAX_QUESTION: Final = 64 << 10
"""Octets of a question about busy times."""

MAX_PEOPLE: Final = 100
"""People of a question."""

MAX_DAYS: Final = 400
"""Days of a question."""

SUCCESS: Final = "2.0;Success"
INVALID: Final = "3.7;Invalid Calendar User"
NO_RIGHT: Final = "3.8;No authority"
ELSEWHERE: Final = "5.3;No scheduling support for user"
"""Values of request-status (RFC 5546 §3.6)."""


class SchedulingRequest(msgspec.Struct, frozen=True):
    """Scheduling headers of a request (RFC 6638 §8). `tag`: schedule tag that the entry must have, or "" for any."""

    answer: bool
    tag: str

    def check(self, before: Resource | None) -> None:
        """Raise Refusal 412 unless the entry has the tag."""
        if self.tag and (before is None or self.tag not in ("*", before.schedule_tag)):
            raise Refusal(412, "", "a guest has changed this event since you last loaded it")


def scheduling_request(headers: Headers) -> SchedulingRequest:
    """Return the scheduling headers of a request (RFC 6638 §8)."""
    answer = (headers.get("schedule-reply") or "T").strip().upper() != "F"
    return SchedulingRequest(answer, (headers.get("if-schedule-tag-match") or "").strip())


def tag_headers(resource: Resource) -> tuple[tuple[str, str], ...]:
    """The header of an entry that has guests."""
    return (("schedule-tag", resource.schedule_tag),) if resource.schedule_tag else ()


class Questions:
    """Questions about busy times, for one server."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def answer(self, snapshot: Snapshot, account: str, data: bytes) -> Response:
        """Answer one that was posted to the outbox (RFC 6638 §5). Raises Refusal."""
        # In a thread: 64 KiB of short lines take 100 ms.
        part, people, stretch = await off_loop(lambda: _question(data), kind="dav")
        own = user_of(snapshot, account).addresses
        if address_of(part.first("ORGANIZER")) not in own:
            raise Refusal(403, CALDAV + "organizer-allowed", "the organizer must be one of your own addresses")
        answers = [await self._of(snapshot, account, part, line, stretch) for line in people]
        return Response(200, XML_HEADERS, document(CALDAV + "schedule-response", answers).encode())

    async def _of(self, snapshot: Snapshot, asker: str, part: Component, line: Property, stretch: Span) -> str:
        address = address_of(line)
        name = account_of(snapshot, address) if address else None
        status, data = SUCCESS, ""
        if name is None:
            status = INVALID if is_missing(snapshot, address) else ELSEWHERE
        else:
            busy = await known_busy(self._accounts, snapshot, asker, name, stretch)
            if busy is None:
                status = NO_RIGHT
            else:
                organizer = part.first("ORGANIZER")
                lines = [folded(prop.whole) for prop in (organizer, line) if prop is not None]
                uid = plain(part.value("UID"), 200) or "busy"
                data = busy_calendar(stretch, merged(busy, stretch), uid, lines)
        recipient = element(CALDAV + "recipient", href(line.value.strip()))
        shown = element(CALDAV + "calendar-data", text(data)) if data else ""
        return element(CALDAV + "response", recipient, element(CALDAV + "request-status", status), shown)


def _question(data: bytes) -> tuple[Component, list[Property], Span]:
    """The component of a question, its people, and its stretch. Raises Refusal."""
    try:
        calendar = read_components(data.decode(), "VCALENDAR")
    except (UnicodeDecodeError, BadComponents):
        raise Refusal(403, CALDAV + "valid-calendar-data", "the request body must be iCalendar data") from None
    parts = [component for component in calendar.components if component.name == "VFREEBUSY"]
    if calendar.value("METHOD").upper() != "REQUEST" or len(parts) != 1:
        raise Refusal(403, CALDAV + "valid-scheduling-message", "the outbox only accepts free/busy requests")
    start, end = (moment_of(parts[0].first(name), {}) for name in ("DTSTART", "DTEND"))
    # both are UTC (RFC 6638 §5.1); two of one kind without a zone can be compared, one with and one without cannot
    comparable = start is not None and end is not None and (start.tzinfo is None) is (end.tzinfo is None)
    if start is None or end is None or not comparable or not 0 < (end - start).days + 1 <= MAX_DAYS:
        words = f"a request must have a start and an end, up to {MAX_DAYS} days apart"
        raise Refusal(403, CALDAV + "valid-scheduling-message", words)
    # Each once: an answer may have half a MiB of busy times.
    people = [*{address_of(line) or line.value: line for line in parts[0].all("ATTENDEE")}.values()]
    if len(people) > MAX_PEOPLE:
        raise Refusal(
            403, CALDAV + "max-attendees-per-instance", f"a free/busy request can have up to {MAX_PEOPLE} attendees"
        )
    return parts[0], people, (seconds_of(start), seconds_of(end))
