"""The changes that `invitations` makes to series of events: by a program that writes whole entries (CalDAV), and by the
webmail.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from moxlite.proto.cards.calendarobject import object_of
from moxlite.proto.cards.components import Component, read_components, write_component
from moxlite.proto.cards.contentline import Property, property_of
from moxlite.proto.cards.itip import address_of, organizer_of, sequence_of, with_parameters, with_property
from moxlite.proto.cards.moments import iana_zone, is_date
from moxlite.proto.cards.zonefile import zone_component
from tests.campaigns._guests import Person, key_of, parts_of

__all__ = ["Changes", "NotNow"]

ZONES: Final = ("Europe/Berlin", "Europe/Berlin", "America/New_York", "UTC", "")
"""Zones of new events; "" for whole days."""

RULES: Final = ("FREQ=DAILY", "FREQ=WEEKLY", "FREQ=WEEKLY;INTERVAL=2", "FREQ=WEEKLY;BYDAY=MO,TH", "FREQ=MONTHLY")
TITLES: Final = ("Plan", "Chor; Probe", "Standup, kurz", "Ünïcode \\n Runde", "Budget")
PLACES: Final = ("Room 1", "Room 2\\, 3rd floor", "Kiruna", "https://meet.example/x")
SEVERAL: Final = 12
"""Dates that a change of several takes, at most: more than are told alone."""

OF_SERIES: Final = ("RRULE", "RDATE", "EXDATE", "DTSTART", "DTEND")


class NotNow(Exception):
    """A change that the events as they are don't allow."""


@dataclass
class Entry:
    """An entry of an organizer as a program edits it."""

    name: str
    calendar: Component

    @property
    def parts(self) -> list[Component]:
        return [part for part in self.calendar.components if part.name == "VEVENT"]

    @property
    def main(self) -> Component:
        """The series. Raises NotNow: the entry has only exceptions."""
        for part in self.parts:
            if part.first("RECURRENCE-ID") is None:
                return part
        raise NotNow

    def exceptions(self) -> dict[int, Component]:
        """Exceptions by their date, seconds UTC."""
        return {key_of(part, "RECURRENCE-ID")[1]: part for part in self.parts if part.first("RECURRENCE-ID")}

    def at(self, name: str, seconds: int) -> Property:
        """A line with a moment, in the form of the series' start."""
        first = self.main.first("DTSTART")
        assert first is not None
        zone = first.parameter("TZID")
        if is_date(first):
            return _line(f"{name};VALUE=DATE:{datetime.fromtimestamp(seconds, UTC):%Y%m%d}")
        if not zone:
            return _line(f"{name}:{datetime.fromtimestamp(seconds, UTC):%Y%m%dT%H%M%SZ}")
        return _line(f"{name};TZID={zone}:{datetime.fromtimestamp(seconds, iana_zone(zone)):%Y%m%dT%H%M%S}")

    def exception(self, seconds: int) -> Component:
        """The exception of a date, which is made of the series where it is missing."""
        there = self.exceptions().get(seconds)
        if there is not None:
            return there
        main = self.main
        length = key_of(main, "DTEND")[1] - key_of(main, "DTSTART")[1]
        lines = [line for line in main.properties if line.name not in OF_SERIES]
        lines += [self.at("RECURRENCE-ID", seconds), self.at("DTSTART", seconds), self.at("DTEND", seconds + length)]
        made = Component("VEVENT", lines, [])
        self.calendar.components.append(made)
        return made

    def without(self, seconds: int) -> None:
        """Take the exception of a date out, if there is one."""
        gone = self.exceptions().get(seconds)
        self.calendar.components = [part for part in self.calendar.components if part is not gone]

    def numbered(self) -> None:
        """Raise the numbers, as some programs do with each change."""
        for part in self.parts:
            part.properties = with_property(part, "SEQUENCE", str(sequence_of(part) + 1)).properties


Edit = Callable[[Entry], None]


