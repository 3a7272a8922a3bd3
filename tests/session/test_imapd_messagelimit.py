"""MESSAGELIMIT (RFC 9738; IMAP-163), and UIDBATCHES, by which clients keep it (RFC 10022; IMAP-163a)."""

import msgspec
import pytest

from moxlite.config.static import IMAP
from moxlite.imapd import Context
from tests.session.imapd_harness import Imap, imap
from tests.store_mail import box, put

pytestmark = pytest.mark.served

__all__ = ["imap"]


@pytest.fixture(autouse=True)
def limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five messages for each command."""
    monkeypatch.setattr(Context, "message_limit", 5)


async def test_the_limit_is_announced(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-163: as long as there is one, and the account wants it."""
    async with imap.connect() as c:
        assert b" MESSAGELIMIT=5 " in c.greeting
    current = imap.context.config.current
    accounts = dict(current.domains.accounts)
    accounts["mia"] = msgspec.structs.replace(accounts["mia"], imap_capabilities_disabled=("MESSAGELIMIT",))
    with monkeypatch.context() as patch:
        domains = msgspec.structs.replace(current.domains, accounts=accounts)
        patch.setattr(imap.context.config, "_current", msgspec.structs.replace(current, domains=domains))
        async with imap.account() as account, imap.user() as c:
            assert "MESSAGELIMIT" not in (await c.ok("a CAPABILITY"))[0]
            await put(account, 7)
            assert len(await c.ok("a UID FETCH 1:* (UID)")) > 7
    monkeypatch.setattr(Context, "message_limit", IMAP().message_limit)
    async with imap.connect() as c:
        assert b"MESSAGELIMIT" not in c.greeting


async def test_a_command_works_on_the_highest_uids(imap: Imap) -> None:
    """IMAP-163: RFC 9738 §3.1; STORE, FETCH, MOVE and UID EXPUNGE, with the lowest UID as a mark to go on from."""
    async with imap.account() as account, imap.user(enable=["IMAP4rev2"]) as c:
        await put(account, 12)
        await c.ok("a NOOP")
        responses = await c.say("b FETCH 1:* UID")
        assert [line.split()[1] for line in responses[:-1]] == ["8", "9", "10", "11", "12"]
        assert responses[-1].startswith("b OK [MESSAGELIMIT 5 8] ")
        assert await c.tagged("c UID FETCH 8:12 UID") == "OK fetched"
        assert (await c.say("d UID FETCH 1:7 (UID)"))[-1].startswith("d OK [MESSAGELIMIT 5 3] ")
        assert await c.tagged("e UID FETCH 1:* (UID) (PARTIAL 1:5)") == "OK fetched"
        assert (await c.tagged("f UID FETCH 1:* (UID) (PARTIAL -1:-6)")).startswith("NO [MESSAGELIMIT 5] ")
        responses = await c.say(r"g UID STORE 1:* +FLAGS (\Deleted)")
        assert len(responses) == 6
        assert responses[-1].startswith("g OK [MESSAGELIMIT 5 8] ")
        assert [row for row in await c.ok("h UID SEARCH UIDBEFORE 8 UIDAFTER 4 DELETED") if "ALL" in row] == []
        await c.ok(r"i UID STORE 3:7 +FLAGS.SILENT (\Deleted)")
        responses = await c.say("j UID EXPUNGE 1:*")
        assert responses[:5] == [f"* {n} EXPUNGE" for n in (12, 11, 10, 9, 8)]
        assert responses[-1].startswith("j OK [MESSAGELIMIT 5 8] ")
        assert len(await c.ok("k EXPUNGE")) == 5  # no limit to this


async def test_another_code_comes_first(imap: Imap) -> None:
    """IMAP-163: then the limit is told by an untagged NO."""
    async with imap.account() as account, imap.user(enable=["QRESYNC"]) as c:
        await put(account, 7)
        await c.ok("a NOOP")
        responses = await c.say("b UID MOVE 1:* Archive")
        validity = (await box(account, "Archive")).uidvalidity
        assert f"* OK [COPYUID {validity} 3:7 1:5] moved" in responses
        assert "* NO [MESSAGELIMIT 5 3] only searched messages with the highest UIDs" in responses
        assert responses[-1].startswith("b OK [HIGHESTMODSEQ ")


async def test_what_is_all_or_nothing_is_refused(imap: Imap) -> None:
    """IMAP-163: COPY, APPEND, SORT, THREAD."""
    async with imap.account() as account, imap.user() as c:
        await put(account, 7)
        await c.ok("a NOOP")
        assert (await c.tagged("b COPY 1:* Archive")).startswith("NO [MESSAGELIMIT 5 3] ")
        assert (await c.tagged("c COPY 3:* Archive")).startswith("OK [COPYUID")
        message = "a: b\r\n\r\nx"
        one = f" {{{len(message)}+}}\r\n{message}"
        assert (await c.tagged("d APPEND Inbox" + one * 6)).startswith("NO [MESSAGELIMIT 5] ")
        assert (await c.tagged("e APPEND Inbox" + one * 5)).startswith("OK [APPENDUID")
        for command in ("SORT (ARRIVAL)", "UID THREAD REFERENCES"):
            assert (await c.tagged(f"f {command} UTF-8 ALL")).startswith("NO [MESSAGELIMIT 5] ")
            assert (await c.tagged(f"g {command} UTF-8 UIDAFTER 7")).startswith("OK")


