"""A day of clients in ten minutes: 20 connections that do at random all that IMAP has, deliveries, kill -9.

The first quarter of the time is rounds in each of which the server is killed at a random moment; then it runs through.
After each round all clients stop, each says NOOP, and what it believes of its mailbox must be what a fresh session
sees; so must what a client with QRESYNC believed when its server was killed, once it has resynchronised. STATUS must
agree with a count. A BAD for a sound command, a NO that blames the server, an EXPUNGE where none may be, a response
that breaks the grammar, changed octets of a message, a crash counted, a finding of `store check --deep` and growing
memory are findings.

Memory is judged in two ways, over the time without kills; it's the anonymous part that counts, for what belongs to
files depends on who else runs. At rest: half-way and at the end all clients leave for a minute, in which the account
is closed and what is free goes back to the system; what is left at the end may be 8 % more than half-way, for pages in
which a single object is left do not go back (the objects themselves, counted for 16 minutes and 66,000 commands, were
as many after two minutes as at the end). Who keeps 250 octets for each command is found so. Under load: the median
between two rounds, all clients being idle, may be 10 % higher in the last quarter than in the third; before, caches
and heaps grow to what the largest commands need.
"""

import contextlib
import random
import re
import smtplib
import statistics
import tempfile
import threading
import time
import urllib.request
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote

import trio

from tests.campaigns._imapclient import Client, Gone, Ledger, View, sequence
from tests.campaigns.report import Finding, Report
from tests.running import LocalServer

__all__ = ["run"]

CLIENTS: Final = 20
KINDS: Final = ("plain", "condstore", "qresync", "rev2", "uidonly", "notify", "delayed", "qresync", "plain", "qresync")
SECONDS: Final = 600.0
"""With all that belongs to it."""
ENDS: Final = 8.0
"""Seconds of it that starting, stopping and the check of the store may take."""
LEAST: Final = 30.0
"""Seconds: a round with a kill, and its comparison."""

KILLS: Final = 10
ROUND: Final = 15.0
SHORTEST_ROUND: Final = 3.0
FULL: Final = 600
"""Messages of a mailbox above which half of them are expunged between two rounds, so that the load stays the same."""
AT_REST: Final = 1.08
UNDER_LOAD: Final = 1.1
JUDGED: Final = 120.0
"""Seconds without kills from which on memory is judged: before, caches still fill."""
REST: Final = 65.0
"""Seconds without clients after which an account is closed and memory given back: what is idle for 30 s, looked at
every 10 s, and at most one trim in 20 s.
"""

STANDARD: Final = ("Inbox", "Archive", "Junk", "Sent")
SCRATCH: Final = ("scratch", "scratch/a", "scratch/b", "scratch/b/c", "Größe", "x & y", "旅行/2026", "z%z*")
WORDS: Final = (r"\Seen", r"\Flagged", r"\Deleted", r"\Answered", r"\Draft", "$Forwarded", "work", "Later")
KEYS: Final = (
    "ALL",
    "UNSEEN",
    "FLAGGED",
    "NOT DELETED",
    "KEYWORD work",
    "UNKEYWORD Later",
    "SUBJECT topic",
    'FROM "sender 1"',
    "BODY lorem",
    "TEXT ipsum",
    "LARGER 3000",
    "SMALLER 2000",
    "SINCE 1-Jan-2020",
    "SENTBEFORE 1-Jan-2030",
    "OLDER 1",
    "YOUNGER 86400",
    "SAVEDSINCE 1-Jan-2020",
    'HEADER X-Sum ""',
    "OR SEEN (FLAGGED NOT DRAFT)",
    "NEW",
    "OLD",
    "RECENT",
)
ITEMS: Final = (
    "FLAGS",
    "FAST",
    "ALL",
    "FULL",
    "(UID ENVELOPE BODYSTRUCTURE RFC822.SIZE INTERNALDATE FLAGS)",
    "(BODY.PEEK[HEADER.FIELDS (SUBJECT FROM DATE MESSAGE-ID)] PREVIEW)",
    "(BODY.PEEK[] UID)",
    "BODY[TEXT]<10.2000>",
    "(BODY.PEEK[1.MIME] BODY.PEEK[2] BINARY.PEEK[1])",
    "BINARY.SIZE[1]",
    "(EMAILID THREADID SAVEDATE PREVIEW (LAZY))",
    "RFC822.HEADER",
)
SORTS: Final = ("ARRIVAL", "REVERSE DATE", "SUBJECT SIZE", "FROM", "DISPLAYTO REVERSE ARRIVAL", "CC")
STATUS: Final = "MESSAGES UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE RECENT HIGHESTMODSEQ MAILBOXID DELETED-STORAGE"


