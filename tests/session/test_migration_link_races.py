"""Linked mailboxes whose sides change the same messages at once, or whose connection ends between any two steps
(LINK-12, LINK-35).
"""

import re
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trio

from moxlite.migration import incoming as incoming_module, linkpull as linkpull_module, mirror as mirror_module
from moxlite.migration.incoming import Incoming
from moxlite.migration.linkpull import LinkPull, Survey, _NewMailSorter
from moxlite.migration.mirror import Mirror
from moxlite.migration.pull import Pull
from moxlite.migration.push import Push
from moxlite.migration.upstream import Upstream
from moxlite.net.imapclient import Client, ConnectionLost, IMAPClientError, Refused
from moxlite.proto.imap.responses import Code, State
from moxlite.store.mail.copying import move_ids
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.mail.mailboxes import create_mailbox, delete_mailbox, rename_mailbox
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.types import Flag, MailboxID
from tests.session.imapd_harness import Imap, imap
from tests.session.test_migration_imapcopy_sessions import fill
from tests.session.test_migration_link_sessions import SECONDS, Linking, shown
from tests.store_mail import deliver_mail
from tests.tools import settled

pytestmark = pytest.mark.served

__all__ = ["imap"]

OLD = frozenset({"MOVE", "UIDPLUS", "IMAP4REV2", "NOTIFY"})
"""Capabilities that an old server has not, which tells no UIDs either."""

UIDS = re.compile(rb"\[(?:APPENDUID|COPYUID) [^\]]*\] ")

Step = Callable[[], Awaitable[None]]


class Cut(trio.abc.Stream):
    """A connection that ends before a command reaches the server, or before the response to it reaches the client."""

    def __init__(self, stream: trio.abc.Stream, sent: bytes, received: bytes, *, silent: bool) -> None:
        self._stream = stream
        self._sent = re.compile(sent or b"(?!)")
        self._received = re.compile(received or b"(?!)")
        self._silent = silent
        self.over = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self.over = self.over or self._sent.search(bytes(data)) is not None
        if self.over:
            raise trio.BrokenResourceError
        await self._stream.send_all(data)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if self.over:
            return b""
        octets = bytes(await self._stream.receive_some(max_bytes))
        self.over = self._received.search(octets) is not None
        return b"" if self.over else UIDS.sub(b"", octets) if self._silent else octets

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()