@dataclass
class Changes:
    """Random changes. `people`: all users; `organizers`: some of them."""

    rng: random.Random
    people: list[Person]
    organizers: list[Person]
    number: int = 0
    removed: list[tuple[Person, str, str]] = field(default_factory=list)
    """Entries that a program has removed: organizer, name, text."""

    earlier: dict[str, list[str]] = field(default_factory=dict)
    """Former texts of entries, by name."""

    put_back: set[str] = field(default_factory=set)
    """UIDs of entries that were replaced by former ones, with the answers of their time."""

    taken_back: list[tuple[Person, Any]] = field(default_factory=list)
    """What the webmail has removed last, which is brought back by the next change."""

    def kinds(self) -> dict[Callable[[], str], int]:
        """All changes, and how often each is made beside the others. Each returns what it has done. Raise NotNow."""
        return {
            self.create: 10,
            self.change_rule: 6,
            self.move_one: 12,
            self.move_all: 5,
            self.call_one_off: 10,
            self.call_several_off: 5,
            self.leave_out_nothing: 2,
            self.bring_one_back: 6,
            self.add_guest: 8,
            self.add_guest_once: 6,
            self.remove_guest: 6,
            self.remove_guest_once: 6,
            self.rename_one: 6,
            self.change_all: 6,
            self.change_several: 6,
            self.add_date: 6,
            self.remove_date: 3,
            self.move_from_one_on: 5,
            self.undo: 8,
            self.remove: 4,
            self.restore: 4,
            self.answer: 8,
            self.answer_one: 8,
            self.decline_one: 5,
            self.webmail_change: 25,
            self.webmail_remove: 12,
        }

    def one(self) -> str:
        """Make one change; what it was."""
        if self.taken_back:
            return f"webmail_undo: {self.webmail_undo()}"
        kinds = self.kinds()
        while True:
            [kind] = self.rng.choices([*kinds], [*kinds.values()])
            try:
                return f"{kind.__name__}: {kind()}"
            except NotNow:
                continue

    # A program of the organizer.

    def _entries(self, person: Person) -> list[Entry]:
        """The entries that a person organizes and has now."""
        found = []
        for name, _ in sorted(person.entries()):
            text = person.entry(name)
            line = organizer_of(object_of(read_components(text, "VCALENDAR")))
            if line is not None and address_of(line) == person.address:
                found.append(Entry(name, read_components(text, "VCALENDAR")))
        return found

    def _any(self) -> tuple[Person, Entry]:
        organizer = self.rng.choice(self.organizers)
        entries = self._entries(organizer)
        if not entries:
            raise NotNow
        return organizer, self.rng.choice(entries)

    def _dates(self, person: Person, entry: Entry) -> list[int]:
        """The dates that an entry has now, by its rule."""
        uid = entry.parts[0].value("UID")
        return sorted(seconds for (of, seconds) in person.calendar() if of == uid and seconds)

    def _date(self, person: Person, entry: Entry) -> int:
        return self._pick(self._dates(person, entry))

    def _pick(self, dates: list[int]) -> int:
        if not dates:
            raise NotNow
        return self.rng.choice(dates)

    def _edit(self, change: Callable[[Person, Entry], str]) -> str:
        """Change one entry as a program does, which may raise its numbers itself."""
        organizer, entry = self._any()
        before = write_component(entry.calendar)
        done = change(organizer, entry)
        if self.rng.random() < 0.3:
            entry.numbered()
            done += ", numbers raised"
        after = write_component(entry.calendar)
        if after == before:
            raise NotNow
        self.earlier.setdefault(entry.name, []).append(before)
        organizer.put(entry.name, after)
        return f"{organizer.name} {entry.parts[0].value('UID')}: {done}"

    def create(self) -> str:
        """A series with guests; each fifth is one event."""
        organizer = self.rng.choice(self.organizers)
        if len(self._entries(organizer)) > 4:
            raise NotNow
        self.number += 1
        zone, uid = self.rng.choice(ZONES), f"s{self.number}"
        first = datetime(2027, 3, self.rng.randrange(8, 28), self.rng.randrange(6, 20), 30, tzinfo=UTC)
        guests = self.rng.sample([one for one in self.people if one is not organizer], self.rng.randrange(1, 4))
        lines = [f"UID:{uid}", "DTSTAMP:20261201T000000Z", f"SUMMARY:{self.rng.choice(TITLES)} {uid}"]
        if zone:
            kind = "" if zone == "UTC" else f";TZID={zone}"
            mark = "Z" if zone == "UTC" else ""
            lines += [f"DTSTART{kind}:{first:%Y%m%dT%H%M%S}{mark}"]
            lines += [f"DTEND{kind}:{first + timedelta(hours=1):%Y%m%dT%H%M%S}{mark}"]
        else:
            lines += [f"DTSTART;VALUE=DATE:{first:%Y%m%d}", f"DTEND;VALUE=DATE:{first + timedelta(days=1):%Y%m%d}"]
        if self.rng.random() < 0.9:
            lines.append(f"RRULE:{self.rng.choice(RULES)};COUNT={self.rng.randrange(3, 20)}")
        lines += [f"ORGANIZER;CN={organizer.name}:mailto:{organizer.address}"]
        lines += [f"ATTENDEE;PARTSTAT=ACCEPTED:mailto:{organizer.address}"]
        calendar = Component("VCALENDAR", [_line("VERSION:2.0"), _line("PRODID:-//t//EN")], [])
        zones = [zone_component(zone, 2027)] if "/" in zone else []
        part = Component("VEVENT", [*map(_line, lines), *(_asked(guest) for guest in guests)], [])
        calendar.components = [*(one for one in zones if one is not None), part]
        organizer.put(f"{uid}.ics", write_component(calendar))
        return f"{organizer.name} {uid} with {', '.join(guest.name for guest in guests)}: {lines[3:6]}"

    def change_rule(self) -> str:
        """Another number of dates, or another rule."""

        def change(_: Person, entry: Entry) -> str:
            rule = entry.main.value("RRULE")
            if not rule:
                raise NotNow
            kept = rule.partition(";COUNT")[0].partition(";UNTIL")[0]
            kept = self.rng.choice(RULES) if self.rng.random() < 0.3 else kept
            _put(entry.main, f"RRULE:{kept};COUNT={self.rng.randrange(3, 20)}")
            if not rule.startswith(kept):  # programs forget what the former rule left out
                entry.calendar.components = [
                    part for part in entry.calendar.components if part.first("RECURRENCE-ID") is None
                ]
                entry.main.properties = [line for line in entry.main.properties if line.name not in ("EXDATE", "RDATE")]
            return f"{rule} to {entry.main.value('RRULE')}"

        return self._edit(change)

    def move_one(self) -> str:
        """One date to another hour or day."""

        def change(person: Person, entry: Entry) -> str:
            seconds = self._date(person, entry)
            _move(entry, entry.exception(seconds), self._distance(entry))
            return f"{_text(seconds)} moved"

        return self._edit(change)

    def _distance(self, entry: Entry) -> int:
        first = entry.main.first("DTSTART")
        days = self.rng.choice([-86400, 86400])
        return days if first is not None and is_date(first) else self.rng.choice([-7200, 3600, 10800, days])

    def move_all(self) -> str:
        """The series to another hour, with its exceptions, as programs do."""

        def change(_: Person, entry: Entry) -> str:
            distance = self._distance(entry)
            _move(entry, entry.main, distance)
            for part in [part for part in entry.parts if part.first("RECURRENCE-ID")]:
                entry.calendar.components.remove(part)
            entry.main.properties = [line for line in entry.main.properties if line.name not in ("EXDATE", "RDATE")]
            return f"all by {distance} s"

        return self._edit(change)

    def call_one_off(self) -> str:
        """One date: by EXDATE, or by an exception that is canceled."""

        def change(person: Person, entry: Entry) -> str:
            seconds = self._date(person, entry)
            if self.rng.random() < 0.3:
                _put(entry.exception(seconds), "STATUS:CANCELLED")
                return f"{_text(seconds)} canceled"
            self._leave_out(entry, [seconds])
            return f"{_text(seconds)} left out"

        return self._edit(change)

    def _leave_out(self, entry: Entry, dates: Iterable[int]) -> None:
        for seconds in dates:
            entry.without(seconds)
            entry.main.properties.append(entry.at("EXDATE", seconds))

    def call_several_off(self) -> str:
        """Some dates at once."""

        def change(person: Person, entry: Entry) -> str:
            dates = self._dates(person, entry)
            chosen = self.rng.sample(dates, min(len(dates), self.rng.randrange(2, SEVERAL)))
            self._leave_out(entry, chosen)
            return f"{len(chosen)} dates left out: {', '.join(map(_text, sorted(chosen)))}"

        return self._edit(change)

    def leave_out_nothing(self) -> str:
        """A date that the rule doesn't have."""

        def change(person: Person, entry: Entry) -> str:
            seconds = self._date(person, entry) + 86400 * 3
            if seconds in self._dates(person, entry) or not entry.main.value("RRULE"):
                raise NotNow
            entry.main.properties.append(entry.at("EXDATE", seconds))
            return f"{_text(seconds)}, which isn't there, left out"

        return self._edit(change)

    def bring_one_back(self) -> str:
        """A date that was left out, or moved, to its place by the rule."""

        def change(_: Person, entry: Entry) -> str:
            lines = entry.main.all("EXDATE")
            if lines and self.rng.random() < 0.6:
                gone = self.rng.choice(lines)
                entry.main.properties = [line for line in entry.main.properties if line is not gone]
                return f"{gone.value} back"
            exceptions = entry.exceptions()
            if not exceptions:
                raise NotNow
            seconds = self.rng.choice([*exceptions])
            entry.without(seconds)
            return f"{_text(seconds)} as the rule has it"

        return self._edit(change)

    def add_guest(self) -> str:
        """To the series and its exceptions."""

        def change(person: Person, entry: Entry) -> str:
            new = self._other(person, entry.main, invited=False)
            for part in entry.parts:
                _with_guest(part, new)
            return f"{new.name} added"

        return self._edit(change)

    def add_guest_once(self) -> str:
        """To one date."""

        def change(person: Person, entry: Entry) -> str:
            seconds = self._date(person, entry)
            part = entry.exception(seconds)
            new = self._other(person, part, invited=False)
            _with_guest(part, new)
            return f"{new.name} added to {_text(seconds)}"

        return self._edit(change)

    def remove_guest(self) -> str:
        """From the series; at times an exception keeps the guest."""

        def change(person: Person, entry: Entry) -> str:
            gone = self._other(person, entry.main, invited=True)
            kept = self.rng.random() < 0.3
            for part in [entry.main] if kept else entry.parts:
                _without_guest(part, gone)
            return f"{gone.name} removed{' from the series alone' if kept else ''}"

        return self._edit(change)

    def remove_guest_once(self) -> str:
        """From one date."""

        def change(person: Person, entry: Entry) -> str:
            seconds = self._date(person, entry)
            part = entry.exception(seconds)
            gone = self._other(person, part, invited=True)
            _without_guest(part, gone)
            return f"{gone.name} removed from {_text(seconds)}"

        return self._edit(change)

    def _other(self, organizer: Person, part: Component, *, invited: bool) -> Person:
        asked = {address_of(line) for line in part.all("ATTENDEE")}
        others = [one for one in self.people if one is not organizer and (one.address in asked) == invited]
        if not others:
            raise NotNow
        return self.rng.choice(others)

    def rename_one(self) -> str:
        """Another title or place for one date."""

        def change(person: Person, entry: Entry) -> str:
            seconds = self._date(person, entry)
            line = self._words(entry.parts[0].value("UID"))
            _put(entry.exception(seconds), line)
            return f"{_text(seconds)}: {line}"

        return self._edit(change)

    def _words(self, uid: str) -> str:
        if self.rng.random() < 0.5:
            return f"LOCATION:{self.rng.choice(PLACES)}"
        return f"SUMMARY:{self.rng.choice(TITLES)} {uid}"

    def change_all(self) -> str:
        """Another title or place for the series and its exceptions."""

        def change(_: Person, entry: Entry) -> str:
            line = self._words(entry.parts[0].value("UID"))
            for part in entry.parts:
                _put(part, line)
            return line

        return self._edit(change)

    def change_several(self) -> str:
        """Some dates moved, called off and renamed at once."""

        def change(person: Person, entry: Entry) -> str:
            dates = self._dates(person, entry)
            chosen = self.rng.sample(dates, min(len(dates), self.rng.randrange(2, SEVERAL)))
            for at, seconds in enumerate(chosen):
                if at % 3 == 0:
                    self._leave_out(entry, [seconds])
                elif at % 3 == 1:
                    _put(entry.exception(seconds), self._words(entry.parts[0].value("UID")))
                else:
                    _move(entry, entry.exception(seconds), self._distance(entry))
            return f"{', '.join(map(_text, chosen))} changed"

        return self._edit(change)

    def add_date(self) -> str:
        """One more date, by RDATE."""

        def change(person: Person, entry: Entry) -> str:
            seconds = self._date(person, entry) + 86400 * self.rng.randrange(1, 4)
            if seconds in self._dates(person, entry):
                raise NotNow
            entry.main.properties.append(entry.at("RDATE", seconds))
            return f"{_text(seconds)} added"

        return self._edit(change)

    def remove_date(self) -> str:
        """A date of RDATE that isn't called off: the end of one that is would be told once more."""

        def change(person: Person, entry: Entry) -> str:
            dates = self._dates(person, entry)
            lines = [line for line in entry.main.all("RDATE") if _date_of(line) in dates]
            if not lines:
                raise NotNow
            gone = self.rng.choice(lines)
            entry.main.properties = [line for line in entry.main.properties if line is not gone]
            entry.without(_date_of(gone))
            return f"{gone.value} taken out"

        return self._edit(change)

    def move_from_one_on(self) -> str:
        """This and all later ones, by RANGE (RFC 5545 §3.2.13)."""

        def change(person: Person, entry: Entry) -> str:
            seconds = self._date(person, entry)
            part = entry.exception(seconds)
            if part.first("RECURRENCE-ID").parameter("RANGE"):  # type: ignore[union-attr]  # an exception has one
                raise NotNow
            _move(entry, part, self._distance(entry))
            line = part.first("RECURRENCE-ID")
            assert line is not None
            ranged = with_parameters(line, {"RANGE": "THISANDFUTURE"})
            part.properties = [ranged if prop is line else prop for prop in part.properties]
            return f"{_text(seconds)} and later ones moved"

        return self._edit(change)

    def undo(self) -> str:
        """The text from before the last change, or one further back, as a program's Undo writes it."""
        organizer, entry = self._any()
        texts = self.earlier.get(entry.name)
        if not texts:
            raise NotNow
        now, text = write_component(entry.calendar), texts.pop()
        if text == now:
            raise NotNow
        self._note_back(text)
        organizer.put(entry.name, text)
        return f"{organizer.name} {entry.name} as it was"

    def remove(self) -> str:
        """The entry."""
        organizer, entry = self._any()
        organizer.remove(entry.name)
        self.removed.append((organizer, entry.name, write_component(entry.calendar)))
        return f"{organizer.name} {entry.name}"

    def restore(self) -> str:
        """An entry that was removed, as it was."""
        if not self.removed:
            raise NotNow
        organizer, name, text = self.removed.pop()
        self._note_back(text)
        organizer.put(name, text)
        return f"{organizer.name} {name}"

    # A program of a guest.

    def _invited(self) -> tuple[Person, str, Entry]:
        guest = self.rng.choice(self.people)
        found = []
        for name, _ in sorted(guest.entries()):
            entry = Entry(name, read_components(guest.entry(name), "VCALENDAR"))
            line = organizer_of(object_of(entry.calendar))
            off = all(part.value("STATUS").upper() == "CANCELLED" for part in entry.parts)
            if line is not None and address_of(line) != guest.address and not off:
                found.append(entry)
        if not found:
            raise NotNow
        entry = self.rng.choice(found)
        return guest, entry.name, entry

    def answer(self) -> str:
        """To a whole event."""
        guest, name, entry = self._invited()
        status = self.rng.choice(["ACCEPTED", "DECLINED", "TENTATIVE"])
        for part in entry.parts:
            _answer(part, guest, status)
        guest.put(name, write_component(entry.calendar))
        return f"{guest.name} {entry.parts[0].value('UID')}: {status}"

    def answer_one(self) -> str:
        """To one date of a series, but none whose time RANGE decides: a program must know it to answer."""
        guest, name, entry = self._invited()
        if any(line.parameter("RANGE") for part in entry.parts for line in part.all("RECURRENCE-ID")):
            raise NotNow
        seconds = self._date(guest, entry)
        status = self.rng.choice(["ACCEPTED", "DECLINED", "TENTATIVE"])
        _answer(entry.exception(seconds), guest, status)
        guest.put(name, write_component(entry.calendar))
        return f"{guest.name} {entry.parts[0].value('UID')} {_text(seconds)}: {status}"

    def decline_one(self) -> str:
        """One date, by taking it out of the own calendar."""
        guest, name, entry = self._invited()
        seconds = self._date(guest, entry)
        self._leave_out(entry, [seconds])
        guest.put(name, write_component(entry.calendar))
        return f"{guest.name} {entry.parts[0].value('UID')} {_text(seconds)}: taken out"

    def _note_back(self, text: str) -> None:
        self.put_back |= {part.value("UID") for part in parts_of(text)} if text else set()

    # The webmail of the organizer.

    def _shown(self) -> tuple[Person, dict[str, Any], Any]:
        """An organizer, an event of the page, and the form for it."""
        organizer = self.rng.choice(self.organizers)
        browser = organizer.browser
        ids = [calendar["id"] for calendar in browser.call("calendars")]
        items = browser.call("events", since=1798761600, until=1893456000, calendar_ids=ids)["events"]
        self.rng.shuffle(items)
        for item in items[:5]:
            shown = browser.call("event", event_id=item["id"], recurrence=item["recurrence"])
            if shown["own"] and shown["guests"] and not item["cancelled"]:
                return organizer, item, shown
        raise NotNow

    def webmail_change(self) -> str:
        """One date, it and all later ones, or all: another hour, place, title or guest."""
        organizer, item, shown = self._shown()
        scope = self.rng.choice(["this", "this", "following", "all"]) if item["recurrence"] else "all"
        form = shown["form"]
        kind = self.rng.choice(["time", "place", "title", "guest", "without guest"])
        if kind == "time":
            step = timedelta(days=1) if form["all_day"] else timedelta(hours=self.rng.choice([1, 2, -1]))
            for name in ("start", "end"):
                moved = datetime.fromisoformat(form[name]) + step
                form[name] = moved.isoformat(timespec="minutes")[: len(form[name])]
        elif kind in ("place", "title"):
            form[kind] = f"{self.rng.choice(TITLES[:2])} {self.rng.randrange(100)}"
        else:
            there = [guest["address"] for guest in form["guests"]]
            new = [one.address for one in self.people if one is not organizer and one.address not in there]
            if kind == "guest":
                if not new:
                    raise NotNow
                form["guests"].append({"name": "", "address": self.rng.choice(new)})
            elif len(there) > 1:
                form["guests"].pop()
            else:
                raise NotNow
        organizer.browser.call(
            "event_save",
            calendar_id=item["calendar_id"],
            event=form,
            event_id=item["id"],
            changed=shown["changed"],
            recurrence=item["recurrence"],
            scope=scope,
        )
        return f"{organizer.name} {item['title']} {item['recurrence']}, {scope}: {kind}"

    def webmail_remove(self) -> str:
        """One date, it and all later ones, or all; at times with Undo as the next change."""
        organizer, item, shown = self._shown()
        scopes = ["this", "this", "this", "following", "all"] if item["recurrence"] else ["all"]
        scope = self.rng.choice(scopes)
        removed = organizer.browser.call(
            "event_remove",
            event_id=item["id"],
            changed=shown["changed"],
            recurrence=item["recurrence"],
            scope=scope,
        )
        if self.rng.random() < 0.4:
            self.taken_back.append((organizer, removed))
        return f"{organizer.name} {item['title']} {item['recurrence']}, {scope}"

    def webmail_undo(self) -> str:
        """What was removed last."""
        organizer, removed = self.taken_back.pop()
        for step in removed["undo"]:
            self._note_back(step["data"])
        organizer.browser.call("event_undo", steps=removed["undo"])
        return organizer.name


