"""Mail by POP3 into an account, with a server that may be hostile (docs/spec/linked.md, LINK-18)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.testing

from moxlite.ledger import ledger
from moxlite.migration import maildrop as maildrop_module
from moxlite.migration.linkstate import LinkState, tell
from moxlite.migration.maildrop import Maildrop
from moxlite.net.imapclient import BrokenServer, ConnectionLost, IMAPClientError, LoginFailed
from moxlite.net.pop3client import AT_ONCE, ENTRY, LINE, POP3Client
from moxlite.store.changelog.account import Account
from moxlite.store.content.prepare import PreparedMessage
from moxlite.store.delivery.actions import FileInto
from moxlite.store.mail.links import Link, NewLink, add_link, link_named
from moxlite.store.options import DAY
from tests.session.imapd_harness import Imap, imap

pytestmark = pytest.mark.served

__all__ = ["imap"]

ROWS = """
SELECT messageid FROM message m JOIN mailbox b ON b.id = m.mailbox_id AND b.name = 'Tom/Inbox' ORDER BY m.uid"""
LATER = 1 << 61
LIES = [b"x" * LINE * 2, b"+OK\r\nno list\r\n", b"+OK\r\n1 " + b"u" * 99 + b"\r\n", b"* OK\r\n"]


class Drop:
    """A POP3 server with one mailbox: messages by their ids. `spoken`: the commands of clients."""

    def __init__(self, **messages: bytes) -> None:
        self.messages = dict(messages)
        self.spoken: list[str] = []
        self.cut = 1 << 40
        """Octets after which a connection breaks."""

    async def serve(self, stream: trio.abc.Stream) -> None:
        left, buffer, marked = self.cut, bytearray(), set[str]()
        listed = list(self.messages)

        async def say(octets: bytes) -> None:
            nonlocal left
            await stream.send_all(octets[:left])
            left -= len(octets)
            if left <= 0:
                raise trio.BrokenResourceError

        try:
            await say(b"+OK ready\r\n")
            while True:
                while b"\n" not in buffer:
                    octets = await stream.receive_some()
                    if not octets:
                        return
                    buffer += octets
                line, _, rest = bytes(buffer).partition(b"\r\n")
                buffer[:] = rest
                self.spoken.append(line.decode())
                word, _, number = line.decode().partition(" ")
                match word:
                    case "UIDL":
                        lines = "".join(f"{at} {uidl}\r\n" for at, uidl in enumerate(listed, 1))
                        await say(f"+OK\r\n{lines}.\r\n".encode())
                    case "RETR":
                        body = self.messages[listed[int(number) - 1]]
                        await say(b"+OK\r\n" + body.replace(b"\n.", b"\n..") + b".\r\n")
                    case "DELE":
                        marked.add(listed[int(number) - 1])
                        await say(b"+OK\r\n")
                    case "PASS" if number != "pass word":
                        await say(b"-ERR [AUTH] no\r\n")
                    case "QUIT":
                        for uidl in marked:
                            del self.messages[uidl]
                        await say(b"+OK\r\n")
                        return
                    case _:
                        await say(b"+OK\r\n")
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            await trio.aclose_forcefully(stream)


def mail(text: str) -> bytes:
    return f"From: <ann@far.example>\r\nMessage-ID: <{text}@far.example>\r\n\r\n{text}\r\n.dot\r\n".encode()


@asynccontextmanager
async def session(drop: Drop) -> AsyncIterator[POP3Client]:
    """A logged-in session, which ends by QUIT."""
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(drop.serve, theirs)
        client = POP3Client(ours)
        failure: IMAPClientError | None = None
        try:
            await client.greet()
            await client.log_in("tom", "pass word")
            yield client
        except IMAPClientError as error:
            failure = error
        finally:
            await client.quit()
    if failure is not None:
        raise failure


async def linked(account: Account, keep_days: int | None = None) -> Link:
    new = NewLink(
        name="Tom",
        address="tom@far.example",
        host="pop.far.example",
        port=0,
        tls="implicit",
        username="tom",
        secret=b"x",
        protocol="pop3",
        keep_days=keep_days,
    )
    return await account.write(lambda tx: add_link(tx, new))


class Sorter:
    """Notes what it is asked about, and leaves it in Inbox."""

    since = 0

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    async def actions(self, account: Account, ready: PreparedMessage, files: FileInto) -> tuple[FileInto]:
        self.asked.append(ready.thread.messageid)
        return (files,)


async def look(account: Account, drop: Drop, tmp: Path, now: int = 0, sorter: Sorter | None = None) -> LinkState:
    """One look at the mailbox."""
    link = await account.read(lambda r: link_named(r, "Tom"), op="test")
    state = LinkState()

    async def told(event: object) -> None:
        await tell(state, {}, event)  # type: ignore[arg-type] # one of them

    async with session(drop) as client:
        maildrop = Maildrop(
            account,
            link,
            state=state,
            entered=lambda phase: None,
            tell=told,
            tmp=tmp,
            sorter=sorter,  # type: ignore[arg-type] # has all that is used
        )
        await maildrop.look(client, now)
    return state


async def here(account: Account) -> list[str]:
    """Message-IDs in the link's Inbox."""
    rows = await account.read(lambda r: r.rows(ROWS), op="test")
    return [row[0].partition("@")[0] for row in rows]


