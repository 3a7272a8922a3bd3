"""SELECT, EXAMINE, CLOSE, UNSELECT, CONDSTORE and QRESYNC (docs/spec/imap.md §8)."""

from functools import partial
from typing import Any

import pytest
import trio
import trio.testing

from moxlite.imapd.mailboxes import select
from moxlite.ledger import Hold, begin, own
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.bus import Bus
from moxlite.store.errors import StorageBusy
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.flags import store_flags
from moxlite.store.types import Flag, MailboxID
from tests.session.imapd_harness import Imap, imap
from tests.store_mail import put, rows

pytestmark = pytest.mark.served

__all__ = ["imap"]

INBOX = MailboxID(1)
FLAGS = r"\Seen \Answered \Flagged \Deleted \Draft $Forwarded $Junk $NotJunk $Phishing $MDNSent"


async def test_select_tells_its_lines_in_order(imap: Imap) -> None:
    """IMAP-72, IMAP-72a, IMAP-109"""
    async with imap.account() as account, imap.user(select=None) as c:
        await put(account, 2, flags=Flag.SEEN)
        await put(account, 1, keywords=["Work"], first=3)
        responses = await c.say("a SELECT inbox")
        validity = next(line for line in responses if "UIDVALIDITY" in line).split()[3]
        modseq = next(line for line in responses if "HIGHESTMODSEQ" in line).split()[3]
        assert responses == [
            f"* FLAGS ({FLAGS} Work)",
            f"* OK [PERMANENTFLAGS ({FLAGS} Work \\*)] flags that stay",
            "* 3 EXISTS",
            "* 3 RECENT",
            "* OK [UNSEEN 3] first unseen message",
            f"* OK [UIDVALIDITY {validity} UIDs are valid",
            "* OK [UIDNEXT 4] predicted next UID",
            f"* OK [HIGHESTMODSEQ {modseq} highest",
            "* OK [MAILBOXID (F1)] mailbox id",
            "a OK [READ-WRITE] selected",
        ]
        assert (await c.ok("b SELECT Archive"))[0] == "* OK [CLOSED] previous mailbox closed"


@pytest.mark.parametrize("mailbox", ["Archive", "Nonsuch", "Archive (FOO)"])
async def test_select_lets_go_of_what_the_old_view_held_back(imap: Imap, mailbox: str) -> None:
    """IMAP-57, IMAP-73: whether it succeeds or not, and though nothing else has happened."""
    async with imap.account() as account, imap.user() as c:
        await put(account, 2)
        await c.ok("a NOOP")
        await account.write(lambda tx: expunge(tx, INBOX, [1]))
        await c.ok("b FETCH 2 FLAGS")
        assert account.bus.acknowledged < account.bus.modseq
        await c.say(f"c SELECT {mailbox}")
        assert account.bus.acknowledged == account.bus.modseq


async def test_select_of_rev2_tells_whether_the_mailbox_is_subscribed(imap: Imap) -> None:
    """IMAP-72"""
    async with imap.user(select=None, enable=["IMAP4rev2"]) as c:
        assert r'* LIST (\Subscribed \Archive) "/" Archive' in await c.select("Archive")
        await c.ok("a UNSUBSCRIBE Archive")
        assert r'* LIST (\Archive) "/" Archive' in await c.select("Archive")