def _line(text: str) -> Property:
    made = property_of(text)
    assert made is not None, text
    return made


def _asked(guest: Person) -> Property:
    return _line(f"ATTENDEE;CN={guest.name};PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{guest.address}")


def _put(part: Component, text: str) -> None:
    """Have a component one line of a name."""
    made = _line(text)
    part.properties = [*(line for line in part.properties if line.name != made.name), made]


def _move(entry: Entry, part: Component, seconds: int) -> None:
    """Move a component by a distance."""
    for name in ("DTSTART", "DTEND"):
        moved = entry.at(name, key_of(part, name)[1] + seconds)
        part.properties = [moved if line.name == name else line for line in part.properties]


def _with_guest(part: Component, guest: Person) -> None:
    _without_guest(part, guest)
    part.properties.append(_asked(guest))


def _without_guest(part: Component, guest: Person) -> None:
    part.properties = [line for line in part.properties if line.name != "ATTENDEE" or address_of(line) != guest.address]


def _answer(part: Component, guest: Person, status: str) -> None:
    part.properties = [
        with_parameters(line, {"PARTSTAT": status})
        if line.name == "ATTENDEE" and address_of(line) == guest.address
        else line
        for line in part.properties
    ]


def _date_of(line: Property) -> int:
    return key_of(Component("", [line], []), line.name)[1]


def _text(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%m-%d}"
