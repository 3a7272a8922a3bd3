"""A mailbox of a million messages at a linked server (docs/spec/linked.md, LINK-34): each message is made when it is
asked for.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
import trio
import trio.testing

from moxlite.migration.incoming import Calls, Incoming
from moxlite.migration.linkpull import PORTION, Survey
from moxlite.migration.problems import Transfer
from moxlite.migration.pull import JOB, Pull
from moxlite.migration.upstream import ResentMessages
from moxlite.net.imapclient import Client, IMAPClientError
from moxlite.operations.copies import CopyByImap, Event
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.mail.mailboxes import create_mailbox
from moxlite.store.mail.remotes import INSERT_COPY, open_remote, settle
from tests.memory import at_most
from tests.session.imapd_harness import Imap, imap
from tests.session.test_migration_imapcopy_sessions import Google

pytestmark = pytest.mark.served

__all__ = ["imap"]

MEMORY = 60 << 20
"""Octets: a number of each message, twice, and the messages on their way."""

SIZES = [50_000, pytest.param(1_000_000, marks=pytest.mark.nightly)]


class Full(Google):
    """A server with one mailbox, which closes the connection after so many messages."""

    GREETING = b"* OK [CAPABILITY IMAP4rev1 UIDPLUS IDLE] hi\r\n"

    def __init__(self, size: int) -> None:
        super().__init__({})
        self.size = size
        self.cut = 1 << 40

    def answers(self, command: str) -> list[bytes]:
        """Untagged responses."""
        if len(self.fetched) >= self.cut:
            raise trio.BrokenResourceError
        state = f"MESSAGES {self.size} UIDNEXT {self.size + 1} UIDVALIDITY 7"
        if command.startswith("LIST"):
            return [b'* LIST (\\Subscribed) "/" "INBOX"']
        if command.startswith("STATUS"):
            return [f'* STATUS "INBOX" ({state})'.encode()]
        if command.startswith("EXAMINE"):
            self.selected = range(1, self.size + 1)  # type: ignore[assignment] # as a list of them
            uids = b"* OK [UIDNEXT %d] x" % (self.size + 1)
            return [b"* %d EXISTS" % self.size, b"* OK [UIDVALIDITY 7] x", uids]
        if match := re.match(r"UID SEARCH (\d+):(\d+) ALL", command):
            return [b"* SEARCH " + b" ".join(b"%d" % uid for uid in range(int(match[1]), int(match[2]) + 1))]
        return super().answers(command)

    def message(self, uid: int, items: str) -> bytes:
        """A FETCH response."""
        return re.sub(rb" X-GM-MSGID \d+", b"", super().message(uid, items))

    async def serve(self, stream: trio.abc.Stream) -> None:
        """One connection."""
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await super().serve(stream)
        await trio.aclose_forcefully(stream)


class Quiet(Full):
    """One with CONDSTORE, in which little happens: more mail comes while new mail is searched for."""

    GREETING = b"* OK [CAPABILITY IMAP4rev1 UIDPLUS IDLE CONDSTORE] hi\r\n"

    def answers(self, command: str) -> list[bytes]:
        """Untagged responses."""
        if command.startswith("STATUS"):
            return [line.replace(b"UIDVALIDITY", b"HIGHESTMODSEQ 5 UIDVALIDITY") for line in super().answers(command)]
        if command == f"UID SEARCH UID {self.size}:{self.size}":
            return [b"* %d EXISTS" % (self.size + 1), b"* SEARCH %d" % self.size]
        found = super().answers(command)
        return [*found, b"* OK [HIGHESTMODSEQ 5] x"] if command.startswith("EXAMINE") else found


async def tell(event: Event) -> None:
    del event
    await trio.lowlevel.checkpoint()


async def never(client: Client) -> bool:
    del client
    await trio.lowlevel.checkpoint()
    return False


async def adopt(client: Client, survey: Survey) -> None:
    del client, survey
    await trio.lowlevel.checkpoint()


async def session(imap: Imap, server: Full, account: Account, tmp: Path, *, link: bool) -> None:
    """Link or import over one connection, until it is closed."""
    ours, theirs = trio.testing.memory_stream_pair()
    imap.nursery.start_soon(server.serve, theirs)
    client = Client(ours)
    await client.greet()
    try:
        order = CopyByImap(account="bo", host="h", user="u", prefix="Far" if link else "")
        if not link:
            await Pull(Transfer(account, imap.accounts, order, tell, tmp)).once(client)
            return
        calls = Calls(never, adopt)
        turn = trio.Lock()
        transfer = Transfer(account, imap.accounts, order, tell, tmp)
        incoming = Incoming(transfer, calls=calls, turn=turn, sorter=None, resent=ResentMessages(transfer, {}))
        await incoming.look(client)
    finally:
        await client.aclose()


async def numbers(account: Account) -> Sequence[int]:
    """The UIDs there of all messages that are here."""
    rows = await account.read(lambda r: r.rows("SELECT uid FROM imap_copy ORDER BY uid"), op="test")
    return [row[0] for row in rows]


@pytest.mark.landing("50000-True")
@pytest.mark.slow
@pytest.mark.parametrize("link", [True, False])
@pytest.mark.parametrize("size", SIZES)
async def test_it_comes_in_slices_with_bounded_memory(imap: Imap, tmp_path: Path, size: int, link: bool) -> None:
    """LINK-34: each connection goes on where the last one ended; the newest come first over a link."""
    server = Full(size)
    part = PORTION if link else JOB
    with at_most(MEMORY):
        async with imap.account("bo") as bo:
            for turn in (1, 2):
                server.cut = part * turn
                with pytest.raises(IMAPClientError), trio.fail_after(300):
                    await session(imap, server, bo, tmp_path, link=link)
                here = await numbers(bo)
                assert part * turn <= len(here) <= part * turn + 200
            assert here == list(range(size - len(here) + 1, size + 1) if link else range(1, len(here) + 1))
    assert len(server.fetched) - len(set(server.fetched)) <= 200  # on their way when the connection ended


async def test_a_link_at_rest_costs_the_same_with_many_messages(imap: Imap, tmp_path: Path) -> None:
    """LINK-36: looks at 50,000 messages list none of them, and read no rows; nor where one is new."""
    size = 50_000
    server = Quiet(size)
    order = CopyByImap(account="bo", host="h", user="u", prefix="Far")
    async with imap.account("bo") as bo:
        *_, box = await bo.write(lambda tx: create_mailbox(tx, "Far/Inbox"))

        def mirrored(tx: AccountTx) -> None:
            remote = open_remote(tx, "link", "h", "u", "Inbox", uidvalidity=7, mailbox_id=box.id)
            settle(tx, remote.id, messages=size, uidnext=size + 1, modseq=5)
            rows = [(remote.id, uid, 1_000_000 + uid, b"%016d" % uid, r"\Seen", None) for uid in range(1, size + 1)]
            tx.executemany(INSERT_COPY, rows)

        await bo.write(mirrored)
        ours, theirs = trio.testing.memory_stream_pair()
        imap.nursery.start_soon(server.serve, theirs)
        client = Client(ours)
        await client.greet()
        transfer = Transfer(bo, imap.accounts, order, tell, tmp_path)
        calls = Calls(never, adopt)
        incoming = Incoming(transfer, calls=calls, turn=trio.Lock(), sorter=None, resent=ResentMessages(transfer, {}))
        with trio.fail_after(60):
            await incoming.look(client)
            with at_most(1 << 20):
                await incoming.look(client)
                await incoming.look(client, inbox=True)
            assert incoming.inbox == (size, size + 1, 5)
            assert not any(re.match("UID (SEARCH|FETCH)", line) for line in server.heard)
            server.size += 1
            await incoming.look(client, inbox=True)
        await client.aclose()
    assert [line for line in server.heard if line.startswith("UID SEARCH")] == ["UID SEARCH UID 50001:50001"]
    assert len(server.fetched) == 1