class Racing(Linking):
    """A link with three mailboxes, whose connection can be cut at a command."""

    sent = received = b""
    cut: Cut | None = None

    def connected(self, stream: trio.abc.Stream) -> trio.abc.Stream:
        self.cut = Cut(stream, self.sent, self.received, silent=self.plain == OLD)
        return self.cut

    async def begin(self) -> None:
        """Five messages in Inbox, two in Archive, two in Trips, on both sides."""
        await self.change("mia", lambda tx: create_mailbox(tx, "Trips"))
        for name, first, count in (("Inbox", 1, 5), ("Archive", 11, 2), ("Trips", 21, 2)):
            await fill(self.imap, name, first, count, "()")
        async with self.running():
            await self.until(self.same)
            await self.until(self.current)

    async def current(self) -> bool:
        await trio.lowlevel.checkpoint()
        return self.state.phase == "current"

    async def ends(self, *, sent: bytes = b"", received: bytes = b"") -> None:
        """Mirror until the connection ends at this command, or at this response."""
        self.sent, self.received = sent, received
        with trio.fail_after(SECONDS), suppress(IMAPClientError):
            await self.serve()
        assert self.cut is not None
        assert self.cut.over
        self.sent = self.received = b""

    async def move(self, who: str, number: int, source: str, target: str) -> None:
        """Move a message on one side."""
        below = "Mia/" if who == "bo" else ""
        one, box = await self.message(who, below + source, number), await self.box(who, below + target)
        await self.change(who, lambda tx: move_ids(tx, [one], box))

    async def remove(self, who: str, number: int, source: str) -> None:
        """Remove a message on one side."""
        one = await self.message(who, ("Mia/" if who == "bo" else "") + source, number)
        await self.change(who, lambda tx: expunge_ids(tx, [one]))

    async def flag(self, who: str, number: int, source: str) -> None:
        """Flag a message on one side."""
        one = await self.message(who, ("Mia/" if who == "bo" else "") + source, number)
        await self.change(who, lambda tx: store_flags_ids(tx, [one], mode="add", flags=Flag.FLAGGED))

    async def deliver(self, number: int, target: str) -> None:
        """A message that is put into a mailbox here."""
        async with self.imap.accounts.use("bo") as account:
            text = b"From: <ann@far.example>\r\nMessage-ID: <%d@example.com>\r\n\r\nhello\r\n" % number
            await deliver_mail(account, text, f"Mia/{target}")

    async def again(self, number: int) -> None:
        """The server puts a message that it was sent into Archive."""
        named = f"FROM message WHERE messageid = '{number}@example.com'"
        async with self.imap.accounts.use("bo") as bo:
            received = await bo.read(lambda r: r.value(f"SELECT received {named}"), op="test")
        text = b"From: <ann@far.example>\r\nMessage-ID: <%d@example.com>\r\n\r\nhello\r\n" % number
        async with self.imap.accounts.use("mia") as mia:
            await deliver_mail(mia, text, "Archive")
            last = f"id = (SELECT max(id) {named})"
            await mia.write(lambda tx: tx.execute(f"UPDATE message SET received = ? WHERE {last}", received))

    async def places(self, who: str) -> dict[int, list[str]]:
        """The mailboxes of each message."""
        async with self.imap.accounts.use(who) as account:
            found = await shown(account, "Mia/" if who == "bo" else "")
        places: dict[int, list[str]] = {}
        for name, rows in found.items():
            for row in rows:
                places.setdefault(int(row[0].partition("@")[0]), []).append(name)
        return places

    async def settles(self, **expected: str) -> None:
        """Wait until both sides agree, with these messages in these mailboxes, and all others where they were; and see
        that it stays so.
        """
        wanted = {number: ["Inbox"] for number in range(1, 6)}
        wanted |= {11: ["Archive"], 12: ["Archive"], 21: ["Trips"], 22: ["Trips"]}
        wanted |= {int(name[1:]): [place] for name, place in expected.items()}
        wanted = {number: places for number, places in wanted.items() if places != [""]}

        async def agreed() -> bool:
            return await self.same() and await self.places("mia") == wanted and await self.places("bo") == wanted

        for _ in range(2):
            async with self.running():
                await self.until(agreed)
                await self.until(self.current)
                await trio.sleep(0.2)
                await self.until(agreed)


