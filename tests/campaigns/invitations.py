"""Random changes of events between two servers: each guest's calendar is what the organizer's shows for that guest, and
each guest is told of what has changed, once (DAV-23 to 26, 29).

Two people of each server, of whom one organizes; the other server's people are guests by mail, their colleague by the
outbox alone. After each change:
- each guest's calendar has the dates of the organizer's to which the guest is invited, with their times, titles, places
  and guests, and both have the same answer; only a date that the guest has declined may be missing there, and an entry
  that the organizer has put back has the answers of its time;
- a guest for whom nothing has changed got no mail; another one got one mail about the event, or mails that name each
  date that has changed once, and none besides, and say when it is.
"""

import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from moxlite.proto.cards.moments import iana_zone
from tests.campaigns._guests import Invitation, Key, Person, Showing
from tests.campaigns._meetingchanges import Changes
from tests.campaigns.report import Finding, Report
from tests.running import ServedServer
from tests.tools import free_port

__all__ = ["run"]

CHANGES = 200
FEWEST = 4
"""Changes, however small the share."""

SECONDS = 30.0
"""In which a change must have reached all guests."""

QUIET = 0.4
"""Seconds in which a second mail would have come."""

MOST_ALONE = 10
"""Dates of a series that are told alone."""

STATIC = (
    "dav_https = {{ enabled = true, port = {dav} }}\nwebmail_http = {{ enabled = true, port = {web} }}\n"
    '[queue]\nretry_delays = ["1s"]\nmax_attempts = 1000\ndelay_dsn_attempt = 1000\n'
)
DOMAINS = """
[domains."{domain}"]
[accounts.{first}]
domain = "{domain}"
invitations = "all"
max_outgoing_messages_per_day = 1000000
max_first_time_recipients_per_day = 1000000
[accounts.{first}.destinations."{first}@{domain}"]
[accounts.{second}]
domain = "{domain}"
invitations = "all"
[accounts.{second}.destinations."{second}@{domain}"]
"""

View = Mapping[Key, Showing]


@dataclass
class Seen:
    """What a guest saw and was told of so far."""

    view: dict[Key, Showing] = field(default_factory=dict)
    mails: list[Invitation] = field(default_factory=list)


@dataclass(frozen=True)
class Problem:
    """What is wrong with an event, for a person."""

    uid: str
    text: str


class World:
    """The people, and what they have seen."""

    def __init__(self, people: Sequence[Person], put_back: set[str]) -> None:
        self.people = people
        self.seen = {person.name: Seen() for person in people}
        self.mails = 0
        self.given_up: set[str] = set()
        """UIDs of events with a finding, which are looked at no more."""
        self.put_back = put_back
        """UIDs of events that have the answers of an earlier time."""

    def views(self) -> dict[str, dict[Key, Showing]]:
        """What the organizers' calendars show for each guest."""
        found: dict[str, dict[Key, Showing]] = {person.name: {} for person in self.people}
        for organizer in self.people:
            for key, showing in organizer.calendar().items():
                if showing.organizer != organizer.address or key[0] in self.given_up:
                    continue
                for person in self.people:
                    if person.address in showing.people:
                        found[person.name][key] = showing
        return found

    def settle(self) -> Problem | None:
        """Wait until all guests have what they should; what is wrong, None for nothing."""
        end = time.monotonic() + SECONDS
        while problem := self._problem():
            if time.monotonic() > end:
                return problem
            time.sleep(0.1)
        time.sleep(QUIET)
        if problem := self._problem():
            return problem
        views = self.views()
        for person in self.people:
            self.mails += len(self.seen[person.name].mails)
            self.seen[person.name] = Seen(views[person.name])
        return None

    def _problem(self) -> Problem | None:
        views = self.views()
        for person in self.people:
            seen = self.seen[person.name]
            seen.mails += [mail for mail in person.mail() if mail.uid not in self.given_up]
            shown = {
                key: showing
                for key, showing in person.calendar().items()
                if showing.organizer != person.address and key[0] not in self.given_up
            }
            problem = _difference(person, views[person.name], shown, self.put_back) or _untold(seen, views[person.name])
            if problem:
                return Problem(problem.uid, f"{person.name}: {problem.text}")
        return None

    def texts(self, uid: str) -> Iterator[str]:
        """An event in the calendars of all people."""
        for person in self.people:
            for name, _ in [*person.entries()]:
                text = person.entry(name)
                if f"UID:{uid}\r\n" in text:
                    yield f"{person.name}:\n{text}"

    def give_up(self, uid: str) -> None:
        """Look at this event no more, and take it away; what all others show is right."""
        self.given_up.add(uid)
        for person in self.people:
            for name, text in [*person.entries()]:
                if f"UID:{uid}\r\n" in text or f"UID:{uid}\n" in text:
                    person.remove(name)
        time.sleep(2 * QUIET)
        views = self.views()
        for person in self.people:
            person.mail()
            self.seen[person.name] = Seen(views[person.name])


