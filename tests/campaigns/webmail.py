"""Two browsers and an IMAP client change the same account, while connections, calls and the server fail (WEBMAIL-154).

Each round is a row of random steps: keys and clicks in two pages, commands by IMAP, lines that are cut, calls that are
refused, a server that is killed. Then everything is mended, and soon each page must show what a fresh query of its view
answers, and that must be what IMAP tells of the mailbox. Pages check themselves with each change (WEBMAIL-60), and
nothing may go wrong in them that was not made to.
"""

import contextlib
import imaplib
import json
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, BrowserContext, Error as BrowserError, Page, Request, Route, expect

from tests.campaigns._shownlist import difference, rows_of
from tests.campaigns.report import Finding, Report
from tests.integration.browser import ARGUMENTS, playing
from tests.running import LocalServer
from tests.tools import need
from tests.webcalls import Caller

__all__ = ["run"]

ROUNDS = 60
STEPS = 12
"""Steps of a round, of both pages and the IMAP client together."""
MOST = 40
"""Messages of a mailbox: as many rows exist at once in a page of this height."""
HEIGHT = 1800
"""px of the pages."""
SETTLED = 90.0
"""Seconds within which a page must show what is so: it may wait 30 s for its next attempt to connect."""
PATIENCE = 60_000
"""Milliseconds that a loaded machine may take for anything."""
FAULTY = ("flags_add", "flags_clear", "message_move", "message_delete", "request", "token", "thread_collapse")
"""Calls that are refused at times."""

UNREACHED = "Couldn't load part of this page. Try again or reload the page."
"""What a page without a line says of what it has not loaded yet, which is no error."""

MESSAGE = "From: Ada <ada@nordlicht.example>\r\nTo: moxlite@localhost\r\nSubject: {subject}\r\nMessage-ID: <{id}@x>\r\n"


class Mailer:
    """The IMAP client: appends, marks, moves and expunges."""

    def __init__(self, server: LocalServer, chance: random.Random) -> None:
        self.server = server
        self.chance = chance
        self.number = 0
        self.session: imaplib.IMAP4 | None = None

    def imap(self) -> imaplib.IMAP4:
        """The session; another one after the server has gone."""
        if self.session is None:
            self.session = imaplib.IMAP4("127.0.0.1", self.server.port(143), timeout=60)
            self.session.login(self.server.user, self.server.password)
        return self.session

    def lose(self) -> None:
        """The server has gone."""
        self.session = None

    def append(self, mailbox: str = "INBOX") -> None:
        """A message, half of the time one that answers another."""
        self.number += 1
        head = MESSAGE.format(subject=f"number {self.number}", id=self.number)
        if self.number > 1 and self.chance.random() < 0.5:
            answered = self.chance.randint(max(1, self.number - 8), self.number - 1)
            head += f"In-Reply-To: <{answered}@x>\r\nReferences: <{answered}@x>\r\n"
        word = self.chance.choice(("boats", "trees"))
        self.imap().append(mailbox, self.chance.choice(("", "(\\Seen)")), "", f"{head}\r\nAbout {word}.\r\n".encode())

    def step(self) -> str:
        """Something at random; what it was."""
        session = self.imap()
        mailbox = self.chance.choice(("INBOX", "INBOX", "Archive", "Boats"))
        count = int(session.select(mailbox)[1][0] or 0)
        what = self.chance.choice(("append", "append", "flags", "flags", "expunge", "move", "copy", "box"))
        if what == "box":
            name = self.chance.choice(("Later", "Later/Still"))
            if session.create(name)[0] != "OK" and session.delete(name)[0] != "OK":
                session.rename("Later", "Sooner")
        elif (what in ("append", "copy") or count == 0) and count < MOST:
            self.append(mailbox)
        elif count:
            first = self.chance.randint(1, count)
            numbers = f"{first}:{min(count, first + self.chance.randint(0, 3))}"
            if what in ("move", "copy"):
                session._simple_command("MOVE", numbers, self.chance.choice(("INBOX", "Archive", "Boats")))
            elif what == "expunge":
                session.store(numbers, "+FLAGS.SILENT", "(\\Deleted)")
                session.expunge()
            else:
                flag = self.chance.choice(("\\Seen", "\\Flagged", "\\Deleted", "garden", "$Junk"))
                session.store(numbers, self.chance.choice(("+FLAGS", "-FLAGS")), f"({flag})")
        return f"IMAP {what} {mailbox}"

    def told(self, mailbox: str) -> Counter[tuple[str, frozenset[str]]]:
        """Subject and flags, by their names in the webmail, of all messages of a mailbox."""
        session = self.imap()
        found: Counter[tuple[str, frozenset[str]]] = Counter()
        if session.select(f'"{mailbox}"', readonly=True)[1] == [b"0"]:
            return found
        _, data = session.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        for one in data:
            if isinstance(one, tuple):
                marks = re.search(rb"FLAGS \(([^)]*)\)", one[0])
                assert marks is not None
                flags = frozenset(marks[1].decode().lower().split()) - {"\\recent"}
                found[one[1].decode().strip().removeprefix("Subject: "), flags] += 1
        return found


