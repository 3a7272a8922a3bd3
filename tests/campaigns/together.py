"""One person, all programs at once: mail by IMAP, QRESYNC and JMAP, phones with calendar and contacts, the webmail, a
delegate, scripts, a guest who answers by mail, and deliveries, with cuts.

In each round all write into one account for some seconds. Connections break before an answer, and the server is killed
or stopped, and started again. Then all rest, and are compared with what a new program reads:
- each change that was acknowledged is there, and no message is lost, or there twice;
- each program has by its own means what the server has: QRESYNC, JMAP /changes (also where a program took newState for
  its own), sync-collection;
- each count is that of a listing, no UID is given twice, UIDNEXT and HIGHESTMODSEQ never go back;
- no crash is counted, and at the end `store check --deep` finds nothing.

Before that, for each type of JMAP, six programs set one object with the same ifInState at once: one of them wins. And
a program sets many with ifInState, while a phone writes each second: both get on.
"""

import contextlib
import random
import re
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

from tests.campaigns._together import (
    PARTY,
    SUBJECT,
    TWIN,
    Gone,
    Ledger,
    Mailer,
    Program,
    Refused,
    Shell,
    flags_in,
    marks_of,
)
from tests.campaigns._togethercalls import (
    CALENDAR,
    CARDS,
    DELEGATE,
    DRAFT,
    GUEST,
    PARTS,
    TYPES,
    Answering,
    Entries,
    Jmap,
    Lagging,
    Page,
    Phone,
    Scripts,
    new_entry,
)
from tests.campaigns.report import Finding, Report
from tests.campaigns.stress import panics
from tests.running import LocalServer
from tests.session.test_web_jmap_counts import COUNTS, explained
from tests.tools import free_port, until

__all__ = ["run"]

ROUNDS: Final = 100
SECONDS: Final = 8.0
FEWEST: Final = 1, 1.5
"""Rounds and seconds of a round, however small the share."""

STEPS: Final = 8
"""Steps of each JMAP program in a round, however slow the machine is."""

PATIENCE: Final = 60.0
"""Seconds in which these are made."""

AWAY: Final = 0.5
"""Seconds until a program connects again after its connection has ended: without them the server can hardly start."""

KEPT: Final = 120
"""Messages that stay for the next round."""

ANSWERED: Final = 60.0
"""Seconds within which a guest's answer has come by mail."""

GUESTS: Final = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VEVENT\r\nUID:party\r\nDTSTAMP:20260101T000000Z\r\n"
    "DTSTART:20991124T100000Z\r\nDURATION:PT1H\r\nSUMMARY:party\r\nDESCRIPTION:party\r\n"
    "ORGANIZER:mailto:{owner}\r\nATTENDEE;RSVP=TRUE:mailto:{guest}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


