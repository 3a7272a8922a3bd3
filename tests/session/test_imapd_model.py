"""Several clients at random on one account: what each was told must be what the store holds (IMAP-174)."""

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from moxlite.imapd import loop
from moxlite.imapd.updates import changes
from moxlite.proto.imap import commands as c, responses as r
from moxlite.proto.imap.client import ClientDecoder
from moxlite.proto.imap.fetchitems import Attribute
from moxlite.proto.imap.seqset import STAR, SequenceSet
from moxlite.proto.imap.writing.write import encode_command
from moxlite.store.changelog import unit
from moxlite.store.changelog.account import Account
from moxlite.store.rows.mailboxes import flag_words
from tests.session.imapd_harness import Client, Imap, imap
from tests.store_mail import put, rows

pytestmark = pytest.mark.served

__all__ = ["imap"]

WORDS = (r"\Seen", r"\Flagged", r"\Deleted", "$Forwarded", "work", "Later")
BOXES = ("Inbox", "Archive")
STEPS = 120
ACTIONS = (
    *("store", "store", "silent", "expunge", "uidexpunge", "copy", "move"),
    *("append", "deliver", "select", "noop", "idle", "fetch"),
)


def flags_in(values: dict[str, r.FetchValue]) -> frozenset[str]:
    """FLAGS of a FETCH response, without what is of this session only."""
    flags = values["FLAGS"]
    assert isinstance(flags, tuple)
    return frozenset(flags) - {r"\Recent"}


class Mirror:
    """A client that believes what it's told, and nothing else."""

    def __init__(self, name: str, client: Client) -> None:
        self.name = name
        self.client = client
        self.codec = ClientDecoder()
        self.mailbox: str | None = None
        self.uids: list[int | None] = []
        self.flags: dict[int, frozenset[str]] = {}
        self.log: list[str] = []
        self.idling = False
        self.exists = 0
        self.highest = 0  # modseq seen: what a client goes on from when it comes again
        self.uidonly = name.startswith("uidonly")
        self.notified = name in ("notify", "delayed", "uidonly-notify")  # told at any time
        self.by_uid = self.uidonly or name == "notify"  # whom numbers say nothing

    async def next(self) -> r.Response:
        """The next response."""
        while True:
            response = self.codec.next_response()
            if response is not None:
                return response
            data = await self.client.stream.receive_some()
            assert data, "the server hung up"
            self.codec.feed(bytes(data))

    async def run(self, command: c.Command, messages: tuple[bytes, ...] = ()) -> r.State:
        """Carry out a command, believing each response."""
        self.log.append(f"{self.name}: {command}")
        await self.client.send(encode_command("t", command, messages=messages)[0])
        return await self.believe("t")

    async def believe(self, tag: str) -> r.State:
        """Apply responses up to the tagged one."""
        while True:
            response = await self.next()
            self.log.append(f"   {response}")
            if isinstance(response, r.State) and response.tag == tag:
                return response
            self.apply(response)

    async def read_all(self) -> None:
        """NOOP until nothing more is told."""
        while True:
            before = len(self.log)
            await self.run(c.Noop())
            if len(self.log) == before + 2:  # the command and its tagged response
                return

    def apply(self, response: r.Response) -> None:
        """What a response says about the view."""
        if isinstance(response, r.FetchData):
            modseq = dict(response.items).get("MODSEQ", 0)
            assert isinstance(modseq, int)
            self.highest = max(self.highest, modseq)
        match response:
            case r.Exists(number=number) if self.uidonly:
                assert number >= self.exists
                self.exists = number  # the messages follow as UIDFETCH
            case r.Exists(number=number):
                assert number >= len(self.uids)
                self.uids += [None] * (number - len(self.uids))
            case r.ExpungeData(number=number):
                uid = self.uids.pop(number - 1)
                if uid is not None:
                    self.flags.pop(uid, None)
            case r.Vanished(uids=ranges):
                gone = {uid for low, high in ranges for uid in range(low, high + 1)}
                assert gone <= set(self.uids), "VANISHED of a message never told of"
                self.uids = [uid for uid in self.uids if uid not in gone]
                self.exists -= len(gone)
                for uid in gone:
                    self.flags.pop(uid, None)
            case r.FetchData(number=number, items=items, uid=True):
                assert self.uidonly
                if number not in self.uids:
                    self.uids.clear()
                    self.uids.extend(sorted({*self.flags, number}))
                self.flags[number] = flags_in(dict(items))
            case r.FetchData(number=number, items=items):
                assert not self.uidonly
                values = dict(items)
                told = values.get("UID", self.uids[number - 1])
                assert isinstance(told, int)
                assert self.uids[number - 1] in (None, told), "two UIDs for one number"
                self.uids[number - 1] = told
                if "FLAGS" in values:
                    self.flags[told] = flags_in(values)

    async def select(self, mailbox: str) -> None:
        """SELECT, and read all flags."""
        self.uids, self.flags, self.mailbox, self.exists, self.highest = [], {}, mailbox, 0, 0
        assert (await self.run(c.Select(mailbox))).condition == "OK"
        if self.uids or self.uidonly:
            await self.run(c.Fetch(SequenceSet(((1, STAR),)), (Attribute.UID, Attribute.FLAGS), self.uidonly))

    async def idle(self) -> None:
        """Begin or end IDLE."""
        if not self.idling:
            await self.client.send("t IDLE\r\n")
            while not isinstance(response := await self.next(), r.Continue):
                self.apply(response)
            self.idling = True
        else:
            await self.client.send("DONE\r\n")
            assert (await self.believe("t")).condition == "OK"
            self.idling = False


