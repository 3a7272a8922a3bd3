"""One person, all programs at once: mail by IMAP, QRESYNC and JMAP, phones with calendar and contacts, the webmail, a
delegate, scripts, a guest who answers by mail, and deliveries, with cuts.

In each round all write into one account for some seconds. Connections break before an answer, and the server is killed
or stopped, and started again. Then all rest, and are compared with what a new program reads:
- each change that was acknowledged is there, and no message is lost, or there twice;
- each program has by its own means what the server has: QRESYNC, JMAP /changes (also where a program took newState for
  its own), sync-collection;
- each count is that of a listing, no UID is given twice, UIDNEXT and HIGHESTMODSEQ never go back;
- no crash is counted, and at the end `store check --deep` finds nothing.

Before that, for each type of JMAP, six programs set one object with the same ifInState at once: one of them wins.
"""

import random
import re
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.campaigns._together import PARTY, SUBJECT, Gone, Ledger, Mailer, Program, Refused, Shell, flags_in, marks_of
from tests.campaigns._togethercalls import (
    CALENDAR,
    CARDS,
    DELEGATE,
    DRAFT,
    GUEST,
    TYPES,
    Answering,
    Jmap,
    Page,
    Phone,
    Scripts,
)
from tests.campaigns.report import Finding, Report
from tests.campaigns.stress import panics
from tests.running import LocalServer
from tests.tools import free_port

__all__ = ["run"]

ROUNDS: Final = 100
SECONDS: Final = 8.0
FEWEST: Final = 1, 1.5
"""Rounds and seconds of a round, however small the share."""

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
        self.jmap = [Jmap(server, self.ledger, name, seeds()) for name in ("ja", "jb")]
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
        self._rest()

    def play(self, seconds: float) -> None:
        """Have all programs work, cut them off once, and stop them."""
        self.ledger.calm = False
        stop, faults = threading.Event(), list[BaseException]()

        def work(program: Program) -> None:
            try:
                while not stop.wait(program.pace):
                    try:
                        program.step()
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
        stop.set()
        for thread in threads:
            thread.join(timeout=120)
        if faults:
            raise faults[0]
        if any(thread.is_alive() for thread in threads):
            raise Finding("a program was not answered for two minutes")
        self._rest()
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
        until = time.monotonic() + ANSWERED
        while True:
            _, _, text = phone.ask("GET", f"{phone.place}{PARTY}.ics")
            line = re.search(rf"ATTENDEE[^\n]*{GUEST}", text.replace("\r\n ", ""))
            answer = re.search(r"PARTSTAT=([A-Z]+)", line[0]) if line else None
            now = answer[1] if answer and answer[1] != "NEEDS-ACTION" else None
            if now in self.ledger.values.get(("answer",), {None}):
                self.ledger.settle(("answer",), now)
                return
            if time.monotonic() > until:
                raise Finding(f"the guest's last answer isn't there: {self.ledger.values['answer',]}, {text}")
            time.sleep(0.1)

    def _mail(self) -> list[str]:
        wrong: list[str] = []
        there: dict[str, list[tuple[str, frozenset[str]]]] = {}
        boxes = {one["name"]: one for one in self.reader.whole("Mailbox")[0].values()}
        for line in self.judge.run("LIST", '""', "*")["LIST"]:
            name = line.decode().rpartition(' "/" ')[2].strip('"')
            rows = self._rows(name, wrong)
            for subject, flags in rows:
                if SUBJECT.fullmatch(subject):
                    there.setdefault(subject, []).append((name, flags))
            box = boxes["Inbox" if name.upper() == "INBOX" else name.rpartition("/")[2]]
            shown = [flags for _, flags in rows if "\\deleted" not in flags]  # JMAP doesn't have the others
            counts = len(shown), sum("\\seen" not in flags for flags in shown)
            if (told := (box["totalEmails"], box["unreadEmails"])) != counts:
                wrong.append(f"{name}: JMAP counts {told}, there are {counts}")
        wrong += [f"{subject} is there {len(rows)} times: {rows}" for subject, rows in there.items() if len(rows) > 1]
        for key in [key for key in self.ledger.values if key[0] == "mail"]:
            wrong.append(self.ledger.settle(key, True if key[1] in there else None))
        for key in [key for key in self.ledger.values if key[0] == "label"]:
            rows = there.get(key[1], [])
            if rows:
                on = key[2] in rows[0][1]
                wrong.append(self.ledger.settle(key, on or (None if None in self.ledger.values[key] else False)))
        return [one for one in wrong if one]

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
            phone.sync()
            if (there := phone.listing()) != phone.known:
                wrong.append(f"{phone.name} knows {phone.known}, there is {there}")
        self.resync.select("INBOX")
        self.judge.run("EXAMINE", "INBOX")
        fetched = self.judge.run("FETCH", "1:*", "(UID FLAGS)") if self._number("INBOX", "MESSAGES") else {}
        now = {uid: flags_in(row) for uid, row in self.judge.rows(fetched).items()}
        if now != self.resync.known:
            wrong.append(f"QRESYNC: {_differing(self.resync.known, now)}")
        for program in self.jmap:
            if not program.states:
                continue
            program.sync()
            for kind in TYPES:
                known, (objects, state) = program.known[kind], self.reader.whole(kind)
                if (objects, state) != (known, program.states[kind]):
                    states = program.states[kind], state
                    wrong.append(f"{program.name} {kind} {states}: {_differing(known, objects)}")
        return wrong

    def trim(self) -> None:
        """Remove the oldest messages, and forget what is known of those that are gone."""
        emails = self.reader.emails(self.reader.whole("Email")[0])
        old = sorted(emails, key=lambda number: int(number[1:]))[: max(0, len(emails) - KEPT)]
        if old:
            self.reader.call("Email/set", destroy=old)
        self.reader.close()
        kept = {one["subject"] for number, one in emails.items() if number not in {*old}}
        for key in [key for key in self.ledger.values if key[0] in ("mail", "label") and key[1] not in kept]:
            del self.ledger.values[key]


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