class World:
    """A server, its programs, and what was seen of the account so far."""

    def __init__(self, server: LocalServer, seed: int, port: int) -> None:
        self.server, self.ledger = server, Ledger()
        self.chance = random.Random(seed)
        self.cuts: Counter[str] = Counter()
        self.uids: dict[tuple[str, int, int], str] = {}
        self.highest: dict[tuple[str, int], tuple[int, int]] = {}

        def seeds() -> int:
            return self.chance.getrandbits(32)

        self.judge = Shell(server, self.ledger, "zz", seeds())
        self.reader = Jmap(server, self.ledger, "zy", seeds())
        self.resync = Shell(server, self.ledger, "qr", seeds(), resync=True)
        self.writers = [Jmap(server, self.ledger, name, seeds()) for name in ("ja", "jb")]
        self.jmap = [*self.writers, Lagging(server, self.ledger, "jl", seeds())]
        self.calendars = [Phone(server, self.ledger, name, seeds(), entries=CALENDAR) for name in ("pa", "pb")]
        self.contacts = [Phone(server, self.ledger, name, seeds(), entries=CARDS) for name in ("ka", "kb")]
        self.page = Page(server, self.ledger, "wa", seeds())
        self.delegate = Page(server, self.ledger, "wd", seeds(), DELEGATE)
        self.scripts = [Scripts(server, self.ledger, name, seeds(), port=port) for name in ("sa", "sb")]
        self.programs: list[Program] = [
            *(Mailer(server, self.ledger, name, seeds()) for name in ("da", "db")),
            *(Shell(server, self.ledger, name, seeds()) for name in ("ia", "ib")),
            *(self.resync, *self.jmap, *self.calendars, *self.contacts, self.page, self.delegate, *self.scripts),
            Answering(server, self.ledger, "ga", seeds()),
        ]

    def furnish(self) -> None:
        """Make what programs share: folders, the first draft, an event with a guest, a delegate with his phone."""
        self.ledger.calm = True
        self.server.cli("account", "set-password", "second", stdin=f"{self.server.password}\n")
        self.server.cli("account", "delegate", "set", "moxlite", "second", "as", "--whole")
        for folder in ("one", "two"):
            self.judge.run("CREATE", folder)
        phone = self.calendars[0]
        phone.ask("PROPFIND", phone.place, depth="0")
        text = GUESTS.format(owner=self.server.user, guest=GUEST)
        status, _, answer = phone.ask("PUT", f"{phone.place}{PARTY}.ics", text, content_type="text/calendar")
        assert status == 201, answer
        self.page.log_in()
        self.page.draft()
        self.delegate.log_in()
        _, _, homes = phone.ask("PROPFIND", "/dav/calendars/second/", depth="1")
        other = Phone(self.server, self.ledger, "pd", self.chance.getrandbits(32), DELEGATE, entries=CALENDAR)
        _, _, homes = other.ask("PROPFIND", "/dav/calendars/second/", depth="1")
        other.place = next(href for href in re.findall(r"<(?:D:)?href>([^<]+)<", homes) if "moxlite" in href)
        self.calendars.append(other)
        self.programs.append(other)
        for program in self.jmap:
            program.sync()
        self._rest()

    def play(self, seconds: float) -> None:
        """Have all programs work, cut them off once, and stop them."""
        self.ledger.calm = False
        stop, faults, steps = threading.Event(), list[BaseException](), Counter[str]()

        def work(program: Program) -> None:
            try:
                while not stop.wait(program.pace):
                    try:
                        program.step()
                        steps[program.name] += 1
                    except Gone:
                        program.close()
                        stop.wait(AWAY)
            except BaseException as fault:
                faults.append(fault)
                stop.set()

        threads = [threading.Thread(target=work, args=(one,), daemon=True) for one in self.programs]
        for thread in threads:
            thread.start()
        kind = self.chance.choice(("kill", "kill", "stop", "none"))
        if not stop.wait(seconds * self.chance.uniform(0.3, 0.7)) and kind != "none":
            (self.server.kill if kind == "kill" else self.server.stop)()
            self.cuts[kind] += 1
            self.server.start()
        stop.wait(seconds / 2)
        deadline = time.monotonic() + PATIENCE
        while min(steps[program.name] for program in self.writers) < STEPS and time.monotonic() < deadline:
            stop.wait(0.05)
        stop.set()
        for thread in threads:
            thread.join(timeout=120)
        if faults:
            raise faults[0]
        if any(thread.is_alive() for thread in threads):
            raise Finding("a program was not answered for two minutes")
        self._rest()
        # what a program asked for as it hung up is done after that, too
        until(lambda: _connections(self.server) <= 1, what="the end of all connections but that", pause=0.5)
        self.ledger.calm = True

    def _rest(self) -> None:
        for program in (*self.programs, self.judge, self.reader):
            program.close()

    # What a new program reads, and what each has

    def compare(self) -> None:
        """Compare all while nobody writes. Raises Finding."""
        self._answer()
        wrong = [*self._mail(), *self._entries(), *self._scripts(), *self._programs()]
        self._rest()
        if wrong:
            raise Finding("\n".join(wrong[:20]))

    def _answer(self) -> None:
        phone = self.calendars[0]
        deadline = time.monotonic() + ANSWERED
        while True:
            _, _, text = phone.ask("GET", f"{phone.place}{PARTY}.ics")
            line = re.search(rf"ATTENDEE[^\n]*{GUEST}", text.replace("\r\n ", ""))
            answer = re.search(r"PARTSTAT=([A-Z]+)", line[0]) if line else None
            now = answer[1] if answer and answer[1] != "NEEDS-ACTION" else None
            if now in self.ledger.values.get(("answer",), {None}):
                self.ledger.settle(("answer",), now)
                return
            if time.monotonic() > deadline:
                raise Finding(f"the guest's last answer isn't there: {self.ledger.values['answer',]}, {text}")
            time.sleep(0.1)

    def _mail(self) -> list[str]:
        wrong: list[str] = []
        there: dict[str, list[tuple[str, frozenset[str]]]] = {}
        for line in self.judge.run("LIST", '""', "*")["LIST"]:
            name = line.decode().rpartition(' "/" ')[2].strip('"')
            for subject, flags in self._rows(name, wrong):
                there.setdefault(subject, []).append((name, flags))
        wrong += self._shown(there)
        there = {subject: rows for subject, rows in there.items() if SUBJECT.fullmatch(subject)}
        wrong += [f"{subject} is there {len(rows)} times: {rows}" for subject, rows in there.items() if len(rows) > 1]
        for key in [key for key in self.ledger.values if key[0] == "mail"]:
            wrong.append(self.ledger.settle(key, True if key[1] in there else None))
        for key in [key for key in self.ledger.values if key[0] == "label"]:
            rows = there.get(key[1], [])
            if rows:
                on = key[2] in rows[0][1]
                wrong.append(self.ledger.settle(key, on or (None if None in self.ledger.values[key] else False)))
        return [one for one in wrong if one]

    def _shown(self, there: Mapping[str, list[tuple[str, frozenset[str]]]]) -> list[str]:
        """What JMAP shows otherwise than IMAP does (`there`: places and flags by subject), and counts that its own
        listing doesn't explain.
        """
        wrong: list[str] = []
        emails, boxes = self.reader.whole("Email")[0], self.reader.whole("Mailbox")[0]
        trash = next((number for number, box in boxes.items() if box["role"] == "trash"), "")
        for number, box in boxes.items():
            counts = {name: box[name] for name in COUNTS}
            if counts != (listed := explained([*emails.values()], number, trash, guest=False)):
                wrong.append(f"{box['name']}: JMAP counts {counts}, its listing has {listed}")
        shown = {
            one["subject"]: ({boxes[number]["name"].lower() for number in one["mailboxIds"]}, {*one["keywords"]})
            for one in emails.values()
        }
        for subject in there.keys() | shown.keys():
            if SUBJECT.fullmatch(subject or "") or TWIN.fullmatch(subject or ""):
                # JMAP doesn't have those with \Deleted, and copies are one
                rows = [(name, flags) for name, flags in there.get(subject, []) if "\\deleted" not in flags]
                places = {name.rpartition("/")[2].lower() for name, _ in rows}
                words = {flag.replace("\\", "$") for _, flags in rows for flag in flags}
                if shown.get(subject, (set(), set())) != (places, words):
                    wrong.append(f"{subject}: JMAP shows {shown.get(subject)}, IMAP {rows}")
        return wrong

    def _rows(self, name: str, wrong: list[str]) -> list[tuple[str, frozenset[str]]]:
        """Subjects and flags of the messages of a mailbox; notes what its numbers say otherwise."""
        self.judge.run("EXAMINE", f'"{name}"')
        items = "(UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"
        rows = self.judge.rows(self.judge.run("FETCH", "1:*", items)) if self._number(name, "MESSAGES") else {}
        told = {
            word: self._number(name, word) for word in ("MESSAGES", "UNSEEN", "UIDNEXT", "UIDVALIDITY", "HIGHESTMODSEQ")
        }
        found: list[tuple[str, frozenset[str]]] = []
        for uid, row in rows.items():
            match = re.search(rb"(?i)Subject: ([^\r]*)", row)
            subject, flags = match[1].decode() if match else "", flags_in(row)
            found.append((subject, flags))
            if self.uids.setdefault((name, told["UIDVALIDITY"], uid), subject) != subject:
                wrong.append(f"{name}: UID {uid} was given twice")
        unseen = sum("\\seen" not in flags for _, flags in found)
        if (told["MESSAGES"], told["UNSEEN"]) != (len(found), unseen):
            wrong.append(f"{name}: STATUS says {told}, there are {len(found)}, {unseen}")
        numbers = told["UIDNEXT"], told["HIGHESTMODSEQ"]
        before = self.highest.setdefault((name, told["UIDVALIDITY"]), numbers)
        if numbers[0] < before[0] or numbers[1] < before[1] or any(uid >= numbers[0] for uid in rows):
            wrong.append(f"{name}: UIDNEXT and HIGHESTMODSEQ were {before}, and are {numbers}")
        self.highest[name, told["UIDVALIDITY"]] = numbers
        return found

    def _number(self, name: str, word: str) -> int:
        [line] = self.judge.run("STATUS", f'"{name}"', f"({word})")["STATUS"]
        match = re.search(rf"{word} (\d+)".encode(), line)
        assert match is not None, line
        return int(match[1])

    def _entries(self) -> list[str]:
        wrong: list[str] = []
        texts: dict[str, str] = {}
        for entries, phone in ((CALENDAR, self.calendars[0]), (CARDS, self.contacts[0])):
            for name in phone.listing():
                text = phone.ask("GET", phone.place + name)[2]
                key = entries.key(text)
                if key and texts.setdefault(key, text) != text:
                    wrong.append(f"two entries have a UID: {text}")
        draft = self.page.call("draft_find", message_id=DRAFT, seconds=86_400, author=self.server.user)
        texts["draft"] = self.page.call("compose_prepare", kind="edit", message_id=draft)["text"]
        for name, asked in self.ledger.asked.items():
            marks = marks_of(texts.get(name, ""))
            lost = self.ledger.known.get(name, set()) - self.ledger.void.get(name, set()) - marks
            strange = marks - asked
            if lost or strange:
                wrong.append(f"{name}: lost {sorted(lost)}, strange {sorted(strange)}: {texts.get(name)}")
        return wrong

    def _scripts(self) -> list[str]:
        wrong: list[str] = []
        program = self.scripts[0]
        for key in [key for key in self.ledger.values if key[0] == "script"]:
            try:
                text: str | None = program.run(f'GETSCRIPT "{key[1]}"').partition("\r\n")[2].rpartition("OK")[0]
            except Refused:
                text = None
            wrong.append(self.ledger.settle(key, text if text is None else text.removesuffix("\r\n")))
        return [one for one in wrong if one]

    def _programs(self) -> list[str]:
        wrong: list[str] = []
        for phone in (*self.calendars, *self.contacts):
            deadline = time.monotonic() + ANSWERED
            there = None
            while there != phone.known and (there is None or time.monotonic() < deadline):
                phone.sync()
                there = phone.listing()  # an answer by mail may come in between
            if there != phone.known:
                wrong.append(f"{phone.name} knows {phone.known}, there is {there}")
        self.resync.select("INBOX")
        self.judge.run("EXAMINE", "INBOX")
        fetched = self.judge.run("FETCH", "1:*", "(UID FLAGS)") if self._number("INBOX", "MESSAGES") else {}
        now = {uid: flags_in(row) for uid, row in self.judge.rows(fetched).items()}
        if now != self.resync.known:
            wrong.append(f"QRESYNC: {_differing(self.resync.known, now)}")
        for program in self.jmap:
            wrong += self._followed(program)
        return wrong

    def _followed(self, program: Jmap) -> list[str]:
        """Objects that a program has otherwise than a new one."""
        deadline = time.monotonic() + ANSWERED
        while True:
            program.sync()
            there = {kind: self.reader.whole(kind) for kind in TYPES}
            states = {kind: state for kind, (_, state) in there.items()}
            if states == program.states or time.monotonic() > deadline:
                break  # else an answer by mail came in between
        return [
            f"{program.name} {kind} {program.states[kind]}, {state}: {_differing(program.known[kind], objects)}"
            for kind, (objects, state) in there.items()
            if (objects, state) != (program.known[kind], program.states[kind])
        ]

    def trim(self) -> None:
        """Remove the oldest messages, and forget what is known of those that are gone."""
        known = self.reader.whole("Email")[0]
        emails = self.reader.emails(known)
        old = sorted(emails, key=lambda number: int(number[1:]))[: max(0, len(emails) - KEPT)]
        old += self.reader.emails(known, TWIN)
        for at in range(0, len(old), PARTS[0]):
            self.reader.call("Email/set", destroy=old[at : at + PARTS[0]])
        self.reader.close()
        kept = {one["subject"] for number, one in emails.items() if number not in {*old}}
        for key in [key for key in self.ledger.values if key[0] in ("mail", "label") and key[1] not in kept]:
            del self.ledger.values[key]