async def test_the_uids_of_a_large_mailbox_are_read_with_and_without_gaps(
    imap: Imap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IMAP-165, IMAP-53"""
    monkeypatch.setattr(select, "MANY", 1)
    async with imap.account() as account:
        for gone, uids in ((), "1 2 3 4"), ((2,), "1 3 4"), ((1,), "3 4"), ((3,), "4"):
            if gone:
                await account.write(partial(expunge, mailbox_id=INBOX, uids=gone))
            else:
                await put(account, 4)
            async with imap.user(select=None) as c:
                assert f"* {len(uids.split())} EXISTS" in await c.ok("a SELECT inbox")
                assert await c.ok("b UID SEARCH ALL") == [f"* SEARCH {uids}"]
                assert (await c.ok("c FETCH * UID"))[0] == f"* {len(uids.split())} FETCH (UID 4)"


async def test_examine_is_read_only_and_claims_nothing(imap: Imap) -> None:
    """IMAP-72, IMAP-72a, IMAP-110, IMAP-116, IMAP-118"""
    async with imap.account() as account, imap.user(select=None) as c:
        await put(account, 1, flags=Flag.DELETED)
        responses = await c.say("a EXAMINE inbox")
        assert "* OK [PERMANENTFLAGS ()] flags that stay" in responses
        assert "* 1 RECENT" in responses
        assert responses[-1] == "a OK [READ-ONLY] selected"
        for command in ("STORE 1 FLAGS (x)", "EXPUNGE", "MOVE 1 Trash", "UID EXPUNGE 1"):
            assert await c.tagged(f"a {command}") == "NO mailbox is read-only"
        await c.ok("a CLOSE")
        assert "* 1 RECENT" in await c.select()


async def test_rev2_has_list_instead_of_recent_and_unseen(imap: Imap) -> None:
    """IMAP-40, IMAP-72"""
    async with imap.account() as account, imap.user(select=None, enable=["IMAP4rev2"]) as c:
        await put(account)
        responses = await c.select("Sent")
        assert r'* LIST (\Subscribed \Sent) "/" Sent' in responses
        assert not any("RECENT" in line or "UNSEEN" in line for line in await c.select())


CLOSED = "* OK [CLOSED] previous mailbox closed"
FAILING: dict[str, tuple[bytes, str]] = {
    "missing mailbox": (b" nope", "NO [NONEXISTENT] "),
    "missing mailbox, other user": (b' "Other Users/bo/Work"', "NO [NONEXISTENT] "),
    "missing account": (b' "Other Users/nobody"', "NO [NONEXISTENT] "),
    "impossible name": (b" a//b", "NO [CANNOT] "),
    "empty name": (b' ""', "NO [CANNOT] "),
    "not UTF-7": (b" &AGE-", "NO [CANNOT] "),
    "not UTF-8": (b' "Entw\xfcrfe"', "NO [CANNOT] "),
    "not UTF-8, literal": (b" {2+}\r\n\xff\xfe", "NO [CANNOT] "),
    "not UTF-8, bare": (b" Entw\xfcrfe", "NO [CANNOT] "),
    "no argument": (b"", "BAD "),
    "no name": (b" ", "BAD "),
    "pattern": (b" a%b", "BAD "),
    "open quote": (b' "Archive', "BAD "),
    "unknown parameter": (b" Archive (FOO)", "BAD "),
    "open list": (b" Archive (CONDSTORE", "BAD "),
    "QRESYNC isn't enabled": (b" Archive (QRESYNC (1 2))", "BAD "),
    "more text": (b" Archive x", "BAD "),
    "tab": (b"\tArchive", "BAD "),
    "NUL": (b" {3+}\r\na\0c", "BAD "),
    "literal8": (b" ~{3+}\r\nabc", "BAD "),
    "literal, unknown parameter": (b" {7+}\r\nArchive (FOO)", "BAD "),
    "long line": (b" " + b"x" * 70_000, "NO [LIMIT] "),
    "long line after a literal": (b" {3+}\r\nabc" + b"x" * 70_000, "NO [LIMIT] "),
    "long literal": (b" {102401}", "BAD [TOOBIG] "),
    "long literal, sent": (b" {102401+}\r\n" + b"x" * 102_401, "BAD [TOOBIG] "),
    "no room for the literal": (b" {50000+}\r\n" + b"x" * 50_000, "NO [LIMIT] "),
    "no room for the literal, waiting": (b" {50000}", "NO [LIMIT] "),
}
"""Arguments with which SELECT and EXAMINE fail, and the beginning of the answer."""


@pytest.mark.parametrize("way", FAILING)
@pytest.mark.parametrize("command", ["SELECT", "EXAMINE", "select"])
async def test_whichever_way_a_select_fails_nothing_is_selected(
    imap: Imap, monkeypatch: pytest.MonkeyPatch, command: str, way: str
) -> None:
    """IMAP-73: a client that sends on, in the same piece or later, doesn't meet the former mailbox."""
    arguments, answer = FAILING[way]
    monkeypatch.setattr(Hold.take, "__defaults__", (0.1,))
    others = begin(4 << 20).hold()
    own("mia")
    assert others.try_take("answer", 2 << 20)
    async with imap.account() as account, imap.user() as c:
        await put(account, 2)
        await c.ok("a NOOP")
        await c.send(b"b %b%b\r\nc UID STORE 1:* +FLAGS (\\Deleted)\r\nd EXPUNGE\r\n" % (command.encode(), arguments))
        responses = await c.until("b")
        assert responses[:-1] == [CLOSED]
        assert responses[-1].startswith(f"b {answer}")
        assert await c.until("c") == ["c NO select a mailbox first"]
        assert await c.until("d") == ["d NO select a mailbox first"]
        assert len(await rows(account)) == 2
        responses = await c.say(b"e %b%b" % (command.encode(), arguments))
        assert len(responses) == 1, "there is nothing left to close"
    others.close()


@pytest.mark.parametrize("command", [" SELECT Archive", "+ EXAMINE Archive", "a" * 129 + " SELECT x"])
async def test_a_select_with_a_bad_tag_leaves_nothing_selected(imap: Imap, command: str) -> None:
    """IMAP-73"""
    async with imap.user() as c:
        await c.send(command + "\r\n")
        assert await c.response() == CLOSED
        assert " BAD " in await c.response()
        assert await c.tagged("b UID FETCH 1 FLAGS") == "NO select a mailbox first"


@pytest.mark.parametrize("read", ["owner_of", "claim_selected", "tell_permanent"])
async def test_a_select_that_meets_an_error_leaves_nothing_selected(
    imap: Imap, monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    """IMAP-73: before it has found the mailbox, and when it has told half of its lines."""

    async def fail(*args: object) -> None:
        raise StorageBusy("no descriptor")

    async with imap.user() as c:
        monkeypatch.setattr(select, read, fail)
        responses = await c.say("a SELECT Archive")
        assert responses[0] == CLOSED
        assert responses[-1].startswith("a NO [UNAVAILABLE]")
        assert await c.tagged("b UID FETCH 1 FLAGS") == "NO select a mailbox first"


@pytest.mark.parametrize(
    "command", ["FOO", "UID SELECT Archive", "SELECTED Archive", "STATUS", "CLOSE x", "UNSELECT x"]
)
async def test_other_commands_that_fail_keep_the_mailbox(imap: Imap, command: str) -> None:
    """IMAP-73: they aren't SELECT or EXAMINE."""
    async with imap.user() as c:
        assert (await c.tagged(f"a {command}")).startswith("BAD")
        await c.ok("b CHECK")


async def test_recent_is_shown_by_one_session_only(imap: Imap) -> None:
    r"""IMAP-72a"""
    async with imap.account() as account, imap.user() as c, imap.user() as d:
        await put(account, 1)
        assert await c.ok("a NOOP") == ["* 1 EXISTS", "* 1 RECENT", "* 1 FETCH (UID 1 FLAGS (\\Recent))"]
        assert await d.ok("a NOOP") == ["* 1 EXISTS", "* 1 FETCH (UID 1 FLAGS ())"]
        assert await d.ok("a STATUS inbox (RECENT)") == ["* STATUS INBOX (RECENT 0)"]
        assert "* 0 RECENT" in await d.select()
        assert "* 0 RECENT" in await c.select()


async def test_close_removes_silently_and_unselect_does_not(imap: Imap) -> None:
    """IMAP-116"""
    async with imap.account() as account, imap.user(select=None) as c:
        await put(account, 2, flags=Flag.DELETED)
        await c.select()
        assert await c.ok("a UNSELECT") == []
        assert "* 2 EXISTS" in await c.select()
        assert await c.ok("a CLOSE") == []
        assert "* 0 EXISTS" in await c.select()


async def test_condstore_is_switched_on_by_its_use(imap: Imap) -> None:
    """IMAP-76, IMAP-77"""
    async with imap.account() as account, imap.user() as c:
        await put(account, 1)
        assert (await c.ok("a NOOP"))[-1] == "* 1 FETCH (UID 1 FLAGS (\\Recent))"
        responses = await c.ok("a STATUS Archive (HIGHESTMODSEQ)")
        assert responses[0].startswith("* OK [HIGHESTMODSEQ ")
        assert "MODSEQ (" in (await c.ok(r"a STORE 1 FLAGS (\Seen)"))[0]
    async with imap.user(select=None) as c:
        await c.ok("a SELECT inbox (CONDSTORE)")
        assert "MODSEQ (" in (await c.ok(r"a STORE 1 FLAGS ()"))[0]


# --- QRESYNC


async def _history(imap: Imap) -> tuple[int, int]:
    """Ten messages; then 2, 5 and 6 go, 3 and 9 change. Returns UIDVALIDITY and the modseq between."""
    async with imap.account() as account:
        added = await put(account, 10)
        await account.write(lambda tx: expunge(tx, INBOX, [2]))
        await account.write(lambda tx: store_flags(tx, INBOX, [9], mode="add", flags=Flag.SEEN))
        await account.write(lambda tx: expunge(tx, INBOX, [5, 6]))
        await account.write(lambda tx: store_flags(tx, INBOX, [3], mode="add", flags=Flag.FLAGGED))
        return added[0].uidvalidity, added[0].modseq


def _sync(responses: list[str]) -> list[str]:
    return [line for line in responses if "VANISHED" in line or "FETCH" in line or "ALERT" in line]


async def test_what_qresync_has_read_is_told_also_when_it_was_not_published_yet(
    imap: Imap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IMAP-81, IMAP-54: a message is removed between the snapshot of SELECT and the read of the changes, and the loop
    has not heard of it. The client must not end with one message more than it knows."""
    publish, introduce = Bus.publish, select._introduce

    def late(bus: Bus, *args: Any) -> None:
        async def after_some_turns() -> None:
            await trio.testing.wait_all_tasks_blocked(0.01)
            publish(bus, *args)

        trio.lowlevel.spawn_system_task(after_some_turns)

    async with imap.account() as account:
        validity = (await put(account, 3))[0].uidvalidity

        async def removing(*args: Any) -> None:
            await introduce(*args)
            monkeypatch.setattr(Bus, "publish", late)
            await account.write(partial(expunge, mailbox_id=INBOX, uids=(2,)))
            monkeypatch.setattr(Bus, "publish", publish)

        monkeypatch.setattr(select, "_introduce", removing)
        async with imap.user(select=None, enable=["QRESYNC"]) as c:
            assert _sync(await c.ok(f"a SELECT inbox (QRESYNC ({validity} 1))"))[-1] == "* VANISHED 2"


@pytest.mark.parametrize("size", [500, 1])
async def test_qresync_tells_removals_then_changes(imap: Imap, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """IMAP-74, IMAP-75, IMAP-81: few changes, and more than are read at once."""
    monkeypatch.setattr(select, "SLICE", size)
    validity, modseq = await _history(imap)
    async with imap.user(select=None, enable=["QRESYNC"]) as c:
        assert _sync(await c.ok(f"a SELECT inbox (QRESYNC ({validity} {modseq}))")) == [
            "* VANISHED (EARLIER) 2,5:6",
            f"* 2 FETCH (UID 3 FLAGS (\\Recent \\Flagged) MODSEQ ({modseq + 4}))",
            f"* 6 FETCH (UID 9 FLAGS (\\Recent \\Seen) MODSEQ ({modseq + 2}))",
        ]
        assert _sync(await c.ok(f"a SELECT inbox (QRESYNC ({validity} {modseq + 2}))"))[0] == "* VANISHED (EARLIER) 5:6"
        assert _sync(await c.ok(f"a SELECT inbox (QRESYNC ({validity} {modseq + 4}))")) == []


async def test_qresync_keeps_to_known_uids_and_matching_numbers(imap: Imap) -> None:
    """IMAP-81, IMAP-82"""
    validity, modseq = await _history(imap)
    async with imap.user(select=None, enable=["QRESYNC"]) as c:

        async def sync(rest: str) -> list[str]:
            return _sync(await c.ok(f"a SELECT inbox (QRESYNC ({validity} {rest}))"))

        assert await sync(f"{modseq} 4:5") == ["* VANISHED (EARLIER) 5"]
        # numbers 1 and 2 have UIDs 1 and 3 with us too: 2 was removed below, and the client knows
        assert (await sync(f"{modseq} 1:10 (1:2 1,3)"))[0] == "* VANISHED (EARLIER) 5:6"
        assert (await sync(f"{modseq} 1:10 (1,3 1,3)"))[0] == "* VANISHED (EARLIER) 2,5:6"
        # it names 2 as present, though it says that it knows of its removal
        lines = await sync(f"{modseq + 1} 1:10 (1:2 1:2)")
        assert lines[0] == "* OK [ALERT] the client's copy of the mailbox is out of sync"
        assert lines[1] == "* VANISHED (EARLIER) 2,5:6"


async def test_qresync_with_another_uidvalidity_is_a_plain_select(imap: Imap) -> None:
    """IMAP-81"""
    validity, modseq = await _history(imap)
    async with imap.user(select=None, enable=["QRESYNC"]) as c:
        assert _sync(await c.ok(f"a SELECT inbox (QRESYNC ({validity + 1} {modseq}))")) == []
    async with imap.user(select=None) as c:
        assert await c.tagged(f"a SELECT inbox (QRESYNC ({validity} {modseq}))") == "BAD QRESYNC isn't enabled"


async def test_a_client_from_before_the_purge_is_told_all_that_is_missing(imap: Imap) -> None:
    """IMAP-82"""
    validity, modseq = await _history(imap)
    async with imap.account() as account:
        await account.write(lambda tx: tx.execute("UPDATE state SET highest_purged_modseq = ?", modseq + 3))
        await account.write(lambda tx: tx.execute("DELETE FROM expunged WHERE uid = 77"))
    async with imap.user(select=None, enable=["QRESYNC"]) as c:
        lines = _sync(await c.ok(f"a SELECT inbox (QRESYNC ({validity} 1))"))
        assert lines[0] == "* VANISHED (EARLIER) 2,5:6"
        assert len(lines) == 8


async def test_a_disk_that_hangs_keeps_nobody_from_a_mailbox(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    r"""IMAP-72a, IMAP-153: claiming \Recent is for memory: SELECT makes no unit, which a full or slow disk delays."""

    async def hang(*_: object, **__: object) -> None:
        await trio.sleep_forever()

    async with imap.account() as account, imap.user(select=None) as c:
        await put(account, 1)
        with monkeypatch.context() as patch:
            patch.setattr(Account, "write", hang)
            responses = await c.say("a SELECT inbox")
        assert responses[-1] == "a OK [READ-WRITE] selected"
        assert "* 1 RECENT" in responses


async def test_a_mailbox_that_is_selected_again_is_as_it_is_now(imap: Imap) -> None:
    """IMAP-53, IMAP-165"""
    async with imap.account() as account, imap.user() as c, imap.user() as d:
        await put(account, 6)
        await c.select()
        await c.ok("a UNSELECT")
        await d.ok(r"a UID STORE 2,5 +FLAGS (\Deleted)")
        await d.ok("b EXPUNGE")
        await put(account, 2, first=7)
        assert "* 6 EXISTS" in await c.select()
        assert await c.ok("b UID SEARCH ALL") == ["* SEARCH 1 3 4 6 7 8"]
        await c.ok("c UNSELECT")
        await c.select()
        assert await c.ok("d SEARCH ALL") == ["* SEARCH 1 2 3 4 5 6"]