async def content(account: Account, mailbox: str) -> dict[int, frozenset[str]]:
    """What the store holds: flags by UID; keywords as first spelled."""
    spelled = {"work": "work", "later": "Later"}
    return {row.uid: frozenset(flag_words(row.flags, row.keywords, spelled)) for row in await rows(account, mailbox)}


@asynccontextmanager
async def mirrors(imap: Imap) -> AsyncIterator[list[Mirror]]:
    """Clients that speak differently."""
    async with AsyncExitStack() as stack:
        found = []
        for name, enable in (
            ("plain", ()),
            ("condstore", ("CONDSTORE",)),
            ("qresync", ("QRESYNC",)),
            ("rev2", ("IMAP4rev2",)),
            ("uidonly", ("UIDONLY",)),
        ):
            client = await stack.enter_async_context(imap.user(select=None, enable=enable))
            found.append(Mirror(name, client))
        for name, source, enable in (
            ("notify", "selected", ()),
            ("delayed", "selected-delayed", ()),
            ("uidonly-notify", "selected-delayed", ("UIDONLY",)),
        ):
            client = await stack.enter_async_context(imap.user(select=None, enable=enable))
            await client.ok(f"n NOTIFY SET ({source} (MessageNew MessageExpunge FlagChange))")
            found.append(Mirror(name, client))
        yield found


def some(random_: random.Random, numbers: list[int]) -> SequenceSet:
    """A set of some of these numbers, or of a range over them."""
    if random_.random() < 0.2:
        return SequenceSet(((random_.choice(numbers), STAR),))
    return SequenceSet.of(random_.sample(numbers, random_.randint(1, min(4, len(numbers)))))