def _connections(server: LocalServer) -> int:
    """The number of connections that the server has."""
    with urlopen(f"http://127.0.0.1:{server.port(81)}/metrics", timeout=60) as answer:
        numbers = re.search(rb"^moxlite_connections (\d+)", answer.read(), re.MULTILINE)
    assert numbers is not None
    return int(numbers[1])


def _differing(known: Mapping[Any, Any], there: Mapping[Any, Any]) -> str:
    keys = [key for key in {*known, *there} if known.get(key) != there.get(key)]
    return "; ".join(f"{key}: knows {known.get(key)}, there is {there.get(key)}" for key in keys[:3])


# Of programs that expect one state, one wins

AT_ONCE: Final = 6


def _objects(program: Jmap) -> dict[str, tuple[str, Any]]:
    """By type: the id of an object, and a function that makes patches of it by number."""
    message = program.upload(b"Subject: a\r\nMessage-ID: <w@q>\r\n\r\nx\r\n", "message/rfc822")
    script = program.upload(b"keep;", "application/sieve")

    def made(kind: str, **new: Any) -> str:
        number: str = program.call(f"{kind}/set", create={"a": new})["created"]["a"]["id"]
        return number

    emails = {"a": {"blobId": message, "mailboxIds": {"F1": True}}}
    return {
        "Email": (
            program.call("Email/import", emails=emails)["created"]["a"]["id"],
            lambda number: {f"keywords/k{number % 6}": True, "keywords/$seen": number % 12 < 6 or None},
        ),
        "Mailbox": (made("Mailbox", name="M"), lambda number: {"name": f"M{number}"}),
        "Calendar": (made("Calendar", name="c"), lambda number: {"name": f"c{number}"}),
        "AddressBook": (made("AddressBook", name="b"), lambda number: {"name": f"b{number}"}),
        "CalendarEvent": (
            made("CalendarEvent", title="t", start="2099-12-24T10:00:00"),
            lambda number: {"title": f"t{number}"},
        ),
        "ContactCard": (made("ContactCard", name={"full": "A"}), lambda number: {"name/full": f"A{number}"}),
        "Identity": (program.call("Identity/get")["list"][0]["id"], lambda number: {"name": f"n{number}"}),
        "VacationResponse": ("singleton", lambda number: {"subject": f"s{number}"}),
        "SieveScript": (made("SieveScript", name="w", blobId=script), lambda number: {"name": f"w{number}"}),
    }