def _difference(person: Person, expected: View, shown: View, put_back: set[str]) -> Problem | None:
    """What is wrong with a guest's calendar, None for nothing. `put_back`: as of `World`."""
    for key in {**expected, **shown}:
        wanted, there = expected.get(key), shown.get(key)
        if wanted is None:
            return Problem(key[0], f"has {_at(key)}, to which the guest isn't invited: {there}")
        if there is None:
            if wanted.answer(person.address) != "DECLINED" and key[0] not in put_back:
                return Problem(key[0], f"lacks {_at(key)}: {wanted}")
        elif there.told != wanted.told:
            return Problem(key[0], f"has {_at(key)} as {there}, not {wanted}")
        elif there.answer(person.address) != wanted.answer(person.address) and key[0] not in put_back:
            mine, known = there.answer(person.address), wanted.answer(person.address)
            return Problem(key[0], f"{_at(key)}: has answered {mine}, and the organizer knows {known}")
    return None


def _untold(seen: Seen, now: View) -> Problem | None:
    """What is wrong with what a guest was told of the last change, None for nothing."""
    changed = {key for key in {**seen.view, **now} if _told(seen.view.get(key)) != _told(now.get(key))}
    for uid in {key[0] for key in changed} | {mail.uid for mail in seen.mails}:
        keys = {key for key in changed if key[0] == uid}
        mails = [mail for mail in seen.mails if mail.uid == uid]
        subjects = [f"{mail.subject} ({mail.method})" for mail in mails]
        if not keys and mails:
            return Problem(uid, f"nothing has changed in {uid}, and mail came: {subjects}")
        if keys and not mails:
            return Problem(uid, f"was not told of {', '.join(map(_at, keys))}")
        whole = [mail for mail in mails if mail.dates is None]
        if whole and len(mails) > 1 and not _ends_and_begins(mails):
            return Problem(uid, f"was told more than once of {uid}: {subjects}")
        for mail in whole:
            if mail.method == "CANCEL" and any(key[0] == uid for key in now) and len(mails) == 1:
                return Problem(uid, f"was told the end of {uid}, which goes on: {subjects}")
        if whole:
            continue
        named = Counter(key for mail in mails for key in mail.dates or ())
        if set(named) != keys or max(named.values(), default=0) > 1:
            return Problem(uid, f"was told of {[*map(_at, named)]}, and {[*map(_at, keys)]} changed: {subjects}")
        for mail in mails:
            for key in mail.dates or ():
                if (mail.method == "CANCEL") != (key not in now):
                    return Problem(uid, f"{_at(key)}: {mail.method}")
                text = _when(now.get(key) or seen.view[key], mail)
                if text not in mail.text:
                    return Problem(uid, f"the mail about {_at(key)} doesn't say {text}: {mail.text}")
    return None


def _ends_and_begins(mails: Sequence[Invitation]) -> bool:
    """Whether mails say that the series ended for the guest, and dates of it go on."""
    whole = [mail for mail in mails if mail.dates is None]
    return len(whole) == 1 and whole[0].method == "CANCEL" and len(mails) == 2


def _told(showing: Showing | None) -> object:
    return None if showing is None else showing.told


def _when(showing: Showing, mail: Invitation) -> str:
    """The start of a date in the words of a mail."""
    line = mail.parts[0].first("DTSTART")
    assert line is not None
    at = datetime.fromtimestamp(showing.starts, iana_zone(line.parameter("TZID") or "UTC"))
    hour = "" if "T" not in line.value else f", {at:%H:%M}"
    return f"{at:%A, %B} {at.day}, {at.year}{hour}"


def _at(key: Key) -> str:
    return f"{key[0]} {datetime.fromtimestamp(key[1], iana_zone('UTC')):%Y-%m-%d %H:%M}" if key[1] else key[0]


@contextmanager
def two_servers(folder: Path) -> Iterator[list[Person]]:
    """Two servers that send each other their mail, with two people each."""
    people: list[Person] = []
    servers: list[ServedServer] = []
    for name, domain, users in (("north", "d1.example", ("anna", "carl")), ("south", "d0.example", ("dora", "emil"))):
        dav, web = free_port(), free_port()
        static = STATIC.format(dav=dav, web=web)
        domains = DOMAINS.format(domain=domain, first=users[0], second=users[1])
        server = ServedServer(folder / name, static=static, domains=domains, module="tests.sendserver")
        servers.append(server)
        people += [Person(server, user, f"{user}@{domain}", dav, web) for user in users]
    for server, other in zip(servers, reversed(servers), strict=True):
        server.environment = {"SINK": str(other.ports["smtp"])}
    with ExitStack() as stack:
        for server in servers:
            stack.enter_context(server)
        for person in people:
            person.server.cli("account", "set-password", person.name, stdin=person.server.password + "\n")
        try:
            yield people
        finally:
            for person in people:
                person.close()


def run(seed: int, share: float, report: Report) -> None:
    """CHANGES × share."""
    rng = random.Random(seed)
    count = max(FEWEST, round(CHANGES * share))
    findings: list[str] = []
    kinds: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="moxlite-invitations-") as folder, two_servers(Path(folder)) as people:
        changes = Changes(rng, list(people), [people[0], people[2]])
        world = World(people, changes.put_back)
        for number in range(count):
            done = changes.one()
            kinds[done.partition(":")[0]] += 1
            if (problem := world.settle()) is not None:
                findings.append(f"change {number}, {done}: {problem.text}")
                print(findings[-1], *world.texts(problem.uid), sep="\n", flush=True)
                world.give_up(problem.uid)
        told = world.mails
    report.tell(
        f"{count} changes of {changes.number} series by CalDAV and the webmail between two servers: {told} mails"
    )
    report.tell(", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items())))
    if findings:
        raise Finding("\n".join(findings))
