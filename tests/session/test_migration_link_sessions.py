"""Linked mailboxes with our own server on the other side (LINK-5..13)."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
import trio
import trio.testing

from moxlite.migration import incoming as incoming_module, linkpull as linkpull_module
from moxlite.migration.fetching import MessageFetcher
from moxlite.migration.linkstate import LinkState
from moxlite.migration.mirror import Mirror
from moxlite.migration.names import Place
from moxlite.migration.upstream import Upstream
from moxlite.net.imapclient import Client, ConnectionLost, Credentials, IMAPClientError, Selected, log_in
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.copying import copy_ids, move_ids
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.mail.links import Link, NewLink, SubmissionServer, add_link, link_named, set_outlet
from moxlite.store.mail.mailboxes import create_mailbox, delete_mailbox, rename_mailbox
from moxlite.store.rows.mailboxes import mailbox_by_name, mailboxes
from moxlite.store.types import Flag, MailboxID, MessageID
from moxlite.store.upkeep.repairs import reassign_uids
from tests.session.imapd_harness import PASSWORD, Imap, imap
from tests.session.test_migration_imapcopy_sessions import Breaking, fill
from tests.store_mail import deliver_mail

pytestmark = pytest.mark.served

__all__ = ["imap"]

SECONDS = 60.0

Kept = Flag.SEEN | Flag.ANSWERED | Flag.FLAGGED | Flag.DRAFT

ROWS = "SELECT messageid, id, flags, keywords FROM message WHERE mailbox_id = ? ORDER BY messageid"


class Linking:
    """Mailboxes of mia's, linked to bo's account as ``Mia``."""

    strict = True

    def __init__(self, imap: Imap, tmp: Path) -> None:
        self.imap = imap
        self.tmp = tmp
        self.plain: frozenset[str] = frozenset()
        """Capabilities that the server does not have."""
        self.state = LinkState()
        self.resent: dict[tuple[int, MessageID], float] = {}
        self.links = 0

    async def link(self) -> Link:
        """The link, made at first."""
        async with self.imap.accounts.use("bo") as account:
            if not self.links:
                self.links += 1
                new = NewLink(
                    name="Mia", address="mia@example.org", host="h", port=0, tls="none", username="mia", secret=b"x"
                )
                await account.write(lambda tx: add_link(tx, new))
            return await account.read(lambda r: link_named(r, "Mia"), op="test")

    @asynccontextmanager
    async def client(self, limit: int | None = None) -> AsyncIterator[Client]:
        """A client of mia's; its connection breaks after so many octets from the server."""
        ours, theirs = trio.testing.memory_stream_pair()
        ended = trio.Event()
        self.imap.nursery.start_soon(self.imap.serve, theirs, self.imap.info(), self.imap.context, ended)
        client = Client(self.connected(ours if limit is None else Breaking(ours, limit)), strict=self.strict)
        try:
            await client.greet()
            await log_in(client, Credentials("mia@example.org", PASSWORD))
            client.capabilities -= self.plain
            yield client
        finally:
            with suppress(ConnectionLost), trio.CancelScope(shield=True):
                await client.logout()
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(ours)
                await ended.wait()

    def connected(self, stream: trio.abc.Stream) -> trio.abc.Stream:
        """The stream of the client."""
        return stream

    async def serve(self, limit: int | None = None) -> None:
        """Mirror over one connection."""
        link = await self.link()
        async with self.imap.accounts.use("bo") as account, self.client(limit) as client:
            mirror = Mirror(
                account,
                self.imap.accounts,
                link,
                state=self.state,
                entered=self._entered,
                turn=trio.Lock(),
                tmp=self.tmp,
                resent=self.resent,
            )
            await mirror.serve(client)

    def _entered(self, phase: str) -> None:
        self.state.phase = phase  # type: ignore[assignment] # one of them

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While it is mirrored."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.serve)
            yield
            nursery.cancel_scope.cancel()

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Wait for what must happen."""
        with trio.move_on_after(SECONDS):
            while not await condition():  # noqa: ASYNC110  two sides, no event
                await trio.sleep(0.02)
            return
        async with self.imap.accounts.use("mia") as mia, self.imap.accounts.use("bo") as bo:
            raise AssertionError((await shown(mia, ""), await shown(bo, "Mia/"), self.state))

    async def same(self) -> bool:
        """Whether both sides have the same."""
        async with self.imap.accounts.use("mia") as mia, self.imap.accounts.use("bo") as bo:
            return await shown(mia, "") == await shown(bo, "Mia/")

    async def change(self, who: str, unit: Callable[[AccountTx], object]) -> None:
        """A change on one side, as by another client."""
        async with self.imap.accounts.use(who) as account:
            await account.write(unit)

    async def box(self, who: str, name: str) -> MailboxID:
        """The id of a mailbox."""
        async with self.imap.accounts.use(who) as account:
            found = await account.read(lambda r: mailbox_by_name(r, name), op="test")
        assert found is not None, name
        return found.id

    async def message(self, who: str, name: str, number: int) -> MessageID:
        """The id of a message, by its number."""
        box = await self.box(who, name)
        async with self.imap.accounts.use(who) as account:
            rows = await account.read(lambda r: r.rows(ROWS, box), op="test")
        return next(MessageID(row[1]) for row in rows if row[0] == f"{number}@example.com")


def _shown(r: Reader, below: str) -> Mapping[str, list[tuple[str, int, tuple[str, ...]]]]:
    found = {}
    for box in mailboxes(r):
        if box.system or not box.name.startswith(below):
            continue
        rows = [(row[0], row[2] & int(Kept), tuple(row[3].split())) for row in r.rows(ROWS, box.id)]
        if rows:
            found[box.name.removeprefix(below)] = rows
    return found


async def shown(account: Account, below: str) -> Mapping[str, list[tuple[str, int, tuple[str, ...]]]]:
    """The messages of an account by mailbox, with flags and keywords."""
    return await account.read(partial(_shown, below=below), op="test")


@pytest.fixture
def linking(imap: Imap, tmp_path: Path) -> Linking:
    """From mia to bo."""
    return Linking(imap, tmp_path)


async def test_all_mail_comes_and_new_mail_at_once(linking: Linking) -> None:
    """LINK-5, LINK-8: into mailboxes of their own; new mail within two seconds."""
    imap = linking.imap
    await fill(imap, "Inbox", 1, 30)
    await fill(imap, "Archive", 101, 5, "()")
    async with linking.running():
        await linking.until(linking.same)
        await linking.until(lambda: _is(linking, "current"))
        await fill(imap, "Inbox", 40, 1, "()")
        began = trio.current_time()
        await linking.until(linking.same)
        assert trio.current_time() - began < 2
        async with imap.accounts.use("bo") as account:
            assert set(await shown(account, "Mia/")) == {"Inbox", "Archive"}
            assert "Inbox" not in await shown(account, "Inbox")


async def _is(linking: Linking, phase: str) -> bool:
    await trio.lowlevel.checkpoint()
    return linking.state.phase == phase


async def test_flags_moves_and_removals_go_back(linking: Linking) -> None:
    """LINK-10: what is done here is done there within five seconds."""
    imap = linking.imap
    await fill(imap, "Inbox", 1, 10, "()")
    async with linking.running():
        await linking.until(linking.same)
        await linking.until(lambda: _is(linking, "current"))
        one, two, three, four = [await linking.message("bo", "Mia/Inbox", number) for number in (1, 2, 3, 4)]
        archive = await linking.box("bo", "Mia/Archive")
        began = trio.current_time()
        await linking.change(
            "bo", lambda tx: store_flags_ids(tx, [one], mode="add", flags=Flag.SEEN, keywords=["work"])
        )
        await linking.change("bo", lambda tx: move_ids(tx, [two], archive))
        await linking.change("bo", lambda tx: expunge_ids(tx, [three]))
        await linking.change("bo", lambda tx: copy_ids(tx, [four], archive))

        async def done() -> bool:
            async with imap.accounts.use("mia") as mia:
                there = await shown(mia, "")
            inbox = [number for number, *_ in there.get("Inbox", [])]
            return await linking.same() and len(inbox) == 8 and len(there.get("Archive", [])) == 2

        await linking.until(done)
        assert trio.current_time() - began < 5
        async with imap.accounts.use("mia") as mia:
            assert ("1@example.com", int(Flag.SEEN), ("work",)) in (await shown(mia, ""))["Inbox"]


async def test_what_is_done_there_is_done_here(linking: Linking) -> None:
    """LINK-6: flags, moves and removals; a moved message is the same message here."""
    imap = linking.imap
    await fill(imap, "Inbox", 1, 10, "()")
    async with linking.running():
        await linking.until(linking.same)
        await linking.until(lambda: _is(linking, "current"))
        before = await linking.message("bo", "Mia/Inbox", 2)
        one, two, three = [await linking.message("mia", "Inbox", number) for number in (1, 2, 3)]
        archive = await linking.box("mia", "Archive")
        await linking.change("mia", lambda tx: store_flags_ids(tx, [one], mode="add", flags=Flag.FLAGGED))
        await linking.change("mia", lambda tx: move_ids(tx, [two], archive))
        await linking.change("mia", lambda tx: expunge_ids(tx, [three]))
        await linking.until(linking.same)
        assert await linking.message("bo", "Mia/Archive", 2) == before


async def test_what_changes_between_a_look_and_the_wait_is_seen(
    linking: Linking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LINK-6, LINK-8, LINK-10: what is done here while changes are being sent, what the server tells of another mailbox
    during a command, and flags in Inbox.
    """
    imap = linking.imap
    await fill(imap, "Inbox", 1, 2, "()")
    there = await linking.message("mia", "Inbox", 1)

    async def flag() -> None:
        await linking.change("mia", lambda tx: store_flags_ids(tx, [there], mode="add", flags=Flag.FLAGGED))

    async def read() -> None:
        here = await linking.message("bo", "Mia/Inbox", 2)
        await linking.change("bo", lambda tx: store_flags_ids(tx, [here], mode="add", flags=Flag.SEEN))

    changes: list[Callable[[], Awaitable[None]]] = [flag, partial(fill, imap, "Archive", 11, 1, "()"), read]
    send = Upstream.send

    async def and_then(upstream: Upstream, client: Client, places: Sequence[Place], since: int) -> int:
        sent = await send(upstream, client, places, since)
        if changes:
            await changes.pop()()
        return sent

    monkeypatch.setattr(Upstream, "send", and_then)
    async with linking.running():
        await linking.until(lambda: _none_left(changes))
        await linking.until(linking.same)


