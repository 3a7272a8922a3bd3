"""An hour by train: somebody reads, writes, plans and tidies in the webmail while the network comes and goes. At the
end the server holds what the person was told, item by item (WEB-61b, WEBMAIL-46a, WEBMAIL-100).

A seed makes the trip: stretches with a rate and a delay, tunnels in which nothing passes, and masts at which all
connections break. The person goes on without waiting for answers. What the page says of each act is compared with the
server in the end: done is there once, failed isn't there, and what it doesn't know is there once or not at all.
"""

import imaplib
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from playwright.sync_api import Browser, TimeoutError as LateError, expect

from tests.campaigns._badnetwork import BadNetwork
from tests.campaigns._reading import messages
from tests.campaigns._writingcalls import World, parameters_of
from tests.campaigns.network import CATCH
from tests.campaigns.report import Finding, Report
from tests.integration.browser import ARGUMENTS, Visitor, playing
from tests.running import LocalServer
from tests.session.test_web_calendars import form
from tests.tools import need, until

__all__ = ["run"]

SECONDS: Final = 3_600.0
FEWEST: Final = 20.0
"""Seconds of the trip, however small the share."""

EDITORS: Final = 3
"""Messages that the page lets one write, or waits to send, at a time."""

MAILS: Final = 60
"""Messages at the begin; the person deals with each once or never."""

SETTLED: Final = 240.0
"""Seconds after the trip within which the page must know what became of all: it repeats calls for a minute, and a
loaded machine is slow.
"""

PATIENCE: Final = 60_000
"""Milliseconds that a part of the page may take to be loaded in the train."""

BEGIN: Final = """([number, name, keys, given]) => {
  window.told ??= {};
  window.caught.call(name, keys.map((key) => given[key])).then(
    (result) => (window.told[number] = { result }),
    (error) => (window.told[number] = { code: error.code ?? null, message: `${error.message}` }),
  );
}"""


class Stretch(NamedTuple):
    """A part of the trip."""

    seconds: float
    kind: str
    rate: int = 0
    delay: float = 0.0


def trip(chance: random.Random, seconds: float) -> Iterator[Stretch]:
    """The stretches of a trip: half of the time slow, with a tunnel or a mast between any two."""
    while seconds > 0:
        slow = Stretch(chance.uniform(2, 25), "slow", chance.randint(4_000, 100_000), chance.uniform(0.02, 0.4))
        good = Stretch(chance.uniform(2, 20), "good", 1_000_000, 0.01)
        tunnel = Stretch(chance.choice((1.0, 3.0, 8.0, 30.0)) * chance.uniform(0.5, 1.5), "tunnel")
        away = Stretch(chance.uniform(0.5, 6), "away")
        mast = Stretch(0.0, "mast")
        for one in (chance.choice((slow, slow, good)), chance.choice((tunnel, away, mast, mast))):
            seconds -= one.seconds
            yield one


@dataclass
class Act:
    """Something that the person does, and how often the server has it afterwards."""

    kind: str
    count: Callable[["Held"], int]
    told: dict[str, Any] | None = None