@pytest.fixture
def linking(imap: Imap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Racing:
    """A link of bo's to mia's mailboxes, whose waits are short."""
    monkeypatch.setattr(incoming_module, "STRAY_SECONDS", 2.0)
    monkeypatch.setattr(mirror_module, "UNSURE_SECONDS", 0.3)
    monkeypatch.setattr(mirror_module, "LOOK_SECONDS", 2.0)
    return Racing(imap, tmp_path)


def once(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, step: Step, *, after: str = "") -> list[Step]:
    """Have a step done once before this method is called, or after it was called for the mailbox `after`."""
    steps, method = [step], getattr(owner, name)

    async def with_step(self: Any, client: Any, *args: Any, **options: Any) -> Any:
        if not after and steps:
            await steps.pop()()
        result = await method(self, client, *args, **options)
        if after and steps and args[0].box.name == after:
            await steps.pop()()
        return result

    monkeypatch.setattr(owner, name, with_step)
    return steps


# --- a connection that ends


@pytest.mark.parametrize("arrives", [False, True])
async def test_a_message_whose_sending_was_cut_is_there_once(linking: Racing, arrives: bool) -> None:
    """LINK-35: whether the command has reached the server or not."""
    await linking.begin()
    await linking.deliver(31, "Archive")
    await linking.ends(received=b"APPENDUID") if arrives else await linking.ends(sent=b"APPEND")
    await linking.settles(m31="Archive")


@pytest.mark.parametrize("arrives", [False, True])
@pytest.mark.parametrize("then", ["", "back", "on", "flagged", "removed"])
async def test_a_move_that_was_cut_is_done(linking: Racing, arrives: bool, then: str) -> None:
    """LINK-35: whether the command has reached the server or not, and if more was done here before the next
    connection.
    """
    await linking.begin()
    await linking.move("bo", 1, "Inbox", "Archive")
    await linking.ends(received=b"COPYUID") if arrives else await linking.ends(sent=b"UID MOVE")
    if then in ("back", "on"):
        await linking.move("bo", 1, "Archive", "Inbox" if then == "back" else "Trips")
    elif then == "flagged":
        await linking.flag("bo", 1, "Archive")
    elif then == "removed":
        await linking.remove("bo", 1, "Archive")
    await linking.settles(m1={"back": "Inbox", "on": "Trips", "removed": ""}.get(then, "Archive"))
    if then == "flagged":
        async with linking.imap.accounts.use("mia") as mia:
            assert ("1@example.com", int(Flag.FLAGGED), ()) in (await shown(mia, ""))["Archive"]


@pytest.mark.parametrize("there", ["moved", "removed"])
async def test_a_move_that_was_cut_and_went_on_there(linking: Racing, there: str) -> None:
    """LINK-35: what arrived, and was moved or removed there before the next connection."""
    await linking.begin()
    await linking.move("bo", 1, "Inbox", "Archive")
    await linking.ends(received=b"COPYUID")
    if there == "moved":
        await linking.move("mia", 1, "Archive", "Trips")
    else:
        await linking.remove("mia", 1, "Archive")
    await linking.settles(m1="Archive")


@pytest.mark.parametrize("at", [b"STORE", b"EXPUNGE"])
async def test_a_copy_whose_source_was_not_removed_is_one_message(linking: Racing, at: bytes) -> None:
    """LINK-35: at a server without MOVE, where a move is three commands."""
    linking.plain = OLD
    await linking.begin()
    await linking.move("bo", 1, "Inbox", "Archive")
    await linking.ends(sent=at)
    await linking.settles(m1="Archive")


async def test_what_the_last_connection_sent_arrives_late(linking: Racing, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-35: the server does what it was told after the next connection has looked."""
    await linking.begin()
    await linking.deliver(31, "Archive")
    await linking.ends(sent=b"APPEND")

    once(monkeypatch, Incoming, "_survey", lambda: linking.again(31), after="Archive")
    await linking.settles(m31="Archive")


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("then", ["", "cut", "moved"])
async def test_what_was_sent_again_and_comes_after_all_is_there_once(linking: Racing, tells: bool, then: str) -> None:
    """LINK-35: the copy that comes late is removed there, also over the next connection, and whether the server tells
    UIDs or not. If the other copy was moved there meanwhile, both stay.
    """
    linking.plain = frozenset() if tells else OLD
    await linking.begin()
    await linking.deliver(31, "Archive")
    await linking.ends(sent=b"APPEND")

    async def sent() -> bool:
        return (await linking.places("mia")).get(31) == ["Archive"] and await linking.same()

    async with linking.running():
        await linking.until(sent)
        await linking.until(linking.current)
        if not then:
            await linking.again(31)
            await linking.until(sent)
    if then == "cut":
        await linking.again(31)
    if then == "moved":
        await linking.move("mia", 31, "Archive", "Trips")
        await linking.again(31)
        async with linking.running():
            await linking.until(linking.same)
        assert sorted((await linking.places("bo"))[31]) == ["Archive", "Trips"]
        return
    await linking.settles(m31="Archive")


@pytest.mark.parametrize("there", ["moved", "removed"])
async def test_a_copy_beside_what_was_sent_is_another_message(
    linking: Racing, monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    """LINK-35: a link that ends as soon as the number there is known expects nothing more. So what is put there then
    stays, whatever becomes of the message that was sent.
    """
    await linking.begin()
    await linking.deliver(31, "Archive")
    append = Push.append

    async def and_end(self: Push, *args: Any) -> int:
        await append(self, *args)
        raise ConnectionLost

    with monkeypatch.context() as patched, trio.fail_after(SECONDS), suppress(ConnectionLost):
        patched.setattr(Push, "append", and_end)
        await linking.serve()
    await (linking.move("mia", 31, "Archive", "Trips") if there == "moved" else linking.remove("mia", 31, "Archive"))
    await linking.again(31)
    if there == "removed":
        await linking.settles(m31="Archive")
        return
    async with linking.running():
        await linking.until(linking.same)
        await linking.until(linking.current)
        await linking.until(linking.same)
    assert sorted((await linking.places("mia"))[31]) == ["Archive", "Trips"]


# --- both sides at once


@pytest.mark.parametrize("target", ["Archive", "Trips"])
@pytest.mark.parametrize("seen", ["Inbox", "Archive", "Trips"])
async def test_a_move_there_while_mailboxes_are_surveyed_is_a_move(
    linking: Racing, monkeypatch: pytest.MonkeyPatch, seen: str, target: str
) -> None:
    """LINK-6, LINK-35: the message here stays the same one, whichever mailbox was surveyed before."""
    await linking.begin()
    before = await linking.message("bo", "Mia/Inbox", 1)
    for name, number in (("Inbox", 2), ("Archive", 11), ("Trips", 21)):  # so that each is surveyed
        await linking.flag("mia", number, name)
    steps = once(monkeypatch, Incoming, "_survey", lambda: linking.move("mia", 1, "Inbox", target), after=seen)
    await linking.settles(m1=target)
    assert not steps
    assert await linking.message("bo", f"Mia/{target}", 1) == before


@pytest.mark.parametrize("seen", ["Inbox", "Archive", "Trips"])
async def test_moved_on_both_sides_during_a_survey_it_goes_where_it_was_moved_here(
    linking: Racing, monkeypatch: pytest.MonkeyPatch, seen: str
) -> None:
    """LINK-12, LINK-35: once."""
    await linking.begin()
    for name, number in (("Inbox", 2), ("Archive", 11), ("Trips", 21)):
        await linking.flag("mia", number, name)

    async def both() -> None:
        await linking.move("mia", 1, "Inbox", "Archive")
        await linking.move("bo", 1, "Inbox", "Trips")

    steps = once(monkeypatch, Incoming, "_survey", both, after=seen)
    await linking.settles(m1="Trips")
    assert not steps


@pytest.mark.parametrize("there", ["moved", "removed"])
async def test_what_was_moved_there_before_it_is_moved_from_here(
    linking: Racing, monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    """LINK-12, LINK-35: a server passes over messages that it has not any more; it goes where it was moved here."""
    await linking.begin()
    await linking.move("bo", 1, "Inbox", "Trips")

    async def before() -> None:
        await (linking.move("mia", 1, "Inbox", "Archive") if there == "moved" else linking.remove("mia", 1, "Inbox"))

    steps = once(monkeypatch, Upstream, "_flags_and_removals", before)
    await linking.settles(m1="Trips")
    assert not steps


async def test_flags_of_what_was_moved_there_before_are_set(linking: Racing, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-12, LINK-35: and not taken for removed there."""
    await linking.begin()
    await linking.flag("bo", 1, "Inbox")
    once(monkeypatch, Upstream, "_flags_and_removals", lambda: linking.move("mia", 1, "Inbox", "Archive"))
    await linking.settles(m1="Archive")
    async with linking.imap.accounts.use("mia") as mia:
        assert ("1@example.com", int(Flag.FLAGGED), ()) in (await shown(mia, ""))["Archive"]


@pytest.mark.parametrize("there", ["moved", "removed"])
@pytest.mark.parametrize("way", ["moved", "new"])
async def test_what_was_sent_and_goes_on_there_before_the_next_look(
    linking: Racing, monkeypatch: pytest.MonkeyPatch, there: str, way: str
) -> None:
    """LINK-6, LINK-35: numbers that add up again hide nothing."""
    await linking.begin()
    number = 1 if way == "moved" else 31
    await (linking.move("bo", 1, "Inbox", "Archive") if way == "moved" else linking.deliver(31, "Archive"))
    send = Upstream.send
    steps: list[Step] = [
        lambda: (
            linking.move("mia", number, "Archive", "Trips")
            if there == "moved"
            else linking.remove("mia", number, "Archive")
        )
    ]

    async def and_then(upstream: Upstream, client: Any, places: Any, since: int) -> int:
        sent = await send(upstream, client, places, since)
        if steps and sent != since:
            await steps.pop()()
        return sent

    monkeypatch.setattr(Upstream, "send", and_then)
    await linking.settles(**{f"m{number}": "Trips" if there == "moved" else ""})
    assert not steps


@pytest.mark.parametrize("there", ["moved", "removed"])
async def test_what_goes_while_flags_are_read_is_seen_later(
    linking: Racing, monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    """LINK-6, LINK-35: the number of messages that is kept is that of the list."""
    await linking.begin()
    await linking.flag("mia", 2, "Inbox")
    await linking.move("mia", 3, "Inbox", "Trips")  # so that Inbox is listed

    async def step() -> None:
        await (linking.move("mia", 1, "Inbox", "Archive") if there == "moved" else linking.remove("mia", 1, "Inbox"))

    once(monkeypatch, Incoming, "_flags_there", step)
    await linking.settles(m1="Archive" if there == "moved" else "", m3="Trips")


@pytest.mark.parametrize("then", ["on", "flagged", "removed"])
async def test_what_is_done_before_the_number_there_is_known_is_done(linking: Racing, then: str) -> None:
    """LINK-35: at a server that tells no UIDs of what it was sent."""
    linking.plain = OLD
    await linking.begin()
    await linking.deliver(31, "Archive")
    async with linking.running():

        async def sent() -> bool:
            return 31 in await linking.places("mia")

        await linking.until(sent)
        if then == "on":
            await linking.move("bo", 31, "Archive", "Trips")
        elif then == "flagged":
            await linking.flag("bo", 31, "Archive")
        else:
            await linking.remove("bo", 31, "Archive")
        await linking.until(linking.same)
    await linking.settles(m31={"on": "Trips", "removed": ""}.get(then, "Archive"))


@pytest.mark.parametrize("plain", [frozenset[str](), OLD | {"CONDSTORE", "QRESYNC"}], ids=["now", "old"])
async def test_a_first_copy_looks_at_nothing_anew_for_each_portion(
    linking: Racing, monkeypatch: pytest.MonkeyPatch, plain: frozenset[str]
) -> None:
    """LINK-36: it takes time in proportion to the messages; LINK-5, LINK-10: what is changed here meanwhile goes there
    between two portions, into a mailbox that has another name here by then.
    """
    monkeypatch.setattr(linkpull_module, "PORTION", 25)
    monkeypatch.setattr(mirror_module, "LOOK_SECONDS", 60.0)
    linking.plain = plain
    await linking.change("mia", lambda tx: create_mailbox(tx, "Trips"))
    await fill(linking.imap, "Inbox", 1, 5, "()")
    await fill(linking.imap, "Trips", 101, 400, "()")
    looks, flags, seen = Counter[str](), Counter[str](), list[bool]()
    surveyed, merge, portion = Incoming._survey, Pull.merge, _NewMailSorter.portion

    async def survey(self: Incoming, client: Client, place: Any, *args: Any, **options: Any) -> Any:
        looks[place.box.name] += 1
        return await surveyed(self, client, place, *args, **options)

    async def merged(self: Pull, remote: Any, found: Any) -> None:
        flags[remote.id] += len(found)
        await merge(self, remote, found)

    def next_portion(self: _NewMailSorter, found: Survey, left: int) -> Any:
        seen.append(found.target == "Mia/Journeys")
        return portion(self, found, left)

    monkeypatch.setattr(Incoming, "_survey", survey)
    monkeypatch.setattr(Pull, "merge", merged)
    monkeypatch.setattr(_NewMailSorter, "portion", next_portion)

    async def change() -> None:
        await linking.flag("bo", 490, "Trips")
        box = await linking.box("bo", "Mia/Trips")
        await linking.change("bo", lambda tx: rename_mailbox(tx, box, "Mia/Journeys"))

    async def flagged() -> bool:
        async with linking.imap.accounts.use("mia") as mia:
            return any(row[0] == "490@example.com" and row[1] for row in (await shown(mia, ""))["Trips"])

    once(monkeypatch, Mirror, "_urgent", change)
    async with linking.running():
        await linking.until(flagged)
        assert len(await linking.places("bo")) < 405
        await linking.until(linking.current)
    assert len(await linking.places("bo")) == 405
    assert {number: ["Journeys"] for number in range(101, 501)}.items() <= (await linking.places("bo")).items()
    assert any(seen)
    assert looks["Trips"] <= 3
    assert sum(flags.values()) < 50


@pytest.mark.parametrize(
    ("few", "step"), [(0, (LinkPull, "_add")), (60, (LinkPull, "_add")), (60, (linkpull_module, "deliver_linked"))]
)
async def test_a_rename_during_a_portion_makes_the_old_name_nowhere(
    linking: Racing, monkeypatch: pytest.MonkeyPatch, few: int, step: tuple[Any, str]
) -> None:
    """LINK-7: the messages come into the mailbox, whatever name it has here by then."""
    monkeypatch.setattr(linkpull_module, "PORTION", 25)
    monkeypatch.setattr(linkpull_module, "FEW", few)
    await linking.change("mia", lambda tx: create_mailbox(tx, "Trips"))
    await fill(linking.imap, "Trips", 101, 60, "()")

    async def rename() -> None:
        box = await linking.box("bo", "Mia/Trips")
        await linking.change("bo", lambda tx: rename_mailbox(tx, box, "Mia/Journeys"))

    once(monkeypatch, *step, rename)
    async with linking.running():
        await linking.until(linking.current)
    assert await linking.places("bo") == {number: ["Journeys"] for number in range(101, 161)}
    async with linking.imap.accounts.use("bo") as bo:
        assert await bo.read(lambda r: mailbox_by_name(r, "Mia/Trips"), op="test") is None


async def test_other_mail_of_the_account_wakes_no_link(linking: Racing, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-36: nothing is compared for mail of other mailboxes; LINK-10: all that concerns a link still is."""
    monkeypatch.setattr(mirror_module, "LOOK_SECONDS", 60.0)
    await linking.begin()
    passes, send = list[int](), Upstream.send

    async def counted(self: Upstream, client: Client, places: Any, since: int) -> int:
        passes.append(since)
        return await send(self, client, places, since)

    monkeypatch.setattr(Upstream, "send", counted)
    async with linking.running():
        await linking.until(linking.current)
        await settled(0.2)
        passes.clear()
        async with linking.imap.accounts.use("bo") as account:
            for number in range(41, 44):
                text = b"From: <ann@far.example>\r\nMessage-ID: <%d@example.com>\r\n\r\nhello\r\n" % number
                await deliver_mail(account, text, "Inbox")
        inbox = await linking.box("bo", "Inbox")
        own = await linking.message("bo", "Inbox", 41)
        await linking.change("bo", lambda tx: store_flags_ids(tx, [own], mode="add", flags=Flag.FLAGGED))
        await trio.sleep(2.5)
        assert not passes
        one, two = await linking.message("bo", "Mia/Inbox", 1), await linking.message("bo", "Mia/Inbox", 2)
        await linking.change("bo", lambda tx: move_ids(tx, [one], inbox))
        await linking.change("bo", lambda tx: expunge_ids(tx, [one]))
        await linking.change("bo", lambda tx: store_flags_ids(tx, [two], mode="add", flags=Flag.FLAGGED))
        new = list[MailboxID]()
        await linking.change("bo", lambda tx: new.append(create_mailbox(tx, "Mia/New")[-1].id))
        await linking.change("bo", lambda tx: move_ids(tx, [two], new[0]))

        async def done() -> bool:
            return await linking.same() and (await linking.places("mia")).get(2) == ["New"]

        await linking.until(done)


async def test_a_mailbox_that_cannot_be_made_there_costs_nothing(
    linking: Racing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LINK-11, LINK-35: its messages stay where they are there, and come into it when it can be made."""
    create, refusals = Push.create, Counter[str]()

    async def refused(*_: object) -> object:
        refusals["create"] += 1
        raise Refused("CREATE", State(tag="A1", condition="NO", code=None, text="not now"))

    await linking.begin()
    monkeypatch.setattr(Push, "create", refused)
    await linking.change("bo", lambda tx: create_mailbox(tx, "Mia/New"))
    await linking.move("bo", 1, "Inbox", "New")
    async with linking.running():
        with trio.fail_after(SECONDS):
            while refusals["create"] < 2:  # noqa: ASYNC110  as the mirror tries it
                await trio.sleep(0.02)
        assert await linking.places("mia") | {1: ["Inbox"]} == await linking.places("mia")
    monkeypatch.setattr(Push, "create", create)
    await linking.settles(m1="New")


async def test_a_mailbox_removed_there_is_removed_here(linking: Racing, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-7: it is not made there again meanwhile; what is moved into it here stays where it is there."""
    await linking.begin()
    monkeypatch.setattr(incoming_module, "DOUBT_SECONDS", 2.0)
    monkeypatch.setattr(mirror_module, "LOOK_SECONDS", 0.3)
    box = await linking.box("mia", "Trips")
    await linking.change("mia", lambda tx: delete_mailbox(tx, box))
    await linking.move("bo", 1, "Inbox", "Trips")
    gone = {number: [place] for number, place in ((2, "Inbox"), (11, "Archive"), (12, "Archive"))}

    async def removed() -> bool:
        there, here = await linking.places("mia"), await linking.places("bo")
        assert gone.items() <= there.items()
        if 21 in here or 22 in here:
            assert there[1] == ["Inbox"]
        return there[1] == ["Trips"] and 21 not in here and 22 not in here

    async with linking.running():
        await linking.until(removed)
    monkeypatch.setattr(incoming_module, "DOUBT_SECONDS", 600.0)
    await linking.settles(m1="Trips", m21="", m22="")


@pytest.mark.parametrize("code", ["UNAVAILABLE", "INUSE", "SERVERBUG"])
async def test_a_message_that_cannot_be_taken_for_now_is_sent_later(
    linking: Racing, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """LINK-11: a server that is out of order for a moment gets the message with the next look."""
    append, refusals = Client.append, Counter[str]()

    async def refused(self: Client, *args: Any) -> Any:
        refusals["append"] += 1
        if refusals["append"] == 1:
            raise Refused("APPEND", State(tag="A1", condition="NO", code=Code(code), text="try again"))
        return await append(self, *args)

    await linking.begin()
    monkeypatch.setattr(Client, "append", refused)
    await linking.deliver(31, "Archive")
    await linking.settles(m31="Archive")