async def test_a_list_is_held_until_the_connection_ends() -> None:
    """LINK-18, STORE-198a"""
    drop = Drop(**{f"id{number}": b"" for number in range(2_500)})
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(drop.serve, theirs)
        client = POP3Client(ours)
        await client.greet()
        assert len(await client.list()) == 2_500
        assert ledger().held["link"] == 3 * AT_ONCE * ENTRY
        await client.quit()
        assert ledger().held["link"] == 0


async def test_each_message_comes_once_and_stays_there(imap: Imap, tmp_path: Path) -> None:
    """LINK-18: by its id; a list in another order, with ids that come back, brings nothing again."""
    drop = Drop(a=mail("one"), b=mail("two"))
    async with imap.accounts.use("bo") as account:
        await linked(account)
        await look(account, drop, tmp_path)
        drop.messages = {"c": mail("three"), "b": mail("two"), "a": mail("one")}
        await look(account, drop, tmp_path)
        drop.messages = {}
        await look(account, drop, tmp_path)
        drop.messages = {"a": mail("one")}
        await look(account, drop, tmp_path)
        assert await here(account) == ["one", "two", "three"]
    assert not any(line.startswith("DELE") for line in drop.spoken)


async def test_mail_is_removed_there_days_after_it_came(imap: Imap, tmp_path: Path) -> None:
    """LINK-18: when it is here for so long, and not before."""
    drop = Drop(a=mail("one"))
    async with imap.accounts.use("bo") as account:
        await linked(account, keep_days=3)
        await look(account, drop, tmp_path)
        [since] = await account.read(lambda r: r.row("SELECT since FROM pop3_seen WHERE uidl = 'a'"), op="test") or ()
        await look(account, drop, tmp_path, since + 2 * DAY)
        assert list(drop.messages) == ["a"]
        await look(account, drop, tmp_path, since + 3 * DAY)
        assert drop.messages == {}
        assert await here(account) == ["one"]


async def test_cut_off_at_each_octet_nothing_is_lost_or_doubled(imap: Imap, tmp_path: Path) -> None:
    """LINK-18: also where it is removed there at once."""
    drop = Drop(a=mail("one"), b=mail("two"))
    async with imap.accounts.use("bo") as account:
        await linked(account, keep_days=0)
        for cut in range(1, 400, 3):
            drop.cut = cut
            try:
                await look(account, drop, tmp_path, LATER)
            except ConnectionLost:
                continue
        drop.cut = 1 << 40
        await look(account, drop, tmp_path, LATER)
        assert await here(account) == ["one", "two"]
        assert drop.messages == {}