class Tab:
    """A page of the webmail in a browser of its own, and the view that it was last told to show."""

    def __init__(self, name: str, browser: Browser, server: LocalServer, chance: random.Random) -> None:
        self.name = name
        self.server = server
        self.chance = chance
        self.query: Any = None
        self.refused: dict[str, str] = {}
        self.problems: list[str] = []
        self.context: BrowserContext = browser.new_context(viewport={"width": 1200, "height": HEIGHT}, locale="en-GB")
        self.context.set_default_timeout(PATIENCE)
        self.page: Page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", self._note)
        self.page.route("**/webmail/api/*", self._pass)
        self.page.goto(f"http://localhost:{server.port(80)}/webmail/")
        self.page.get_by_label("Email address").fill(server.user)
        self.page.get_by_label("Password").fill(server.password)
        self.page.get_by_role("button", name="Log in").click()
        expect(self.page.locator(".list-title")).to_have_text("Inbox", timeout=PATIENCE)

    def _note(self, request: Request) -> None:
        """The query of a view that the page asks for."""
        url = urlsplit(request.url)
        asked: Any = None
        if url.path.endswith("/events"):
            asked = json.loads(parse_qs(url.query)["request"][0])
        elif url.path.endswith("/api/request"):
            asked = json.loads(request.post_data or "{}")["request"]
        if asked is not None and asked.get("query") is not None:
            self.query = asked["query"]

    def _pass(self, route: Route) -> None:
        """Let a call go on, unless it is one to be refused."""
        how = self.refused.get(route.request.url.rsplit("/", 1)[1])
        with contextlib.suppress(BrowserError):  # the page has gone on meanwhile
            if how == "lost":
                route.abort()
            elif how == "failed":
                body = json.dumps({"error": {"code": "server:error", "message": "made to fail"}})
                route.fulfill(status=500, content_type="application/json", body=body)
            else:
                route.continue_()

    def press(self, *keys: str) -> None:
        """Keys for the list; what asks or complains is closed before."""
        while self.page.locator("dialog[open]").count():
            self.page.keyboard.press("Escape")
        self.page.evaluate("document.querySelector('.messages')?.focus()")
        for key in keys:
            self.page.keyboard.press(key)

    def command(self, title: str) -> None:
        """A command by the palette."""
        self.press("Control+k")
        dialog = self.page.locator("dialog[open]")
        with contextlib.suppress(BrowserError):
            dialog.wait_for(timeout=2_000)
        if not dialog.count():  # a page that shows nothing yet has no palette
            return
        self.page.keyboard.insert_text(title)
        self.page.keyboard.press("Enter")

    def step(self) -> str:
        """Something at random; what it was."""
        steps: list[tuple[str, Callable[[], None]]] = [
            ("focus", lambda: self.press(*self.chance.choices(("j", "k", "l", "h", "End", "Home", "u", "n"), k=3))),
            ("extend", lambda: self.press("j", *self.chance.choices(("J", "K"), k=2))),
            ("toggle", lambda: self.press("Control+ArrowDown", "Space")),
            ("flag", lambda: self.press("j", "s")),
            ("unread", lambda: self.press("j", self.chance.choice("mM"))),
            ("label", lambda: self.press("j", "1")),
            ("archive", lambda: self.press("j", *["a"] * self.chance.randint(1, 3))),
            ("trash", lambda: self.press("j", "d")),
            ("junk", lambda: self.press("j", self.chance.choice("qQ"))),
            ("undo", lambda: self.press(*["Control+z"] * self.chance.randint(1, 2))),
            ("delete", self.delete),
            ("all", lambda: self.press("Control+a", self.chance.choice(("m", "s", "Escape")))),
            ("mailbox", self.mailbox),
            ("mailbox", self.mailbox),
            ("search", self.search),
            ("threads", self.threads),
            ("fold", lambda: self.press("j", self.chance.choice(("C", "ArrowLeft", "ArrowRight")))),
            ("mute", lambda: self.press("j", "X")),
            ("reload", self.reload),
        ]
        name, do = self.chance.choice(steps)
        do()
        return f"{self.name} {name}"

    def delete(self) -> None:
        """What is selected goes for good, when the question is asked."""
        self.press("j", "D")
        with contextlib.suppress(BrowserError):
            self.page.locator("dialog[open]").get_by_role("button", name="Delete").click(timeout=1_000)

    def mailbox(self) -> None:
        """Open a mailbox, if it is there and in sight."""
        name = self.chance.choice(("Inbox", "Inbox", "Archive", "Boats", "Trash"))
        self.press()
        with contextlib.suppress(BrowserError):
            self.page.locator(".mailbox-open", has_text=name).click(timeout=2_000)

    def search(self) -> None:
        """Search, or end a search."""
        text = self.chance.choice(("boats", "trees mb:Inbox", "subject:number", "label:garden", ""))
        self.press("/")
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)
        self.page.keyboard.press("Enter")

    def reload(self) -> None:
        """Load the page anew, if there is a line."""
        with contextlib.suppress(BrowserError):
            self.page.reload()

    def threads(self) -> None:
        """Show threads otherwise."""
        self.command(self.chance.choice(("No threads", "expanded unless", "expanded if")))

    def cut(self) -> str:
        """A line that is gone for a moment, or calls that fail."""
        how = self.chance.choice(("offline", "lost", "failed"))
        if how == "offline":
            self.context.set_offline(True)
        else:
            self.refused = dict.fromkeys(self.chance.sample(FAULTY, 3), how)
        return f"{self.name} {how} {' '.join(self.refused)}"

    def mend(self) -> None:
        """The line is whole again."""
        self.refused = {}
        self.context.set_offline(False)
        if not self.page.locator(".messages").count():  # it was loaded anew without a line
            self.reload()
        with contextlib.suppress(BrowserError):
            self.press()
            # without a cause an attempt to connect may be a minute away
            self.page.evaluate("dispatchEvent(new Event('online'))")


