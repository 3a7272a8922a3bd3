"""Messages about events as mail (iMIP, RFC 6047): a text that says what has changed, the calendar as another form of
that, and as a file for programs that look for one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from moxlite.compose.draft import Draft, File
from moxlite.proto.cards.components import Component
from moxlite.proto.cards.contentline import Property, plain
from moxlite.proto.cards.itip import address_of
from moxlite.proto.cards.moments import duration_of, is_date, moment_of, value_of
from moxlite.proto.cards.received import read_message
from moxlite.proto.mime.types import MailAddress
from moxlite.store.groupware.scheduling import Owed

MAX_SHOWN: Final = 500
"""Characters of a title or place in the text."""

TITLES: Final = {"ACCEPTED": "Accepted", "DECLINED": "Declined", "TENTATIVE": "Tentative"}
VERBS: Final = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentatively accepted"}


def letter(owed: Owed, to: Sequence[str], name: str, message_id: str, now: int) -> tuple[Draft, list[File]]:
    """The mail of a message to these addresses, and its files. `name`: the sender's; `now`: µs UTC.

    Raises BadComponents, BadObject.
    """
    _, entry = read_message(owed.text)
    part = entry.main
    subject, first = _words(owed, part, name or owed.sender)
    lines = [first, "", plain(part.value("SUMMARY"), MAX_SHOWN)]
    earlier = read_message(owed.before)[1].main if owed.before else None
    for label, shown in (("When", when), ("Where", _place)):
        value, was = shown(part), "" if earlier is None else shown(earlier)
        if value or was:
            changed = f" (was: {was})" if was and was != value else ""
            lines.append(f"{label}: {value or 'open'}{changed}")
    if owed.method == "REQUEST":
        lines += ["", "Answer with your calendar, or with the buttons of your mail program."]
    octets = owed.text.encode()
    parameters = (("method", owed.method), ("charset", "utf-8"))
    files = [
        File("", "text/calendar", len(octets), lambda: [octets], parameters=parameters, place="alternative"),
        File("invite.ics", "application/ics", len(octets), lambda: [octets]),
    ]
    draft = Draft(
        author=_address(owed.sender, name),
        to=tuple(_address(one, "") for one in to),
        subject=f"{subject}: {plain(part.value('SUMMARY'), MAX_SHOWN)}",
        text="\n".join(lines) + "\n",
        message_id=message_id,
        date=now,
        headers=(("Auto-Submitted", "auto-generated"),),
    )
    return draft, files


def when(part: Component) -> str:
    """The time of an event in words, in the zone in which it was made; "" without one."""
    start = part.first("DTSTART")
    begin = None if start is None else value_of(start.value.strip())
    if start is None or begin is None:
        return ""
    end = part.first("DTEND") or part.first("DUE")
    until = None if end is None else value_of(end.value.strip())
    if end is None and (length := duration_of(part.value("DURATION"))) is not None:
        until = begin + length
    repeated = ", repeated" if part.first("RRULE") is not None else ""
    if is_date(start):
        return f"{begin:%A, %-d %B %Y}{repeated}"
    text = f"{begin:%A, %-d %B %Y, %H:%M}"
    if until is not None:
        text += f"–{until:%H:%M}" if until.date() == begin.date() else f" – {until:%A, %-d %B %Y, %H:%M}"
    return text + _zone(start) + repeated


def _zone(start: Property) -> str:
    moment = moment_of(start, {})
    if moment is not None and start.value.strip().endswith("Z"):
        return " (UTC)"
    name = plain(start.parameter("TZID"), 100)
    return f" ({name})" if name else ""


def _place(part: Component) -> str:
    return plain(part.value("LOCATION"), MAX_SHOWN)


def _words(owed: Owed, part: Component, name: str) -> tuple[str, str]:
    """Subject and first line."""
    if owed.method == "CANCEL":
        return "Cancelled", f"{name} has called off this event."
    if owed.method == "REPLY":
        line = next((one for one in part.all("ATTENDEE") if address_of(one) == owed.sender), None)
        status = "" if line is None else line.parameter("PARTSTAT").upper()
        return TITLES.get(status, "Answer"), f"{name} has {VERBS.get(status, 'answered')} this invitation."
    if owed.before:
        return "Updated", f"{name} has changed this event."
    return "Invitation", f"{name} invites you to this event."


def _address(address: str, name: str) -> MailAddress:
    localpart, _, domain = address.rpartition("@")
    return MailAddress(name=name, localpart=localpart, domain=domain)
