"""Linked servers that lie (docs/spec/linked.md, LINK-13): an honest one, whose octets are changed on their way."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from moxlite.migration import listing
from moxlite.net import imapclient
from moxlite.net.imapclient import BrokenServer, ConnectionLost, IMAPClientError, TLSFailed
from moxlite.operations.links import LinkInfo, ListLinks, ResumeLink
from moxlite.store.changelog.bus import Cursor
from moxlite.store.errors import StorageBroken
from moxlite.store.mail.expunging import expunge_ids
from tests.memory import at_most
from tests.session.imapd_harness import Imap, imap
from tests.session.test_migration_imapcopy_sessions import fill
from tests.session.test_migration_link_sessions import Linking, shown
from tests.session.test_migration_links import asked, provider, until

pytestmark = pytest.mark.served

__all__ = ["imap"]

MEMORY = 100 << 20
"""Octets: the answers to one command have 64 MiB at most."""

FOREVER = b"\0forever"
SECONDS = 2.0


class Lying(trio.abc.Stream):
    """A stream whose received octets are changed. Behind FOREVER the rest comes again and again, to a gigabyte."""

    def __init__(self, stream: trio.abc.Stream, change: Callable[[bytes], bytes]) -> None:
        self._stream = stream
        self._change = change
        self._endless = b""
        self._given = 0

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if self._endless:
            await trio.lowlevel.checkpoint()
            self._given += len(self._endless)
            return self._endless if self._given < 1 << 30 else b""
        octets, mark, endless = self._change(bytes(await self._stream.receive_some(max_bytes))).partition(FOREVER)
        if mark:
            self._endless = endless * ((1 << 16) // len(endless))
        return octets or self._endless

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()


def replaced(pattern: bytes, by: bytes | Callable[[re.Match[bytes]], bytes]) -> Callable[[bytes], bytes]:
    compiled = re.compile(pattern)
    return lambda octets: compiled.sub(by, octets)


def counted_down(one: re.Match[bytes]) -> bytes:
    return b"UID %d" % max(1, 1_000 - int(one[1]))


COUNTS = iter(range(1, 1 << 30))

LIES = {
    "counts": replaced(rb"\* \d+ EXISTS", b"* 4000000000 EXISTS"),
    "a few too many": replaced(rb"\* \d+ EXISTS", b"* 4711 EXISTS"),
    "sizes": replaced(rb"RFC822\.SIZE \d+", b"RFC822.SIZE 4294967295"),
    "no sizes": replaced(rb"RFC822\.SIZE \d+", b"RFC822.SIZE 0"),
    "ids that go down": replaced(rb"UID (\d+)", counted_down),
    "one id for all": replaced(rb"UID (\d+)", b"UID 1"),
    "ids to come": replaced(rb"UIDNEXT \d+", b"UIDNEXT 1"),
    "epochs": replaced(rb"UIDVALIDITY \d+", lambda _: b"UIDVALIDITY %d" % next(COUNTS)),
    "long literals": replaced(rb"\{\d+\}", b"{4294967295}"),
    "literals without end": replaced(rb"\{\d+\}\r\n", b"{50000000}\r\n" + FOREVER + b"x"),
    "lines without end": replaced(rb"\* SEARCH|\* ESEARCH", b"* SEARCH" + FOREVER + b" 1"),
    "a line of letters": replaced(rb"\* LIST", b"* LIST" + FOREVER + b"x"),
    "parentheses": replaced(rb"FETCH \(", b"FETCH " + FOREVER + b"("),
    "modseq": replaced(rb"MODSEQ \(?\d+", b"MODSEQ (9223372036854775807"),
    "silence of searches": replaced(rb"SEARCH.*\r\n", b"SEARCH\r\n"),
    "names": replaced(rb"LIST \([^)]*\) \"/\" \S+", b'LIST () "/" "../../x"'),
    "no": replaced(rb" OK ", b" NO [UNAVAILABLE] "),
    "noise": replaced(rb"\* ", b"* \xff\0( "),
}


class Hostile(Linking):
    """A link to a server whose octets are changed."""

    strict = False
    change_octets: Callable[[bytes], bytes] | None = None

    def connected(self, stream: trio.abc.Stream) -> trio.abc.Stream:
        return stream if self.change_octets is None else Lying(stream, self.change_octets)


@pytest.fixture
def linking(imap: Imap, tmp_path: Path) -> Hostile:
    """A link of bo's to mia's mailboxes."""
    return Hostile(imap, tmp_path)


@pytest.mark.parametrize("lie", LIES)
async def test_lies_end_the_connection_or_are_of_no_use(linking: Hostile, lie: str) -> None:
    """LINK-13: no other exception, bounded memory; afterwards an honest session goes on."""
    await fill(linking.imap, "Inbox", 1, 12, "()")
    linking.change_octets = LIES[lie]
    with at_most(MEMORY), trio.move_on_after(SECONDS):
        for _ in range(2):
            try:
                await linking.serve()
            except IMAPClientError:
                continue
    linking.change_octets = None

    async def current() -> bool:
        return linking.state.phase == "current"

    linking.state.phase = "connecting"
    async with linking.running():
        await linking.until(current)


async def test_a_server_that_tells_a_thousand_messages_more_is_not_believed(linking: Hostile) -> None:
    """LINK-13: searches that find more than there can be end the connection."""
    linking.change_octets = replaced(rb"\* (E?SEARCH)( [^\r\n]*)?\r\n", b"* SEARCH" + b" 7" * 60_000 + b"\r\n")
    await fill(linking.imap, "Inbox", 1, 3, "()")
    with pytest.raises((BrokenServer, ConnectionLost)), trio.fail_after(20):
        await linking.serve()


async def test_a_listing_with_gaps_removes_nothing_here(linking: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-13: where removals move the numbers of messages during each listing, the connection ends."""
    await fill(linking.imap, "Inbox", 1, 12, "()")
    async with linking.running():
        await linking.until(linking.same)
    monkeypatch.setattr(listing, "WINDOW", 2)
    one = await linking.message("mia", "Inbox", 3)
    await linking.change("mia", lambda tx: expunge_ids(tx, [one]))  # so that Inbox is listed
    linking.change_octets = replaced(rb"\* (E?SEARCH)", rb"* 1 EXPUNGE\r\n* \1")
    with pytest.raises(BrokenServer, match="while the folder was being listed"), trio.fail_after(20):
        await linking.serve()
    async with linking.imap.accounts.use("bo") as account:
        assert len((await shown(account, "Mia/"))["Inbox"]) == 12