def compose(rng: random.Random) -> bytes:
    """A message, its text protected by a CRC in its header."""
    topic, number = rng.randrange(30), rng.getrandbits(40)
    size = rng.choice((1, 1, 3, 10, 40)) if rng.random() < 0.97 else 4000
    lines = [f"lorem {rng.getrandbits(64):x} ipsum {'dolor ' * 8}" for _ in range(4 * size)]
    text = "\r\n".join(lines) + "\r\n"
    kind = "text/plain; charset=utf-8"
    if rng.random() < 0.4:
        part = "\r\nContent-Type: {}\r\nContent-Transfer-Encoding: {}\r\n\r\n{}\r\n--b"
        attached = "\r\n".join([rng.randbytes(38).hex()] * size)
        text = (
            "--b"
            + part.format("text/html; charset=utf-8", "8bit", f"<p>größer</p>{text}")
            + part.format('application/octet-stream; name="a.bin"', "base64", attached)
            + "--\r\n"
        )
        kind = "multipart/mixed; boundary=b"
    body = text.encode()
    thread = f"References: <{topic}@stress.example>\r\n" if rng.random() < 0.6 else ""
    head = (
        f"From: sender {rng.randrange(9)} <s{rng.randrange(50)}@remote.example>\r\nTo: moxlite@localhost\r\n"
        f"Subject: {rng.choice(('', 'Re: ', 'Fwd: '))}topic {topic}\r\nMessage-ID: <{number:x}@stress.example>\r\n"
        f"Date: Thu, {rng.randrange(1, 29):02} Oct 2026 10:00:00 +0200\r\n{thread}X-Sum: {zlib.crc32(body)}\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    )
    return head.encode() + body


class Actor:
    """A client and what it may do, each with its weight."""

    def __init__(self, client: Client) -> None:
        self.client, self.rng = client, client.rng

    @property
    def view(self) -> View:
        """The selected mailbox."""
        assert self.client.view is not None
        return self.client.view

    def some(self, most: int = 5) -> tuple[str, str]:
        """``UID `` and some UIDs, or nothing and some numbers."""
        if self.client.by_uid or self.rng.random() < 0.6:
            pool = self.view.known
            if self.rng.random() < 0.1:
                return "UID ", f"{self.rng.choice(pool)}:*"
            return "UID ", sequence(self.rng.sample(pool, min(len(pool), self.rng.randint(1, most))))
        count = len(self.view.uids)
        return "", sequence(self.rng.sample(range(1, count + 1), min(count, self.rng.randint(1, most))))

    def box(self) -> str:
        """A mailbox in wire form that most probably exists."""
        names = sorted(self.client.names) or STANDARD
        return self.client.mailbox(self.rng.choice(names if self.rng.random() < 0.5 else STANDARD))

    def key(self, *, numbers: bool = True) -> str:
        """A search program."""
        keys = self.rng.choices(KEYS, k=self.rng.choice((1, 1, 2, 3)))
        if numbers and self.view.known and self.rng.random() < 0.2:
            keys.append("UID " + sequence(self.rng.sample(self.view.known, min(5, len(self.view.known)))))
        if self.client.kind in ("condstore", "qresync") and self.rng.random() < 0.1:
            keys.append("MODSEQ 1")
        return " ".join(keys)

    # --- the selected mailbox

    async def noop(self) -> None:
        await self.client.ok("NOOP")

    async def fetch(self) -> None:
        uid, numbers = self.some(20)
        items = self.rng.choice(ITEMS)
        if self.client.kind in ("condstore", "qresync") and self.rng.random() < 0.2:
            await self.client.run(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {max(1, self.view.modseq - 5)})")
        else:
            await self.client.run(f"{uid}FETCH {numbers} {items}")

    async def fetch_part(self) -> None:
        await self.client.run(f"UID FETCH 1:* (FLAGS) (PARTIAL {self.rng.choice(('1:20', '-1:-20'))})")

    async def store(self) -> None:
        uid, numbers = self.some()
        words = " ".join(self.rng.sample((*WORDS, "$Junk", "$NotJunk", "Junk"), self.rng.randint(0, 3)))
        condition = ""
        if self.client.kind in ("condstore", "qresync") and self.rng.random() < 0.3:
            condition = f" (UNCHANGEDSINCE {self.view.modseq})"
        await self.client.run(f"{uid}STORE {numbers}{condition} {self.rng.choice(('', '+', '-'))}FLAGS ({words})")

    async def store_silently(self) -> None:
        """The client believes its own change at once, and takes it back when it never learns the outcome."""
        view, word = self.view, self.rng.choice(WORDS)
        chosen = self.rng.sample(view.known, min(len(view.known), 3))
        before = {uid: view.flags[uid] for uid in chosen if uid in view.flags}
        for uid in before:
            view.flags[uid] |= {word}
        try:
            await self.client.run(f"UID STORE {sequence(chosen)} +FLAGS.SILENT ({word})")
        except Gone:
            view.flags |= {uid: flags for uid, flags in before.items() if uid in view.flags}
            raise

    async def expunge(self) -> None:
        if self.rng.random() < 0.5:
            await self.client.run("EXPUNGE")
        else:
            await self.client.run(f"UID EXPUNGE {sequence(self.rng.sample(self.view.known, 1))}")

    async def copy(self) -> None:
        uid, numbers = self.some()
        await self.client.run(f"{uid}{self.rng.choice(('COPY', 'MOVE'))} {numbers} {self.box()}")

    async def replace(self) -> None:
        [uid] = self.rng.sample(self.view.known, 1)
        await self.client.run(f"UID REPLACE {uid} {self.box()} ({self.rng.choice(WORDS)}) {{}}", compose(self.rng))

    async def search(self) -> None:
        uid = "UID " if self.client.by_uid or self.rng.random() < 0.5 else ""
        returns = self.rng.choice(("", "", "RETURN () ", "RETURN (MIN MAX COUNT) ", "RETURN (SAVE) ", "RETURN (ALL) "))
        if self.rng.random() < 0.1:
            returns = "RETURN (PARTIAL 1:10) "
        charset = self.rng.choice(("", "", "CHARSET UTF-8 ")) if not self.client.codec.utf8 else ""
        await self.client.run(f"{uid}SEARCH {returns}{charset}{self.key()}")
        if "SAVE" in returns and not self.client.uidonly:
            await self.client.run("UID FETCH $ (FLAGS)")

    async def sort(self) -> None:
        uid = "UID " if self.client.by_uid or self.rng.random() < 0.5 else ""
        returns = self.rng.choice(("", "", "RETURN (COUNT MIN) ", "RETURN (PARTIAL 1:5) "))
        await self.client.run(f"{uid}SORT {returns}({self.rng.choice(SORTS)}) UTF-8 {self.key()}")

    async def thread(self) -> None:
        uid = "UID " if self.client.by_uid or self.rng.random() < 0.5 else ""
        await self.client.run(f"{uid}THREAD {self.rng.choice(('REFERENCES', 'ORDEREDSUBJECT'))} UTF-8 {self.key()}")

    async def idle(self) -> None:
        """IDLE, read, or let lie for a while."""
        client = self.client
        tag = await client.begin("IDLE")
        await client.go_ahead(tag)
        seconds = self.rng.choice((0.05, 0.2, 1.0))
        if self.rng.random() < 0.3:
            await trio.sleep(seconds)
        else:
            with trio.move_on_after(seconds):
                while True:
                    await client.receive()
            while (response := client.codec.next_response()) is not None:
                client.apply(response)
        await client.send(b"DONE\r\n")
        await client.end(tag, "IDLE")

    async def pipeline(self) -> None:
        """Several commands at once."""
        known = self.view.known
        texts = ["NOOP", f"STATUS {self.box()} ({STATUS})", 'LIST "" "%"']
        if known:
            uids = sequence(self.rng.sample(known, min(3, len(known))))
            texts += [f"UID FETCH {uids} (ENVELOPE)", f"UID STORE {uids} +FLAGS (piped)", f"UID SEARCH UID {uids}"]
        chosen = self.rng.choices(texts, k=self.rng.randint(2, 15))
        tags = [(await self.client.begin(text), text) for text in chosen]
        for tag, text in tags:
            await self.client.end(tag, text)

    async def slow(self) -> None:
        """Ask for everything, read in drops for a while, then all of it, or hang up."""
        client = self.client
        tag = await client.begin("UID FETCH 1:* (BODY.PEEK[])")
        for _ in range(self.rng.randint(1, 20)):
            with trio.move_on_after(1):
                await client.receive(self.rng.choice((1, 100, 4096)))
            await trio.sleep(0.05)
        if self.rng.random() < 0.5:
            await self.drop()
        await client.end(tag, "UID FETCH 1:* (BODY.PEEK[])")

    # --- mailboxes

    async def select(self) -> None:
        names = sorted(self.client.names) if self.rng.random() < 0.3 and self.client.names else STANDARD
        await self.client.select(self.rng.choice(names), examine=self.rng.random() < 0.1)

    async def leave(self) -> None:
        self.client.keep()
        await self.client.run(self.rng.choice(("CLOSE", "UNSELECT")))
        self.client.view = None

    async def listing(self) -> None:
        quoted = self.client.mailbox("scratch")
        text = self.rng.choice(
            (
                'LIST "" "*"',
                'LIST "" "%/%"',
                f'LIST {quoted} "*"',
                'LIST (SUBSCRIBED) "" "*" RETURN (CHILDREN)',
                f'LIST "" ("Inbox" "%") RETURN (STATUS ({STATUS}) SPECIAL-USE)',
                'LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"',
                'LIST "" "*" RETURN (METADATA (/private/comment))',
                'LSUB "" "%"',
            )
        )
        await self.client.run(text)

    async def status(self) -> None:
        await self.client.run(f"STATUS {self.box()} ({STATUS})")

    async def create(self) -> None:
        use = self.rng.choice(("", "", "", r" (USE (\Archive))"))
        await self.client.run(f"CREATE {self.client.mailbox(self.rng.choice(SCRATCH))}{use}")

    async def delete(self) -> None:
        await self.client.run(f"DELETE {self.client.mailbox(self.rng.choice(SCRATCH))}")

    async def rename(self) -> None:
        source, target = self.rng.sample((*SCRATCH, "scratch/b/c/d"), 2)
        if self.rng.random() < 0.03:
            source = "INBOX"
        await self.client.run(f"RENAME {self.client.mailbox(source)} {self.client.mailbox(target)}")

    async def subscribe(self) -> None:
        await self.client.run(f"{self.rng.choice(('SUBSCRIBE', 'UNSUBSCRIBE'))} {self.box()}")

    async def metadata(self) -> None:
        entry = f"/private/vendor/stress/{self.rng.randrange(5)}"
        box = self.rng.choice(('""', self.box()))
        if self.rng.random() < 0.5:
            value = self.rng.choice(("NIL", "{}"))
            literals = (self.rng.randbytes(20).hex().encode(),) if value == "{}" else ()
            await self.client.run(f"SETMETADATA {box} ({entry} {value})", *literals)
        else:
            await self.client.run(f"GETMETADATA (DEPTH infinity MAXSIZE 30) {box} (/private/vendor)")

    async def ask(self) -> None:
        text = self.rng.choice(
            ("CAPABILITY", "NAMESPACE", 'ID ("name" "stress")', 'GETQUOTA ""', "GETQUOTAROOT INBOX", "ID NIL")
        )
        await self.client.run(text)

    async def multisearch(self) -> None:
        source = self.rng.choice(("personal", "subscribed", f"mailboxes ({self.box()} {self.box()})", "inboxes"))
        await self.client.run(f"ESEARCH IN ({source}) RETURN (COUNT ALL) {self.key(numbers=False)}")

    async def notify(self) -> None:
        """Other mailboxes in other words; the selected one is always told, or nothing at all until it's selected."""
        client = self.client
        if self.rng.random() < 0.2:
            await client.ok("NOTIFY NONE")
            client.blind = True
            await trio.sleep(0.1)
        selected = "selected-delayed" if client.kind == "delayed" else "selected"
        others = self.rng.choice(
            (
                "",
                " (personal (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))",
                " (subtree scratch (MessageNew MessageExpunge MailboxMetadataChange))",
                " (inboxes NONE) (subscribed (MailboxName))",
            )
        )
        status = self.rng.choice(("", " STATUS"))
        await client.ok(f"NOTIFY SET{status} ({selected} (MessageNew MessageExpunge FlagChange)){others}")
        client.blind = False

    # --- messages

    async def append(self) -> None:
        messages = [compose(self.rng) for _ in range(self.rng.choice((1, 1, 1, 3)))]
        words = " ".join(self.rng.sample(WORDS, self.rng.randint(0, 2)))
        date = self.rng.choice(("", '"01-Feb-2020 03:04:05 -0800" '))
        kind = self.rng.choice(("{}", "{}", "UTF8 (~{})", "~{}"))
        await self.client.run(
            f"APPEND {self.box()} " + " ".join([f"({words}) {date}{kind}"] * len(messages)), *messages
        )

    async def catenate(self) -> None:
        view = self.view
        uid = self.rng.choice(view.known)
        url = f"/{quoted(view.name)};UIDVALIDITY={view.uidvalidity}/;UID={uid}/;SECTION=TEXT"
        parts = f'(TEXT {{}} URL "{url}" TEXT {{}})'
        await self.client.run(f"APPEND {self.box()} () CATENATE {parts}", b"Subject: joined\r\n\r\n", b"\r\nend\r\n")

    async def bad(self) -> None:
        """What no sound client sends; then something sound, so that it isn't thrown out (IMAP-18)."""
        text = self.rng.choice(
            ("FROB", "FETCH", "UID", 'SELECT "', "SEARCH FROM", "STORE 0 FLAGS ()", "LIST", "UID FETCH")
        )
        state = await self.client.run(text, bad=True)
        if state.condition == "OK":
            raise self.client.wrong(f"{text!r} was answered with OK")
        await self.client.ok("NOOP")

    # --- ends

    async def drop(self) -> None:
        """Hang up, perhaps within a command or a literal."""
        rest = (
            b"",
            b"t UID FET",
            b"t APPEND INBOX {1000+}\r\nSubject: never\r\n",
            b"t LOGOUT\r\n",
            b"t APPEND INBOX {9}\r\n",
        )
        await self.client.send(self.rng.choice(rest))
        await self.client.hang_up()
        raise Gone

    async def leave_politely(self) -> None:
        await self.client.logout()
        raise Gone


Action = Callable[[Actor], Awaitable[None]]
ANYTIME: Final[dict[Action, int]] = {
    Actor.noop: 8,
    Actor.select: 12,
    Actor.listing: 5,
    Actor.status: 6,
    Actor.create: 3,
    Actor.delete: 2,
    Actor.rename: 3,
    Actor.subscribe: 2,
    Actor.metadata: 4,
    Actor.ask: 3,
    Actor.multisearch: 3,
    Actor.append: 10,
    Actor.idle: 6,
    Actor.bad: 1,
    Actor.drop: 2,
    Actor.leave_politely: 1,
}
SELECTED: Final[dict[Action, int]] = {
    Actor.leave: 2,
    Actor.pipeline: 4,
}
WITH_MESSAGES: Final[dict[Action, int]] = {
    Actor.fetch: 25,
    Actor.fetch_part: 3,
    Actor.search: 10,
    Actor.sort: 4,
    Actor.thread: 3,
    Actor.slow: 1,
    Actor.store: 15,
    Actor.store_silently: 6,
    Actor.expunge: 6,
    Actor.copy: 10,
    Actor.replace: 2,
    Actor.catenate: 3,
}
READING: Final = {Actor.fetch, Actor.fetch_part, Actor.search, Actor.sort, Actor.thread, Actor.slow, Actor.catenate}


def quoted(name: str) -> str:
    """A mailbox in an IMAP URL."""
    return quote(name, safe="/")


async def act(client: Client, until: float) -> None:
    """Do this and that until the time is over, connecting again when the connection is gone."""
    actor = Actor(client)
    rng = client.rng
    with contextlib.suppress(Gone):
        while trio.current_time() < until and not client.ledger.killed:
            if client.stream is None:
                await client.connect(tls=rng.random() < 0.3, compress=rng.random() < 0.3)
                if client.notified:
                    await actor.notify()
                await client.select(rng.choice(STANDARD))
            weights = dict(ANYTIME)
            if client.notified:
                weights[Actor.notify] = 5
            view = client.view
            if view is not None:
                weights |= SELECTED
                if view.known and None not in view.uids:
                    weights |= {a: w for a, w in WITH_MESSAGES.items() if not view.readonly or a in READING}
            if client.notified:
                # what is told while a silent STORE is on its way may be from before it, or from after
                weights.pop(Actor.store_silently, None)
            [action] = rng.choices(list(weights), list(weights.values()))
            try:
                await action(actor)
            except Gone:
                await client.hang_up()
    if client.ledger.killed:
        await client.hang_up()


def deliver(server: LocalServer, rng: random.Random, stop: threading.Event, ledger: Ledger) -> None:
    """Messages by SMTP, a few a second."""
    try:
        with smtplib.SMTP("127.0.0.1", server.port(25), timeout=60) as smtp:
            while not stop.wait(rng.uniform(0.02, 0.3)):
                try:
                    smtp.sendmail("s@remote.example", [server.user], compose(rng))
                except smtplib.SMTPDataError as refusal:
                    if refusal.smtp_code != 451:
                        raise
                    ledger.commands["delivery refused as junk"] += 1  # clients mark this sender's mail as junk, too
                else:
                    ledger.commands["delivery"] += 1
    except (OSError, smtplib.SMTPException):
        if not ledger.killed:
            raise


async def play(clients: list[Client], ledger: Ledger, seconds: float, kill_after: float | None, seed: int) -> None:
    """One round; with a kill in it, or to its end."""
    until = trio.current_time() + seconds
    stop = threading.Event()
    ledger.killed = False
    async with trio.open_nursery() as nursery:
        for client in clients:
            nursery.start_soon(act, client, until)
        nursery.start_soon(trio.to_thread.run_sync, deliver, ledger.server, random.Random(seed), stop, ledger)
        try:
            if kill_after is None:
                await trio.sleep_until(until)
            else:
                await trio.sleep(kill_after)
                ledger.killed = True
                ledger.server.kill()
        finally:
            stop.set()


async def look(clients: list[Client], ledger: Ledger) -> None:
    """All are quiet: what each believes must be what there is."""
    fresh = Client("fresh", "plain", random.Random(0), ledger)
    await fresh.connect()
    await fresh.ok('LIST "" "*"')
    truth: dict[str, View] = {}
    for name in sorted(fresh.names):
        if not await fresh.select(name, examine=True):
            raise fresh.wrong(f"{name!r} is listed, and can't be selected")
        assert fresh.view is not None
        truth[fresh.view.mailbox_id] = fresh.view
        await compare_status(fresh)
    for client in clients:
        if client.stream is None or client.view is None or client.blind:
            continue
        await client.ok("NOOP")
        view = client.view
        held = truth.get(view.mailbox_id)
        if held is None:
            continue  # removed by another; the next command that needs it is told so
        if view.uids != held.uids or view.flags != held.flags:
            differing = [uid for uid in held.flags if view.flags.get(uid) != held.flags[uid]]
            raise client.wrong(
                f"believes in {len(view.uids)} messages of {view.name!r}, there are {len(held.uids)}; "
                f"too many: {sorted(set(view.known) - set(held.known))[:5]}, "
                f"missing: {sorted(set(held.known) - set(view.known))[:5]}, differing flags: "
                f"{[(uid, sorted(view.flags.get(uid, ())), sorted(held.flags[uid])) for uid in differing[:3]]}"
            )
    for view in truth.values():
        if len(view.uids) > FULL:
            await fresh.select(view.name)
            half = sequence(view.known[: len(view.uids) // 2])
            await fresh.run(f"UID STORE {half} +FLAGS.SILENT (\\Deleted)")
            await fresh.run(f"UID EXPUNGE {half}")
    await fresh.logout()


async def compare_status(fresh: Client) -> None:
    """STATUS must agree with a count of what was fetched."""
    view = fresh.view
    assert view is not None
    tag = await fresh.begin(f"STATUS {fresh.mailbox(view.name)} (MESSAGES UNSEEN DELETED)")
    await fresh.end(tag, "STATUS")
    line = next(line for line in reversed(fresh.trail) if "StatusData" in line)
    told = {name: int(value) for name, value in re.findall(r"'(MESSAGES|UNSEEN|DELETED)', (\d+)", line)}
    counted = {
        "MESSAGES": len(view.uids),
        "UNSEEN": sum(r"\Seen" not in flags for flags in view.flags.values()),
        "DELETED": sum(r"\Deleted" in flags for flags in view.flags.values()),
    }
    if told != counted:
        raise fresh.wrong(f"STATUS of {view.name!r} says {told}, counted are {counted}")


def anonymous(server: LocalServer) -> int:
    """Memory of the server and its children that belongs to no file, in octets."""
    total = 0
    for pid in server.pids():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            match = re.search(r"(?m)^Pss_Anon:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text())
            total += int(match[1]) * 1024 if match else 0
    return total


def panics(server: LocalServer) -> list[str]:
    """Crashes counted."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port(81)}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    return [line for line in text.splitlines() if re.match(r"moxlite_panic_total\{.*\} [^0]", line)]


async def campaign(ledger: Ledger, rng: random.Random, seconds: float, kills: int, report: Report) -> None:
    """All rounds."""
    server = ledger.server
    clients = [
        Client(f"{number}", KINDS[number % len(KINDS)], random.Random(rng.getrandbits(32)), ledger)
        for number in range(CLIENTS)
    ]
    kill_round = seconds / 4 / kills
    for number in range(kills):
        await play(clients, ledger, kill_round, rng.uniform(0.3, 1) * kill_round, rng.getrandbits(32))
        if "Traceback" in server.log():
            raise Finding(f"a traceback before kill {number + 1}:\n{server.log()[-3000:]}")
        server.start()
        ledger.killed = False
        await resume(clients)
        await look(clients, ledger)
    began = time.monotonic()
    stretch = max(2 * SHORTEST_ROUND, seconds * 3 / 4)
    rested = stretch - 2 * REST >= JUDGED
    if rested:
        stretch -= 2 * REST
    each = max(SHORTEST_ROUND, min(ROUND, stretch / 8))
    samples: list[tuple[float, int]] = []
    rests: list[int] = []
    while (left := began + stretch - time.monotonic()) > 0:
        await play(clients, ledger, min(left, each), None, rng.getrandbits(32))
        await look(clients, ledger)
        samples.append((time.monotonic() - began, anonymous(server)))
        if rested and not rests and time.monotonic() - began >= stretch / 2:
            rests.append(await rest(clients, server))
            began += REST
    lasted = time.monotonic() - began
    if rests:
        rests.append(await rest(clients, server))
    else:
        await leave(clients)
    judge(samples, rests, lasted, report)


async def leave(clients: list[Client]) -> None:
    """All log out."""
    for client in clients:
        if client.stream is not None:
            with contextlib.suppress(Gone):
                await client.logout()


async def rest(clients: list[Client], server: LocalServer) -> int:
    """All leave for a minute; what the server's memory is then."""
    await leave(clients)
    await trio.sleep(REST)
    return anonymous(server)


async def resume(clients: list[Client]) -> None:
    """After a kill, those with QRESYNC go on from what they knew of one of their mailboxes."""
    for client in clients:
        if client.saved:
            await client.connect()
            await client.select(client.rng.choice(sorted(client.saved)))


def judge(samples: list[tuple[float, int]], rests: list[int], lasted: float, report: Report) -> None:
    """Whether memory was flat: see above."""
    told = ", ".join(f"{size / 2**20:.0f}" for _, size in samples)
    report.tell(f"memory between rounds, in {lasted:.0f} s without a kill: {told} MiB")
    third = [size for at, size in samples if 0.5 * lasted <= at <= 0.75 * lasted]
    last = [size for at, size in samples if 0.75 * lasted < at]
    if not rests or not third or not last:
        return
    for kind, before, after, bound in (
        ("at rest, half-way and at the end", rests[0], rests[1], AT_REST),
        (
            "under load, median of the third and of the last quarter",
            statistics.median(third),
            statistics.median(last),
            UNDER_LOAD,
        ),
    ):
        told = f"memory {kind}: {before / 2**20:.1f} and {after / 2**20:.1f} MiB, {100 * (after / before - 1):+.1f} %"
        report.tell(f"{told} (at most +{100 * (bound - 1):.0f} %)")
        if after > before * bound:
            raise Finding(f"memory grew: {told}")


def run(seed: int, share: float, report: Report) -> None:
    """SECONDS × share seconds, at least `LEAST`, with KILLS × share kills, but two."""
    seconds, kills = max(LEAST, SECONDS * share) - ENDS, max(1, round(KILLS * share))
    with tempfile.TemporaryDirectory(prefix="moxlite-stress-") as folder:
        with LocalServer(Path(folder) / "server") as server:
            ledger = Ledger(server)
            try:
                trio.run(campaign, ledger, random.Random(seed), seconds, kills, report)
            except* Finding as group:
                raise Finding(f"{first(group)}\n{server.log()[-3000:]}") from None
            if crashed := panics(server):
                raise Finding(f"crashes were counted: {crashed}\n{server.log()[-3000:]}")
        if server.process.returncode != 0:
            raise Finding(f"the server ended with {server.process.returncode}: {server.log()[-2000:]}")
        checked = server.cli("store", "check", "--deep", check=False)
        if checked.returncode != 0:
            raise Finding(f"store check --deep: {checked.stdout}{checked.stderr}")
    total = ledger.commands.total()
    report.tell(f"{CLIENTS} clients, {total} commands and deliveries of {len(ledger.commands)} kinds, {kills} kills")
    report.tell("commands: " + ", ".join(f"{count} {name}" for name, count in ledger.commands.most_common()))
    report.tell("refused: " + ", ".join(f"{count} {name}" for name, count in ledger.refused.most_common()))
    report.tell(
        "every view agreed with a fresh session after every round; panic counters 0; `store check --deep`: clean"
    )


def first(group: BaseExceptionGroup[Finding]) -> Finding:
    """The first finding of a group of groups."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Finding)
    return error