def race(server: LocalServer, rounds: int) -> int:
    """Have six programs set the same object with one ifInState; in each round one of them wins. Returns the number of
    rounds. Raises Finding.
    """
    programs = [Jmap(server, Ledger(calm=True), f"r{letter}", 0) for letter in "abcdef"]
    objects = _objects(programs[0])
    for kind, (number, patch) in objects.items():
        for turn in range(rounds):
            state = programs[0].call(f"{kind}/get", ids=[number])["state"]
            barrier, won = threading.Barrier(AT_ONCE), list[int]()

            def set_(who: int) -> None:
                barrier.wait()  # noqa: B023 joined below
                try:
                    wish = {number: patch(turn * AT_ONCE + who)}  # noqa: B023
                    found = programs[who].call(f"{kind}/set", ifInState=state, update=wish)  # noqa: B023
                except Refused:
                    return
                won.extend([who] if number in (found["updated"] or {}) else [])  # noqa: B023

            threads = [threading.Thread(target=set_, args=(who,), daemon=True) for who in range(AT_ONCE)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(timeout=120)
            if len(won) != 1:
                raise Finding(f"{kind}, round {turn}: accepted were {won}")
    for program in programs:
        program.close()
    return rounds * len(objects)


# A program that expects a state, and a phone that writes each second, both get on

OBJECTS: Final = 500
FEWEST_OBJECTS: Final = 20
EACH: Final = 1.0, 5
"""Seconds between two changes by the phone, and how often at least the program could read all objects meanwhile: where
that takes a second, no state that it expects still holds.
"""

ATTEMPTS: Final = 100
"""Attempts after which a program would seem to stand still."""


def progress(server: LocalServer, objects: int) -> list[str]:
    """Have a program set so many events, and cards, with ifInState, until all are changed. Says how many attempts that
    took. Raises Finding.
    """
    program, told = Jmap(server, Ledger(calm=True), "rp", 0), list[str]()
    changes: dict[Entries, tuple[str, Any]] = {
        CALENDAR: ("description", "done"),
        CARDS: ("notes", {"n": {"note": "done"}}),
    }
    for entries, (name, value) in changes.items():
        new = {f"n{number}": new_entry(entries, f"n{number}", "new") for number in range(objects)}
        ids = [one["id"] for one in program.call(f"{entries.jmap}/set", create=new)["created"].values()]
        began, attempts = time.monotonic(), 0
        _undone(program, entries, ids, name)
        pause = max(EACH[0], EACH[1] * (time.monotonic() - began))
        with phone_writing(server, entries, pause) as written:
            while left := _undone(program, entries, ids, name):
                attempts += 1
                if attempts > ATTEMPTS:
                    raise Finding(f"{entries.jmap}: {len(left)} of {objects} are left after {attempts} attempts")
                with contextlib.suppress(Refused, Gone):
                    program.set(entries.jmap, expects=True, update={number: {name: value} for number in left})
        told.append(f"{objects} of {entries.jmap} by {attempts} sets with ifInState beside {written[0]} changes")
        program.call(f"{entries.jmap}/set", destroy=ids)
    program.close()
    return told


def _undone(program: Jmap, entries: Entries, ids: list[str], name: str) -> list[str]:
    """The objects that still have to be changed; the program has their state then."""
    found = program.call(f"{entries.jmap}/get", ids=ids, properties=[name])
    program.states[entries.jmap] = found["state"]
    return [one["id"] for one in found["list"] if "done" not in str(one[name])]


@contextmanager
def phone_writing(server: LocalServer, entries: Entries, pause: float) -> Iterator[list[int]]:
    """A phone that writes one entry again and again; gives the number of its changes. Raises Finding if one was
    refused.
    """
    phone = Phone(server, Ledger(calm=True), "rq", 0, entries=entries)
    stop, written, refused = threading.Event(), [0], list[str]()

    def put(mark: str) -> None:
        text = entries.text.format(key="own", mark=mark)
        status, _, answer = phone.ask("PUT", f"{phone.place}own{entries.ending}", text, content_type=entries.kind)
        refused.extend([answer] if status not in (201, 204) else [])

    def write() -> None:
        while not stop.wait(pause):
            written[0] += 1
            put(f"rqx{written[0]}")

    put("rqx0")
    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        yield written
    finally:
        stop.set()
        thread.join(timeout=120)
    there = phone.ask("GET", f"{phone.place}own{entries.ending}")[2]
    phone.ask("DELETE", f"{phone.place}own{entries.ending}")
    phone.close()
    if refused or f"rqx{written[0]}" not in there:
        raise Finding(f"of {written[0]} changes by a phone: refused {refused}, last {there}")


def run(seed: int, share: float, report: Report) -> None:
    """ROUNDS × share rounds, and as many races of each type. Raises Finding."""
    rounds, port = max(FEWEST[0], round(ROUNDS * share)), free_port()
    seconds = SECONDS if rounds > FEWEST[0] else FEWEST[1]
    with tempfile.TemporaryDirectory(prefix="moxlite-together-") as folder:
        server = LocalServer(Path(folder) / "l", module="tests.sendserver")
        server.environment = {"SINK": str(free_port())}  # where nothing listens: invitations wait
        static, domains = (server.config_folder / name for name in ("moxlite.toml", "domains.toml"))
        sieve = f"managesieve = {{ enabled = true, port = {port}, require_tls = false }}"
        static.write_text(static.read_text().replace("\nimaps = ", f"\n{sieve}\nimaps = "))
        account = f'\n[accounts.second]\ndomain = "localhost"\n[accounts.second.destinations."{DELEGATE}"]\n'
        domains.write_text(domains.read_text() + account)
        with server:
            races = race(server, rounds)
            report.tell("; ".join(progress(server, max(FEWEST_OBJECTS, round(OBJECTS * share)))))
            world = World(server, seed, port)
            world.furnish()
            for number in range(rounds):
                try:
                    world.play(seconds)
                    world.compare()
                except Finding as error:
                    raise Finding(f"round {number}: {error}\n{server.log()[-2000:]}") from error
                world.trim()
                if crashed := panics(server):
                    raise Finding(f"round {number}: crashes were counted: {crashed}\n{server.log()[-3000:]}")
            checked = server.cli("store", "check", "--deep", check=False)
            if checked.returncode != 0:
                raise Finding(f"store check --deep: {checked.stdout}{checked.stderr}")
    told = ", ".join(f"{number:,} {what}" for what, number in sorted(world.ledger.counts.items()))
    cuts = f"{world.cuts['kill']} kills and {world.cuts['stop']} stops"
    report.tell(
        f"{rounds} rounds of {len(world.programs)} programs with {cuts}: {told}; each was in step after each round"
    )
    report.tell(f"{races} times six programs set an object with one ifInState, and one won")