@dataclass
class Held:
    """What the server holds at the end."""

    events: Counter[str] = field(default_factory=Counter)
    people: Counter[str] = field(default_factory=Counter)
    mailboxes: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Mailbox and flags of each message, by its subject."""

    def where(self, subject: str, mailbox: str) -> int:
        """How many messages of a subject a mailbox has."""
        return sum(name == mailbox for name, _ in self.places.get(subject, []))

    def flagged(self, subject: str, flag: str) -> int:
        """How many messages of a subject have a flag."""
        return sum(flag in flags for _, flags in self.places.get(subject, []))


def held(world: World) -> Held:
    """Ask the server by other ways than the page."""
    found = Held()
    year = {"since": 1_893_000_000, "until": 1_897_000_000}
    for one in world.webmail("events", **year, calendar_ids=[world.calendar()["id"]])["events"]:
        found.events[one["title"]] += 1
    for one in world.webmail("contacts", limit=1000)["contacts"]:
        found.people[one["name"]] += 1
    with closing(imaplib.IMAP4("127.0.0.1", world.server.port(143), timeout=60)) as session:
        session.login(world.server.user, world.server.password)
        for line in session.list()[1]:
            assert isinstance(line, bytes)
            name = line.decode().rpartition('" ')[2].strip('"')
            found.mailboxes[name] += 1
            if session.select(f'"{name}"', readonly=True)[1] == [b"0"]:
                continue
            _, data = session.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
            for one in data:
                if isinstance(one, tuple):
                    subject = one[1].decode().strip().removeprefix("Subject: ")
                    found.places.setdefault(subject, []).append((name, one[0].decode().lower()))
    return found


class Traveller(Visitor):
    """Somebody with the webmail in a train."""

    def __init__(self, browser: Browser, server: LocalServer, network: BadNetwork, chance: random.Random) -> None:
        super().__init__(browser, server, viewport={"width": 1280, "height": 900})
        self.chance = chance
        self.base = f"http://localhost:{network.port}"
        self.context.set_default_timeout(PATIENCE)
        self.context.add_init_script(CATCH)
        self.enter("/webmail/")
        expect(self.page.locator(".list-title")).to_have_text("Inbox", timeout=PATIENCE)
        self.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        self.acts: list[Act] = []
        self._number = 0
        self.sent: list[str] = []
        self.dialogs: list[str] = []

    def prepare(self, world: World, mails: list[tuple[str, int]]) -> None:
        """Load what is used on the trip, before it begins."""
        self._calendar = world.calendar()["id"]
        self._archive = world.mailbox("Archive")
        self._mails = mails
        self._do("nothing", "templates", {}, lambda _: 1)
        self.page.keyboard.press("c")
        composer = self.page.locator(".composer")
        expect(composer.get_by_label("Text")).to_be_visible()
        composer.get_by_role("button", name="Close").click()
        expect(composer).to_have_count(0, timeout=PATIENCE)

    def _word(self) -> str:
        self._number += 1
        return f"osprey{self._number}"

    def _do(self, kind: str, name: str, given: dict[str, Any], count: Callable[[Held], int]) -> None:
        self.page.evaluate(BEGIN, [len(self.acts), name, parameters_of("webmail", name), given])
        self.acts.append(Act(kind, count))

    def step(self) -> None:
        """One thing that somebody does."""
        self.chance.choice((self.read, self.star, self.archive, self.plan, self.meet, self.order, self.write))()

    def _mail(self) -> tuple[str, int] | None:
        return self._mails.pop() if self._mails else None

    def read(self) -> None:
        """Open a message, which is seen then."""
        if (mail := self._mail()) is not None:
            subject, number = mail
            self._do("read", "flags_add", {"message_ids": [number], "flags": ["\\Seen"]}, seen(subject))

    def star(self) -> None:
        """Star a message."""
        if (mail := self._mail()) is not None:
            subject, number = mail
            given = {"message_ids": [number], "flags": ["\\Flagged"]}
            self._do("star", "flags_add", given, lambda found: found.flagged(subject, "\\flagged"))

    def archive(self) -> None:
        """Move a message."""
        if (mail := self._mail()) is not None:
            subject, number = mail
            given = {"message_ids": [number], "mailbox_id": self._archive}
            self._do("archive", "message_move", given, lambda found: found.where(subject, "Archive"))

    def plan(self) -> None:
        """Make an event."""
        word = self._word()
        day = f"2030-01-{self.chance.randint(1, 28):02}"
        event = form(f"{day}T10:00", f"{day}T11:00", title=word)
        self._do("event", "event_save", {"calendar_id": self._calendar, "event": event}, lambda f: f.events[word])

    def meet(self) -> None:
        """Keep a person."""
        word = self._word()
        contact = {"name": word, "emails": [], "phones": [], "organization": "", "note": "", "groups": []}
        self._do("contact", "contact_save", {"contact": contact}, lambda found: found.people[word])

    def order(self) -> None:
        """Make a folder."""
        word = self._word()
        self._do("folder", "mailbox_create", {"name": word}, lambda found: found.mailboxes[word])

    def write(self) -> None:
        """Write a message, and send it."""
        if self.page.locator(".composer").count() == EDITORS:
            return
        word = self._word()
        self._read_dialogs()
        self.page.evaluate("document.querySelector('.messages')?.focus()")
        # one that is being sent may close at any moment
        self.page.evaluate("document.querySelectorAll('.composer').forEach((one) => (one.dataset.former = ''))")
        composer = self.page.locator(".composer:not([data-former])")
        self.page.keyboard.press("c")
        try:
            composer.first.wait_for(timeout=60_000)
        except LateError:
            raise Finding(f"no editor opens; the page says {self._says()}") from None
        composer.get_by_label("To", exact=True).fill(self.server.user)
        composer.get_by_label("Subject").fill(word)
        composer.get_by_label("Text").fill(f"Words of {word}.")
        composer.get_by_label("Text").press("Control+Enter")
        self.sent.append(word)

    def _read_dialogs(self) -> None:
        """Close what the page says in dialogs, and note it."""
        while (dialogs := self.page.locator("dialog[open]")).count():
            self.dialogs.append(" ".join(dialogs.last.inner_text().split()))
            self.page.keyboard.press("Escape")
            self.page.wait_for_timeout(100)

    def _says(self) -> list[str]:
        return self.page.locator(".composer, .toast, .offline, dialog[open]").all_inner_texts()

    def arrive(self) -> None:
        """Wait until the page knows what became of all."""
        self.page.evaluate("['online', 'focus'].forEach((kind) => dispatchEvent(new Event(kind)))")
        end = time.monotonic() + SETTLED
        while True:
            told: dict[str, Any] = self.page.evaluate("window.told")
            composers = self.page.locator(".composer").count()
            waiting = self.page.evaluate("document.querySelector('.offline')?.checkVisibility() ?? false")
            if len(told) == len(self.acts) and not composers and not waiting:
                break
            if time.monotonic() > end:
                unknown = [act.kind for number, act in enumerate(self.acts) if str(number) not in told]
                raise Finding(f"{SETTLED:.0f} s after the trip the page waits for {unknown}; it says {self._says()}")
            self.page.wait_for_timeout(200)
        for number, act in enumerate(self.acts):
            act.told = told[str(number)]


def seen(subject: str) -> Callable[[Held], int]:
    """How often a message was read."""
    return lambda found: found.flagged(subject, "\\seen")


@contextmanager
def riding(network: BadNetwork, stretches: list[Stretch]) -> Iterator[threading.Event]:
    """Context in which the trip is made; the event is set at its end."""
    over, left = threading.Event(), threading.Event()

    def ride() -> None:
        for one in stretches:
            network.rate, network.delay = one.rate, one.delay
            network.silent, network.off = one.kind == "tunnel", one.kind == "away"
            if one.kind in ("away", "mast"):
                network.cut()
            if left.wait(one.seconds):
                break
        network.rate, network.delay, network.silent, network.off = 0, 0.0, False, False
        network.cut()
        over.set()

    thread = threading.Thread(target=ride, daemon=True)
    thread.start()
    try:
        yield over
    finally:
        left.set()
        thread.join()


def judge(traveller: Traveller, found: Held) -> Counter[str]:
    """Compare what was told with what is there. Raises Finding."""
    said: Counter[str] = Counter()
    for act in traveller.acts:
        assert act.told is not None
        count = act.count(found)
        code = "done" if "result" in act.told else act.told["code"]
        said[f"{act.kind} {code or 'not reached'}"] += 1
        least, most = {"done": (1, 1), "user:unknown": (0, 1)}.get(str(code), (0, 0))
        if not least <= count <= most:
            raise Finding(f"{act.kind}: the page says {act.told}, the server has it {count} times")
    return said


def run(seed: int, share: float, report: Report) -> None:
    """SECONDS × share of a trip."""
    chance = random.Random(seed)
    seconds = max(FEWEST, SECONDS * share)
    stretches = list(trip(chance, seconds))
    with (
        tempfile.TemporaryDirectory(prefix="moxlite-train-") as folder,
        playing() as playwright,
        LocalServer(Path(folder) / "l") as server,
        BadNetwork(server.port(80)) as network,
    ):
        world = World(server, chance)
        subjects = [f"mail{number}" for number in range(round(MAILS * max(share, 0.2)))]
        mails = [(subject, world.append(letter(subject))) for subject in subjects]
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=ARGUMENTS)
        traveller = Traveller(browser, server, network, chance)
        traveller.prepare(world, mails)
        with riding(network, stretches) as over:
            while not over.is_set():
                traveller.step()
                traveller.page.wait_for_timeout(chance.uniform(200, 2_500))
        traveller.arrive()
        compare_sent(server, traveller.sent)
        said = judge(traveller, held(world))
        browser.close()
    kinds = Counter(one.kind for one in stretches)
    report.tell(
        f"{seconds:.0f} s by train ({', '.join(f'{kinds[kind]} {kind}' for kind in sorted(kinds))}):"
        f" {len(traveller.acts)} acts and {len(traveller.sent)} messages, of which the server holds what was told"
    )
    report.table(["What the page said", "Times"])
    for words, times in sorted(said.items()):
        report.row(words, times)
    for words in traveller.dialogs:
        report.row(words, 1)


def compare_sent(server: LocalServer, sent: list[str]) -> None:
    """Each message that was written is in Sent and has arrived, once, and no draft is left. Raises Finding."""
    until(lambda: len(own(server, "INBOX")) >= len(sent), what="what was sent", pause=0.5)
    for mailbox in ("Sent", "INBOX"):
        if (counts := own(server, mailbox)) != Counter(sent):
            raise Finding(f"{mailbox} has {sorted(counts.items())}, {sorted(sent)} were sent")
    if left := messages(server, "Drafts"):
        raise Finding(f"drafts are left: {[str(one['subject']) for one in left]}")


def letter(subject: str) -> str:
    """A message that waits at the begin."""
    return f"From: Ada <ada@nordlicht.example>\r\nTo: moxlite@localhost\r\nSubject: {subject}\r\n\r\nSome text.\r\n"


def own(server: LocalServer, mailbox: str) -> Counter[str]:
    """Messages of the traveller in a mailbox, by their subjects."""
    found = (str(one["subject"]) for one in messages(server, mailbox))
    return Counter(subject for subject in found if subject.startswith("osprey"))