async def test_the_first_copy_is_not_sorted_whatever_connections_it_takes(imap: Imap, tmp_path: Path) -> None:
    """LINK-31: the mail of years stays where it is, though the connection broke during its copy an hour ago."""
    drop, sorter = Drop(a=mail("one"), b=mail("two")), Sorter()
    async with imap.accounts.use("bo") as account:
        await linked(account)
        drop.cut = 130
        with pytest.raises(ConnectionLost):
            await look(account, drop, tmp_path, LATER, sorter)
        assert await here(account) == ["one"]
        drop.cut = 1 << 40
        await look(account, drop, tmp_path, LATER, sorter)
        assert sorter.asked == []
        drop.messages["c"] = mail("three")
        await look(account, drop, tmp_path, LATER, sorter)
        assert await here(account) == ["one", "two", "three"]
        assert sorter.asked == ["three@far.example"]


async def test_a_message_that_is_too_large_does_not_keep_the_others_away(
    imap: Imap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LINK-18: it is told and left out for good; the next connection fetches what comes behind it."""
    monkeypatch.setattr(maildrop_module, "MAX_MEMBER", 1 << 20)
    drop = Drop(a=mail("one" + "x" * 2_000_000), b=mail("two"))
    async with imap.accounts.use("bo") as account:
        await linked(account, keep_days=0)
        with pytest.raises(BrokenServer, match="larger than"):
            await look(account, drop, tmp_path)
        await look(account, drop, tmp_path)
        assert await here(account) == ["two"]
        await look(account, drop, tmp_path, LATER)
        assert list(drop.messages) == ["a"]
    assert drop.spoken.count("RETR 1") == 1


async def answered(octets: bytes, *, ask: str = "list") -> Exception | None:
    """A session whose server says these octets behind its greeting, again and again; returns its error."""
    ours, theirs = trio.testing.memory_stream_pair()
    client = POP3Client(ours)

    async def lie() -> None:
        try:
            await theirs.send_all(b"+OK\r\n")
            for _ in range(200):
                await theirs.send_all(octets)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lie)
        await client.greet()
        try:
            if ask == "list":
                await client.list()
            else:
                async for _ in client.retrieve(1, 1 << 20):
                    assert len(client._buffer) < 1 << 20
        except IMAPClientError as error:
            return error
        finally:
            await client.quit()
            nursery.cancel_scope.cancel()
    return None


@pytest.mark.parametrize(
    "octets", [b"x" * LINE * 2, b"+OK\r\nno list\r\n", b"+OK\r\n1 " + b"u" * 99 + b"\r\n", b"* OK\r\n"]
)
async def test_lists_of_liars_end_the_session(octets: bytes) -> None:
    """LINK-18, LINK-13: lines without end, ids that are too long, another protocol."""
    assert isinstance(await answered(octets), BrokenServer)


async def test_a_message_without_an_end_is_given_up() -> None:
    """LINK-18, LINK-13: a line of any length is not kept in memory."""
    octets = b"+OK " + b"x" * 100 + b"\r\n" + b"y" * (1 << 16)
    assert isinstance(await answered(octets, ask="retrieve"), BrokenServer)


async def test_a_refused_password_is_told(imap: Imap) -> None:
    """LINK-18: as for IMAP; nothing but printable text is sent."""
    ours, theirs = trio.testing.memory_stream_pair()
    client, drop = POP3Client(ours), Drop()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(drop.serve, theirs)
        await client.greet()
        with pytest.raises(LoginFailed, match="no"):
            await client.log_in("tom", "wrong")
        with pytest.raises(LoginFailed, match="control characters"):
            await client.log_in("tom", "a\r\nDELE 1")
        await client.quit()
    assert "DELE 1" not in drop.spoken