@pytest.mark.parametrize("by", [rb"* SEARCH", rb"* SEARCH\1 x", rb"* SEARCH\1 "])
async def test_a_search_that_finds_not_all_removes_nothing_here(
    linking: Hostile, monkeypatch: pytest.MonkeyPatch, by: bytes
) -> None:
    """LINK-13: or whose answer cannot be understood: the messages are fetched by their numbers, too."""
    await fill(linking.imap, "Inbox", 1, 12, "()")
    async with linking.running():
        await linking.until(linking.same)
    monkeypatch.setattr(listing, "WINDOW", 5)
    one = await linking.message("mia", "Inbox", 3)
    await linking.change("mia", lambda tx: expunge_ids(tx, [one]))  # so that Inbox is listed
    linking.change_octets = replaced(rb"\* SEARCH([ \d]*)", by)
    kept = await linking.message("bo", "Mia/Inbox", 9)
    async with linking.running():
        await linking.until(linking.same)
    assert await linking.message("bo", "Mia/Inbox", 9) == kept


async def test_a_log_that_cannot_be_read_is_another_try(linking: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-9: as an error of its kind, and in no group of exceptions, which would end the link."""

    async def broken(_: Cursor) -> None:
        await trio.lowlevel.checkpoint()
        raise StorageBroken("page 7 is damaged")

    monkeypatch.setattr(Cursor, "take", broken)
    await fill(linking.imap, "Inbox", 1, 3, "()")
    with pytest.raises(StorageBroken), trio.fail_after(20):
        await linking.serve()


async def test_a_certificate_that_changes_is_told_and_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LINK-13, LINK-9: the link waits with the reason; it goes on with the right one."""
    async with provider(tmp_path, monkeypatch) as (other, ctl):
        await ctl.call("link add", asked(), LinkInfo)
        await until(ctl, "current")

        async def forged(*_: object, **options: object) -> imapclient.Client:
            raise TLSFailed("certificate of imap.example.net: it is not valid for this name")

        monkeypatch.setattr(imapclient, "connect", forged)
        await ctl.call("link resume", ResumeLink("Tom", account="mia"), type(None))
        waiting = await until(ctl, "waiting")
        assert "not valid for this name" in waiting.text
        [one] = await ctl.call("link list", ListLinks("mia"), list[LinkInfo])
        assert one.state == "waiting"
        monkeypatch.setattr(imapclient, "connect", other.connect)
        await ctl.call("link resume", ResumeLink("Tom", account="mia"), type(None))
        await until(ctl, "current")