def run(seed: int, share: float, report: Report) -> None:
    """ROUNDS × share rounds."""
    rounds = max(1, round(ROUNDS * share))
    chance = random.Random(seed)
    kills = 0
    steps: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="moxlite-webmail-") as folder, playing() as playwright:
        with LocalServer(Path(folder) / "server") as server:
            mailer = Mailer(server, chance)
            mailer.imap().create("Boats")
            for _ in range(MOST // 2):
                mailer.append()
            caller = Caller(server.port(80), server.user, server.password)
            caller.log_in()
            browser = playwright.chromium.launch(executable_path=need("chromium"), args=ARGUMENTS)
            tabs = [Tab(name, browser, server, chance) for name in ("first", "second")]
            for number in range(rounds):
                done = [step(tabs, mailer, chance) for _ in range(STEPS)]
                if chance.random() < 0.2:
                    server.kill()
                    done.append("server killed")
                    kills += 1
                    done.append(chance.choice(tabs).step())
                    server.start()
                    mailer.lose()
                steps.update(" ".join(one.split()[:2]) for one in done)
                try:
                    compare(tabs, mailer, caller)
                except Finding as finding:
                    raise Finding(f"round {number}: {finding}; the steps: {', '.join(done)}") from None
            browser.close()
        checked = server.cli("store", "check", "--deep", check=False)
        if checked.returncode != 0:
            raise Finding(f"the store is not sound: {checked.stdout}{checked.stderr}")
    report.tell(f"{rounds} rounds, {steps.total()} steps of all three, {kills} kills of the server")
    report.tell("after each round both pages showed what a fresh query and IMAP told; no page had an error")
    report.table(["Step", "Times"])
    for name, times in sorted(steps.items()):
        report.row(name, times)


def step(tabs: list[Tab], mailer: Mailer, chance: random.Random) -> str:
    """One step of one of them."""
    match chance.choice(("tab", "tab", "tab", "mailer", "mailer", "cut", "mend")):
        case "tab":
            return chance.choice(tabs).step()
        case "mailer":
            return mailer.step()
        case "cut":
            return chance.choice(tabs).cut()
        case _:
            tab = chance.choice(tabs)
            tab.mend()
            return f"{tab.name} mend"


def compare(tabs: list[Tab], mailer: Mailer, caller: Caller) -> None:
    """When all is mended, both pages come to show what is so."""
    for tab in tabs:
        tab.mend()
    end = time.monotonic() + SETTLED
    while wrong := [found for tab in tabs if (found := wrong_in(tab, mailer, caller))]:
        if time.monotonic() > end:
            raise Finding("; ".join(wrong))
        time.sleep(0.2)
    for tab in tabs:
        if wrong := [one for one in tab.problems if one != UNREACHED]:
            raise Finding(f"{tab.name}: {wrong}")


def wrong_in(tab: Tab, mailer: Mailer, caller: Caller) -> str:
    """What a page shows that is not so; "" when all is."""
    while tab.page.locator("dialog[open]").count():
        tab.page.keyboard.press("Escape")
    query = tab.query
    try:
        entries = caller.view(query)
    except (Finding, OSError) as problem:
        return f"{tab.name}: {problem}"
    if wrong := difference(rows_of(tab.page), entries):
        return f"{tab.name} with {json.dumps(query)}: {wrong}"
    title = tab.page.locator(".list-title").inner_text()
    mailbox = {"Inbox": "INBOX"}.get(title, title)
    if title == "Search":
        return ""
    box = query["filter"].get("mailbox_id", 0)
    found = [item for entry in entries for item in entry if item["match_query"]]
    items = [item for item in found if box in (0, item["mailbox_id"])]
    shown = Counter((item["subject"], frozenset([*item["flags"], *item["keywords"]])) for item in items)
    told = mailer.told(mailbox)
    return "" if shown == told else f"{mailbox} is {told - shown} by IMAP, {shown - told} by the webmail"