async def step(random_: random.Random, mirror: Mirror, account: Account) -> None:
    """One thing that a client, or the world, may do."""
    if mirror.idling:
        await mirror.idle()
        return
    action = random_.choice(ACTIONS)
    if mirror.notified:
        await mirror.read_all()  # read what has been told meanwhile
    uid = mirror.by_uid or random_.random() < 0.5
    known = [u for u in mirror.uids if u is not None]
    if action in ("store", "silent", "copy", "move", "fetch", "uidexpunge") and not known:
        action = "deliver"
    numbers = some(random_, known if uid else list(range(1, len(mirror.uids) + 1))) if known else SequenceSet()
    match action:
        case "store":
            mode = random_.choice(list(c.StoreMode))
            words = tuple(random_.sample(WORDS, random_.randint(0, 3)))
            await mirror.run(c.Store(numbers, mode, words, uid))
        case "silent":
            word = random_.choice(WORDS)
            named = numbers.resolve(max(known) if uid else len(mirror.uids))
            chosen = [n for low, high in named for n in range(low, high + 1)]
            before = [n for n in chosen if n in known] if uid else [mirror.uids[n - 1] for n in chosen]
            for one in before:
                if one in mirror.flags:
                    mirror.flags[one] |= {word}
            state = await mirror.run(c.Store(numbers, c.StoreMode.ADD, (word,), uid, silent=True))
            assert state.condition in ("OK", "NO")
        case "expunge":
            await mirror.run(c.Expunge())
        case "uidexpunge":
            await mirror.run(c.Expunge(some(random_, known)))
        case "copy":
            await mirror.run(c.Copy(numbers, random_.choice(BOXES), uid))
        case "move":
            await mirror.run(c.Move(numbers, random_.choice(BOXES), uid))
        case "append":
            message = c.AppendMessage(0, tuple(random_.sample(WORDS, 1)))
            await mirror.run(c.Append(random_.choice(BOXES), (message, message)), (b"a: b\r\n\r\nx", b"c: d\r\n\r\ny"))
        case "deliver":
            await put(account, random_.randint(1, 3), random_.choice(BOXES), first=random_.randrange(1 << 40))
        case "select":
            await mirror.select(random_.choice(BOXES))
        case "fetch":
            await mirror.run(c.Fetch(numbers, (Attribute.FLAGS, Attribute.UID), uid))
        case "idle":
            await mirror.idle()
        case "noop":
            await mirror.run(c.Noop())


async def check_highest(mirror: Mirror, account: Account) -> None:
    """A client that goes on from the highest modseq it has seen misses nothing (RFC 7162 §3.1.3)."""
    assert mirror.mailbox is not None
    trail = "\n".join(mirror.log[-40:])
    expected = await content(account, mirror.mailbox)
    for row in await rows(account, mirror.mailbox):
        if row.modseq <= mirror.highest:
            assert mirror.flags.get(row.uid) == expected[row.uid], f"{mirror.name} {row.uid}\n{trail}"


async def check(mirror: Mirror, account: Account) -> None:
    """Once nothing more is told, a client knows just what there is."""
    if mirror.idling:
        await mirror.idle()
    await mirror.read_all()
    assert mirror.mailbox is not None
    expected = await content(account, mirror.mailbox)
    trail = "\n".join(mirror.log[-40:])
    assert mirror.uids == sorted(expected), f"{mirror.name}\n{trail}"
    assert mirror.flags == expected, f"{mirror.name}\n{trail}"
    assert not mirror.uidonly or mirror.exists == len(expected), f"{mirror.name}\n{trail}"


@pytest.mark.parametrize("seed", range(6))
async def test_every_client_knows_what_the_store_holds(imap: Imap, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-10, IMAP-53, IMAP-54, IMAP-55, IMAP-61a, IMAP-152, IMAP-174; with odd seeds, changes of two messages and
    more are read from the log; with the last two, each command tells one portion.
    """
    if seed % 2:
        monkeypatch.setattr(unit, "MARK_ROWS", 1)
    if seed > 3:
        for name in ("TELL", "TELL_NOOP"):
            monkeypatch.setattr(loop, name, 1)
        monkeypatch.setattr(changes, "PORTION", 1)
    random_ = random.Random(seed)
    async with imap.account() as account, mirrors(imap) as clients:
        await put(account, 5)
        for mirror in clients:
            await mirror.select("Inbox")
        for number in range(STEPS):
            mirror = random_.choice(clients)
            await step(random_, mirror, account)
            if not mirror.idling:
                await check_highest(mirror, account)
            if number % 5 == 0:
                await check(random_.choice(clients), account)
        for mirror in clients:
            await check(mirror, account)