async def _none_left(changes: Sequence[object]) -> bool:
    await trio.lowlevel.checkpoint()
    return not changes


async def test_a_new_connection_looks_and_then_waits(linking: Linking, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-8: where nothing has changed since the one before, which NOTIFY would tell."""
    await fill(linking.imap, "Inbox", 1, 2, "()")
    async with linking.running():
        await linking.until(linking.same)
        await linking.until(lambda: _is(linking, "current"))
    idle, waits = Client.idle, trio.Event()

    async def noted(client: Client, seconds: float, scope: trio.CancelScope | None = None) -> bool:
        waits.set()
        return await idle(client, seconds, scope)

    monkeypatch.setattr(Client, "idle", noted)
    async with linking.running():
        with trio.fail_after(SECONDS):
            await waits.wait()


async def test_moved_to_the_trash_or_elsewhere(linking: Linking) -> None:
    """LINK-10: out of the link's mailboxes means into the trash there; back again is back there."""
    imap = linking.imap
    await fill(imap, "Inbox", 1, 3, "()")
    async with linking.running():
        await linking.until(linking.same)
        await linking.until(lambda: _is(linking, "current"))
        one = await linking.message("bo", "Mia/Inbox", 1)
        own, back = await linking.box("bo", "Trash"), await linking.box("bo", "Mia/Inbox")
        await linking.change("bo", lambda tx: move_ids(tx, [one], own))

        async def in_trash(number: int) -> bool:
            async with imap.accounts.use("mia") as mia:
                return len((await shown(mia, "")).get("Trash", [])) == number

        await linking.until(lambda: in_trash(1))
        await linking.change("bo", lambda tx: move_ids(tx, [one], back))
        await linking.until(lambda: in_trash(0))
        await linking.until(linking.same)


async def test_new_mail_and_mailboxes_of_ours_go_there(linking: Linking) -> None:
    """LINK-11: a mailbox made here is made there, and what is put into it is sent."""
    imap = linking.imap
    await fill(imap, "Inbox", 1, 2, "()")
    async with linking.running():
        await linking.until(linking.same)
        await linking.change("bo", lambda tx: create_mailbox(tx, "Mia/Trips/2026"))
        one = await linking.message("bo", "Mia/Inbox", 1)
        box = await linking.box("bo", "Mia/Trips/2026")
        await linking.change("bo", lambda tx: copy_ids(tx, [one], box))

        async def there() -> bool:
            async with imap.accounts.use("mia") as mia:
                return "Trips/2026" in await shown(mia, "")

        await linking.until(there)
        await linking.until(linking.same)


SENT = b"From: <Mia@example.org>\r\nTo: <ann@far.example>\r\nMessage-ID: <sent@example.com>\r\n\r\n%b\r\n"


async def outbound(linking: Linking, *, keeps_copy: bool) -> None:
    """The link sends; the account has its copy of a message, and of another one, in its own Sent."""
    link = await linking.link()
    await linking.change("bo", lambda tx: set_outlet(tx, link.id, SubmissionServer(host="smtp", keeps_copy=keeps_copy)))
    async with linking.imap.accounts.use("bo") as account:
        await deliver_mail(account, SENT % b"text", "Sent")
        await deliver_mail(account, SENT.replace(b"Mia@", b"bo@").replace(b"<sent@", b"<own@") % b"text", "Sent")


async def test_copies_of_sent_mail_go_to_sent_there(linking: Linking) -> None:
    """LINK-17: where the provider keeps none; mail from other addresses stays."""
    await outbound(linking, keeps_copy=False)
    async with linking.running():

        async def there() -> bool:
            async with linking.imap.accounts.use("mia") as mia, linking.imap.accounts.use("bo") as bo:
                sent, left = await shown(mia, "Sent"), await shown(bo, "Sent")
            return [[one for one, *_ in box] for box in (*sent.values(), *left.values())] == [
                ["sent@example.com"],
                ["own@example.com"],
            ]

        await linking.until(there)
        await linking.until(linking.same)


async def test_a_copy_that_the_provider_keeps_is_here_once(linking: Linking) -> None:
    """LINK-17: the own copy becomes the provider's, though its octets differ."""
    await outbound(linking, keeps_copy=True)
    async with linking.running():
        await linking.until(linking.same)
        async with linking.imap.accounts.use("mia") as account:
            await deliver_mail(account, SENT % b"text, and what the provider adds", "Sent")

        async def once() -> bool:
            async with linking.imap.accounts.use("bo") as bo:
                boxes = await shown(bo, "")
            return [len(boxes.get(name, ())) for name in ("Sent", "Mia/Sent")] == [1, 1]

        await linking.until(once)


async def test_mailboxes_renamed_there_are_renamed_here(linking: Linking) -> None:
    """LINK-7: with the messages that they have; without a trace of the old name."""
    imap = linking.imap
    await linking.change("mia", lambda tx: create_mailbox(tx, "Work"))
    await fill(imap, "Work", 1, 6, "()")
    async with linking.running():
        await linking.until(linking.same)
    before = await linking.message("bo", "Mia/Work", 3)
    work = await linking.box("mia", "Work")
    await linking.change("mia", lambda tx: rename_mailbox(tx, work, "Job"))
    async with linking.running():
        await linking.until(linking.same)
    assert await linking.message("bo", "Mia/Job", 3) == before
    async with imap.accounts.use("bo") as account:
        assert await account.read(lambda r: mailbox_by_name(r, "Mia/Work"), op="test") is None


@pytest.mark.landing("9000")
@pytest.mark.parametrize("limit", [3_000, 9_000, 14_000, 22_000, 40_000])
async def test_cut_off_anywhere_nothing_is_lost_or_doubled(
    linking: Linking, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """LINK-12: with changes on both sides while the connection is away."""
    monkeypatch.setattr(linkpull_module, "PORTION", 7)
    monkeypatch.setattr(linkpull_module, "FEW", 3)
    imap = linking.imap
    await fill(imap, "Inbox", 1, 40, "()")
    for _ in range(4):
        with suppress(IMAPClientError), trio.move_on_after(3):
            await linking.serve(limit)
    async with linking.running():
        await linking.until(linking.same)
    archive, there = await linking.box("bo", "Mia/Archive"), await linking.box("mia", "Archive")
    ours = [await linking.message("bo", "Mia/Inbox", number) for number in range(1, 8)]
    theirs = [await linking.message("mia", "Inbox", number) for number in range(5, 12)]
    await linking.change("bo", lambda tx: move_ids(tx, ours[:6], archive))
    await linking.change("bo", lambda tx: expunge_ids(tx, ours[6:]))
    await linking.change("bo", lambda tx: copy_ids(tx, ours[:2], archive))
    await linking.change("mia", lambda tx: move_ids(tx, theirs[2:], there))
    await linking.change("mia", lambda tx: store_flags_ids(tx, theirs, mode="add", flags=Flag.FLAGGED))
    for _ in range(6):
        with suppress(IMAPClientError), trio.move_on_after(3):
            await linking.serve(limit // 2)
    async with linking.running():
        await linking.until(linking.same)
        await linking.until(lambda: _is(linking, "current"))
    async with imap.accounts.use("mia") as mia:
        found = [number for rows in (await shown(mia, "")).values() for number, *_ in rows]
    assert sorted(set(found)) == sorted(f"{number}@example.com" for number in range(1, 41) if number != 7)
    assert len(found) == 39 + 2


async def test_a_server_without_extensions(linking: Linking) -> None:
    """LINK-8: is asked in turn."""
    linking.plain = frozenset({"IDLE", "NOTIFY", "CONDSTORE", "QRESYNC", "MOVE", "UIDPLUS", "IMAP4REV2", "ESEARCH"})
    imap = linking.imap
    await fill(imap, "Inbox", 1, 5, "()")
    await fill(imap, "Archive", 11, 2, "()")
    async with linking.running():
        await linking.until(linking.same)
        await linking.until(lambda: _is(linking, "current"))
        one, two = await linking.message("bo", "Mia/Inbox", 1), await linking.message("bo", "Mia/Inbox", 2)
        archive = await linking.box("bo", "Mia/Archive")
        await linking.change("bo", lambda tx: move_ids(tx, [one], archive))
        await linking.change("bo", lambda tx: copy_ids(tx, [two], archive))

        async def done() -> bool:
            async with imap.accounts.use("mia") as mia:
                there = await shown(mia, "")
            return len(there.get("Archive", [])) == 4 and await linking.same()

        await linking.until(done)


async def test_what_others_have_marked_is_not_removed_with_ours(linking: Linking) -> None:
    r"""LINK-10: where EXPUNGE is for all that is marked; their ``\Deleted`` stays."""
    linking.plain = frozenset({"UIDPLUS", "IMAP4REV2", "MOVE"})
    await fill(linking.imap, "Inbox", 1, 5, "()")
    await fill(linking.imap, "Inbox", 6, 1, r"(\Deleted)")
    async with linking.running():
        await linking.until(linking.same)
        await linking.until(lambda: _is(linking, "current"))
        one = await linking.message("bo", "Mia/Inbox", 1)
        await linking.change("bo", lambda tx: expunge_ids(tx, [one]))

        async def gone() -> bool:
            async with linking.imap.accounts.use("mia") as mia:
                return "1@example.com" not in [row[0] for row in (await shown(mia, ""))["Inbox"]]

        await linking.until(gone)
        theirs = await linking.message("mia", "Inbox", 6)

        async def marked() -> bool:
            async with linking.imap.accounts.use("mia") as mia:
                flags = await mia.read(lambda r: r.value("SELECT flags FROM message WHERE id = ?", theirs), op="test")
            return bool(flags & Flag.DELETED)

        await linking.until(marked)
        await linking.until(linking.same)


async def test_what_was_left_out_is_asked_for_by_the_next_connection(
    linking: Linking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LINK-13: and by no further look of the same one, which sees what is new."""
    window, asked = MessageFetcher._window, 0

    async def refused(self: MessageFetcher, uids: Sequence[int], ahead: Sequence[int]) -> None:
        nonlocal asked
        if self._facts.pop(2, None) is not None:
            asked += 1
            await self._left_out(2, IMAPClientError("not now"))
        await window(self, uids, ahead)

    monkeypatch.setattr(MessageFetcher, "_window", refused)
    await fill(linking.imap, "Inbox", 1, 4, "()")

    async def has(number: int) -> bool:
        async with linking.imap.accounts.use("bo") as account:
            return len((await shown(account, "Mia/")).get("Inbox", [])) == number

    async with linking.running():
        await linking.until(lambda: has(3))
        await fill(linking.imap, "Inbox", 5, 1, "()")
        await linking.until(lambda: has(4))
        gone = await linking.message("mia", "Inbox", 4)
        await linking.change("mia", lambda tx: expunge_ids(tx, [gone]))
        await linking.until(lambda: has(3))
        await fill(linking.imap, "Inbox", 6, 1, "()")
        await linking.until(lambda: has(4))
    assert asked == 1
    monkeypatch.setattr(MessageFetcher, "_window", window)
    async with linking.running():
        await linking.until(linking.same)


async def test_mailboxes_that_are_one_here_stay_two_there(linking: Linking) -> None:
    """LINK-12: one for sent mail, and one that has its name here."""
    sent = await linking.box("mia", "Sent")
    await linking.change("mia", lambda tx: rename_mailbox(tx, sent, "Sent Items"))
    await linking.change("mia", lambda tx: create_mailbox(tx, "Sent"))
    await fill(linking.imap, '"Sent Items"', 1, 3, "()")
    await fill(linking.imap, "Sent", 11, 3, "()")
    await fill(linking.imap, "Inbox", 21, 1, "()")

    async def here() -> bool:
        async with linking.imap.accounts.use("bo") as bo:
            return len((await shown(bo, "Mia/")).get("Sent", [])) == 6

    async def is_seen() -> bool:
        async with linking.imap.accounts.use("mia") as mia:
            return bool((await shown(mia, ""))["Inbox"][0][1] & Flag.SEEN)

    async with linking.running():
        await linking.until(here)
        await linking.until(lambda: _is(linking, "current"))
        one = await linking.message("bo", "Mia/Inbox", 21)
        await linking.change("bo", lambda tx: store_flags_ids(tx, [one], mode="add", flags=Flag.SEEN))
        await linking.until(is_seen)
    async with linking.imap.accounts.use("mia") as mia:
        there = await shown(mia, "")
    assert [row[0] for row in there["Sent Items"]] == [f"{number}@example.com" for number in (1, 2, 3)]
    assert [row[0] for row in there["Sent"]] == [f"{number}@example.com" for number in (11, 12, 13)]


async def test_mailboxes_numbered_anew_are_recognised(linking: Linking) -> None:
    """LINK-7: messages are found again by their keys, and none is fetched twice."""
    imap = linking.imap
    await fill(imap, "Inbox", 1, 20, "()")
    async with linking.running():
        await linking.until(linking.same)
    before = await linking.message("bo", "Mia/Inbox", 9)
    await linking.change("mia", lambda tx: reassign_uids(tx, "Inbox"))
    await fill(imap, "Inbox", 30, 2, "()")
    async with linking.running():
        await linking.until(linking.same)
    assert await linking.message("bo", "Mia/Inbox", 9) == before


def dated(number: int, *fields: str, date: str = "Mon, 1 Feb 2021 10:00:00 +0100") -> bytes:
    """A message; the fields of its author are folded as servers please."""
    fold = "\r\n " if fields else " "
    own = [f"Message-ID: <{number}@example.com>", f"Subject: a{fold}b", f"Date: {date}", "", f"{number}", ""]
    return "\r\n".join([*fields, "From: <ann@far.example>", *own]).encode()


async def test_messages_are_recognised_at_another_server_of_the_provider(linking: Linking) -> None:
    """LINK-7: that gave them other UIDs, sizes and dates; a list's copy stays itself, and versions of a draft do."""
    drafted = "Tue, 2 Feb 2021 10:00:00 +0100"
    await linking.change("mia", lambda tx: create_mailbox(tx, "Trips"))
    async with linking.imap.user(select=None) as c:
        for octets in (dated(1), dated(2), dated(2, "List-ID: <l>"), dated(3), b"Message-ID: <4@example.com>\r\n\r\n"):
            await c.append(octets, "Trips", r"(\Seen)", '"01-Feb-2021 10:00:00 +0100"')
    async with linking.running():
        await linking.until(linking.same)
        await linking.until(lambda: _is(linking, "current"))
    names = ("1", "2", "3")
    before = [await linking.message("bo", "Mia/Trips", int(name)) for name in names]
    trips = await linking.box("mia", "Trips")

    def moved(tx: AccountTx) -> None:
        delete_mailbox(tx, trips)
        create_mailbox(tx, "Trips")

    await linking.change("mia", moved)
    async with linking.imap.user(select=None) as c:
        for octets in (dated(2, "X-Moved: 1", "List-ID: <l>"), dated(2, "X-Moved: 2"), dated(1, "X-Moved: 3")):
            await c.append(octets, "Trips", r"(\Seen \Flagged)", '"05-May-2024 10:00:00 +0100"')
        await c.append(dated(3, "X-Moved: 4", date=drafted), "Trips", "()", '"05-May-2024 10:00:00 +0100"')
    async with linking.running():

        async def flagged() -> bool:
            async with linking.imap.accounts.use("bo") as bo:
                rows = (await shown(bo, "Mia/"))["Trips"]
            assert len(rows) <= 6
            return [row[0] for row in rows if row[1] & Flag.FLAGGED] == [f"{n}@example.com" for n in (1, 2, 2)]

        await linking.until(flagged)
        assert [await linking.message("bo", "Mia/Trips", int(name)) for name in names] == before
        await linking.until(lambda: _is(linking, "current"))
        archive = await linking.box("mia", "Archive")
        one = await linking.message("mia", "Trips", 1)
        await linking.change("mia", lambda tx: move_ids(tx, [one], archive))

        async def followed() -> bool:
            async with linking.imap.accounts.use("bo") as bo:
                return bool((await shown(bo, "Mia/")).get("Archive"))

        await linking.until(followed)
        assert await linking.message("bo", "Mia/Archive", 1) == before[0]
    async with linking.imap.accounts.use("bo") as bo:
        # What has no counterpart any more stays here.
        assert sorted(row[0][0] for row in (await shown(bo, "Mia/"))["Trips"]) == ["2", "2", "3", "3", "4"]


async def test_many_removals_at_once_are_believed_later(linking: Linking, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-6: when they still hold; new mail comes meanwhile."""
    monkeypatch.setattr(incoming_module, "MANY", 5)
    imap = linking.imap
    await fill(imap, "Inbox", 1, 12, "()")
    async with linking.running():
        await linking.until(linking.same)
    gone = [await linking.message("mia", "Inbox", number) for number in range(1, 12)]
    await linking.change("mia", lambda tx: expunge_ids(tx, gone))
    await fill(imap, "Inbox", 40, 1, "()")

    async def has(number: int) -> bool:
        async with imap.accounts.use("bo") as account:
            return len((await shown(account, "Mia/"))["Inbox"]) == number

    async with linking.running():
        await linking.until(lambda: has(13))
        monkeypatch.setattr(incoming_module, "DOUBT_SECONDS", 0.0)
        await fill(imap, "Inbox", 41, 1, "()")
        await linking.until(linking.same)
        assert await has(3)


async def test_flags_that_the_server_does_not_keep_stay_here(linking: Linking, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-10: also when others change there."""
    select = Client.select

    async def without_keywords(client: Client, mailbox: str) -> Selected:
        found = await select(client, mailbox)
        found.permanent = (r"\Seen", r"\Flagged")
        return found

    monkeypatch.setattr(Client, "select", without_keywords)
    imap = linking.imap
    await fill(imap, "Inbox", 1, 2, "()")
    async with linking.running():
        await linking.until(linking.same)
        one, there = await linking.message("bo", "Mia/Inbox", 1), await linking.message("mia", "Inbox", 1)
        await linking.change(
            "bo", lambda tx: store_flags_ids(tx, [one], mode="add", flags=Flag.SEEN, keywords=["work"])
        )

        async def has(who: str, flags: Flag, *keywords: str) -> bool:
            async with imap.accounts.use(who) as account:
                found = await shown(account, "Mia/" if who == "bo" else "")
            return ("1@example.com", int(flags), keywords) in found["Inbox"]

        await linking.until(lambda: has("mia", Flag.SEEN))
        await linking.change("mia", lambda tx: store_flags_ids(tx, [there], mode="add", flags=Flag.FLAGGED))
        await linking.until(lambda: has("bo", Flag.SEEN | Flag.FLAGGED, "work"))