async def test_what_saves_messages_has_a_limit_of_its_own(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-163: SAVELIMIT is announced, and counts for COPY and APPEND, not for MOVE (RFC 9738 §4)."""
    monkeypatch.setattr(Context, "message_limit", 0)
    monkeypatch.setattr(Context, "save_limit", 6)
    message = "a: b\r\n\r\nx"
    one = f" {{{len(message)}+}}\r\n{message}"
    async with imap.account() as account, imap.user() as c:
        assert b" SAVELIMIT=6 " in c.greeting
        assert b"MESSAGELIMIT" not in c.greeting
        await put(account, 7)
        await c.ok("a NOOP")
        assert (await c.tagged("b COPY 1:* Archive")).startswith("NO [MESSAGELIMIT 6 2] ")
        assert (await c.tagged("c UID COPY 2:7 Archive")).startswith("OK [COPYUID")
        assert (await c.tagged("d APPEND Inbox" + one * 7)).startswith("NO [MESSAGELIMIT 6] ")
        assert (await c.tagged("e APPEND Archive" + one * 6)).startswith("OK [APPENDUID")
        assert await c.tagged("f UID FETCH 1:* (UID)") == "OK fetched"
        monkeypatch.setattr(Context, "message_limit", 5)
        assert (await c.tagged("g COPY 2:7 Archive")).startswith("OK [COPYUID")
        monkeypatch.setattr(Context, "save_limit", 0)
        assert (await c.tagged("h COPY 2:7 Archive")).startswith("NO [MESSAGELIMIT 5 3] ")
        monkeypatch.setattr(Context, "message_limit", 0)
        assert (await c.tagged("i MOVE 1:* Archive")).startswith("OK")


@pytest.mark.parametrize("enable", [(), ("UIDONLY",)])
async def test_a_search_looks_at_the_highest_uids(imap: Imap, enable: tuple[str, ...]) -> None:
    """IMAP-163, IMAP-119: what counts are messages looked at; what UIDAFTER and UIDBEFORE leave out isn't (§3.2)."""
    async with imap.account() as account, imap.user(select=None, enable=enable) as c:
        await put(account, 12)
        await c.select()

        async def search(program: str) -> tuple[list[int], str]:
            *lines, tagged = await c.say(f"q UID SEARCH {program}")
            (found,) = [line for line in lines if "SEARCH" in line]
            code = tagged.split("[")[1].split("]")[0] if "[" in tagged else ""
            return sorted(int(word) for word in found.split()[2:]), code

        assert await search("ALL") == ([8, 9, 10, 11, 12], "MESSAGELIMIT 5 8")
        assert await search("SUBJECT greetings") == ([8, 9, 10, 11, 12], "MESSAGELIMIT 5 8")
        assert await search("UIDBEFORE 8") == ([3, 4, 5, 6, 7], "MESSAGELIMIT 5 3")
        assert await search("UIDBEFORE 3") == ([1, 2], "")
        assert await search("UIDAFTER 7 TEXT 9") == ([9], "")
        assert await search("UID 2:6") == ([2, 3, 4, 5, 6], "")
        assert await search("UIDAFTER 4294967295") == ([], "")
        assert await search("UIDBEFORE 1") == ([], "")
        assert await search("OR UID 1 UID 12") == ([12], "MESSAGELIMIT 5 8")
        assert (await c.tagged("a UID SEARCH UIDAFTER 0")).startswith("BAD")
        await c.ok("a UID SEARCH RETURN (SAVE) ALL")
        assert [line.split()[1] for line in await c.ok("a UID FETCH $ (FLAGS)")] == ["8", "9", "10", "11", "12"]


async def test_a_mailbox_is_parted_into_batches(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-163a: from the newest to UID 1, without gaps; as many messages in each as the limit allows at most."""
    async with imap.account() as account, imap.user() as c:
        assert await c.ok("a UIDBATCHES 500") == ['* UIDBATCHES (TAG "a")']
        await put(account, 12)
        await c.ok("b NOOP")
        assert await c.ok("c UIDBATCHES 4000") == ['* UIDBATCHES (TAG "c") 12:8,7:3,2:1']
        assert await c.ok("d UIDBATCHES 4000 2:2") == ['* UIDBATCHES (TAG "d") 7:3']
        assert await c.ok("e UIDBATCHES 4000 3:4294967295") == ['* UIDBATCHES (TAG "e") 2:1']
        assert await c.ok("f UIDBATCHES 4000 4:9") == ['* UIDBATCHES (TAG "f")']
        await c.ok(r"g UID STORE 4:6,9 +FLAGS.SILENT (\Deleted)")
        await c.ok("h EXPUNGE")
        assert await c.ok("i UIDBATCHES 4000") == ['* UIDBATCHES (TAG "i") 12:7,6:1']
        monkeypatch.setattr(Context, "message_limit", 0)
        await c.ok("j UID SEARCH RETURN (SAVE) UID 3")
        assert await c.ok("k UIDBATCHES 500") == ['* UIDBATCHES (TAG "k") 12:1']
        assert await c.ok("l UID SEARCH $") == ["* SEARCH 3"]
        assert (await c.tagged("m UIDBATCHES 499")).startswith("NO [TOOFEW]")
        for wrong in ("UIDBATCHES", "UIDBATCHES 0", "UIDBATCHES 500 1", "UIDBATCHES 500 2:1", "UIDBATCHES 500 1:*"):
            assert (await c.tagged(f"n {wrong}")).startswith("BAD"), wrong
