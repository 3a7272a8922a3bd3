"""UIDONLY (RFC 9586): no message numbers, and a session that keeps no UIDs (IMAP-53, IMAP-84)."""

from array import array
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

from moxlite.imapd.session.named import NamedUIDs
from moxlite.imapd.session.view import CountedView
from moxlite.store.changelog import unit
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.flags import store_flags
from moxlite.store.rows.conditions import Condition
from moxlite.store.types import Flag, MailboxID
from tests.session.imapd_harness import Client, Imap, imap
from tests.store_mail import box, put

pytestmark = pytest.mark.served

__all__ = ["imap"]

INBOX = MailboxID(1)


def view_of(imap: Imap) -> CountedView:
    """The one view there is."""
    (view,) = imap.context.sessions.views()
    assert isinstance(view, CountedView)
    return view


async def searched(client: Client, program: str) -> str:
    """The UIDs that match."""
    (line,) = await client.ok(f"q UID SEARCH {program}")
    return line.removeprefix("* SEARCH").removeprefix('* ESEARCH (TAG "q") UID').strip()


async def test_a_session_keeps_a_number_and_no_uids(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-53, IMAP-84, IMAP-165: SELECT reads no row of a message."""
    asked.set(True)
    async with imap.account() as account, imap.user(select=None, enable=["UIDONLY", "IMAP4rev2"]) as c:
        await put(account, 40)
        statements: list[tuple[str, tuple[Any, ...]]] = []
        monkeypatch.setattr(Reader, "rows", _noting(Reader.rows, statements))
        monkeypatch.setattr(Reader, "row", _noting(Reader.row, statements))
        monkeypatch.setattr(Reader, "value", _noting(Reader.value, statements))
        lines = await c.select()
        assert "* 40 EXISTS" in lines
        assert not any("UNSEEN" in line for line in lines)
        assert statements
        of_messages = [values for sql, values in statements if "FROM message" in sql or "expunged" in sql]
        assert of_messages == [(None,)]  # those of no mailbox
        assert view_of(imap).count == 40
        assert len(view_of(imap).list) == 0
        assert (await c.tagged("a FETCH 1 FLAGS")).startswith("BAD [UIDREQUIRED]")
        assert (await c.tagged("a UID SEARCH 1:2")).startswith("BAD [UIDREQUIRED]")


asked: ContextVar[bool] = ContextVar("asked", default=False)
"""True in the test and in the sessions that it opens, but not in what the account does in the background."""


def _noting(method: Callable[..., Any], statements: list[tuple[str, tuple[Any, ...]]]) -> Callable[..., Any]:
    def noting(self: Reader, sql: str, *values: Any) -> Any:
        if asked.get():
            statements.append((sql, values))
        return method(self, sql, *values)

    return noting


async def test_numbers_follow_what_happens(imap: Imap) -> None:
    """IMAP-53, IMAP-54, IMAP-55, IMAP-72a: EXISTS, RECENT and VANISHED agree."""
    async with imap.account() as account, imap.user(select=None, enable=["UIDONLY"]) as c:
        await put(account, 3)
        lines = await c.select()
        assert "* 3 EXISTS" in lines
        assert "* 3 RECENT" in lines
        await put(account, 2, first=7)
        await account.write(lambda tx: expunge(tx, INBOX, [2, 3, 5]))
        assert await c.ok("a NOOP") == [
            "* VANISHED 2:3",
            "* 1 RECENT",
            "* 2 EXISTS",
            "* 2 RECENT",
            r"* 4 UIDFETCH (FLAGS (\Recent))",
        ]
        await account.write(lambda tx: expunge(tx, INBOX, [4]))
        assert await c.say(r"a UID STORE * +FLAGS (\Deleted)") == [
            "* VANISHED 4",
            "* 1 RECENT",
            "a OK [EXPUNGEISSUED] stored",
        ]


async def test_a_star_is_the_last_message_that_was_told(imap: Imap) -> None:
    """IMAP-57, IMAP-62"""
    async with imap.account() as account, imap.user(select=None, enable=["UIDONLY"]) as c:
        await c.select()
        assert await c.ok("a UID FETCH * (UID)") == []
        assert await c.ok("a UID FETCH 1:* (UID)") == []
        await put(account, 4)
        await c.ok("a NOOP")
        assert await c.ok("a UID FETCH 559:* (UID)") == ["* 4 UIDFETCH (UID 4)"]
        await account.write(lambda tx: expunge(tx, INBOX, [3, 4]))
        # not yet told: it is there, and readable
        responses = await c.say("a UID FETCH * (UID RFC822.SIZE)")
        assert responses[0].startswith("* 4 UIDFETCH (UID 4 RFC822.SIZE ")
        assert responses[1] == "* VANISHED 3:4"
        assert responses[-1].startswith("a OK [EXPUNGEISSUED]")
        assert await c.ok("a UID FETCH * (UID)") == ["* 2 UIDFETCH (UID 2)"]
        await c.ok("a ENABLE QRESYNC")
        assert (await c.say("a UID FETCH 1:9 (UID) (CHANGEDSINCE 1 VANISHED)"))[0] == "* VANISHED (EARLIER) 3:4"


async def test_sets_are_asked_of_the_store(imap: Imap) -> None:
    """IMAP-62, IMAP-107, IMAP-116, IMAP-117, IMAP-124: gaps, doubles, $, windows."""
    async with imap.account() as account, imap.user(select=None, enable=["UIDONLY"]) as c:
        await put(account, 9)
        await account.write(lambda tx: expunge(tx, INBOX, [4, 8]))
        await c.select()
        many = ",".join(str(n) for n in range(1, 400, 2))  # more ranges than are looked up one by one
        assert await searched(c, "UID 9,1:3,2:5") == "1 2 3 5 9"
        assert await searched(c, f"UID {many}") == "1 3 5 7 9"
        assert await searched(c, "NOT UID 5:*") == "1 2 3"
        assert list(await c.ok("a UID FETCH 5:999,3 (UID) (PARTIAL -1:-2)")) == [
            "* 7 UIDFETCH (UID 7)",
            "* 9 UIDFETCH (UID 9)",
        ]
        await c.ok("a UID SEARCH RETURN (SAVE) UID 1:6")
        assert (await c.say("a UID COPY $ Archive"))[-1].startswith("a OK [COPYUID")
        assert await c.ok(r"a UID STORE 2:3 +FLAGS.SILENT (\Deleted)") == []
        assert await c.ok("a UID EXPUNGE 3:*") == ["* VANISHED 3", "* 6 RECENT"]
        assert [line.split()[1] for line in await c.ok("a UID FETCH $ (FLAGS)")] == ["1", "2", "5", "6"]
        assert await c.ok("a UID MOVE 5:6 Trash") == [
            f"* OK [COPYUID {(await box(account, 'Trash')).uidvalidity} 5:6 1:2] moved",
            "* VANISHED 5:6",
            "* 4 RECENT",
        ]
        assert await c.ok("a UID SORT RETURN (COUNT) (ARRIVAL) UTF-8 UID 1:*") == ['* ESEARCH (TAG "a") UID COUNT 4']
        assert await c.ok("a ESEARCH IN (selected) RETURN (COUNT) UID 2:7") == [
            f'* ESEARCH (TAG "a" MAILBOX INBOX UIDVALIDITY {(await box(account)).uidvalidity}) UID COUNT 2'
        ]
        assert (await c.tagged("a UID REPLACE 77 Inbox {6+}\r\na: b\r\n")).startswith("NO")
        replaced = await c.say("a UID REPLACE 9 Inbox {6+}\r\na: b\r\n")
        assert "* VANISHED 9" in replaced
        assert "* 4 EXISTS" in replaced


async def test_what_the_log_tells_is_not_told_twice(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-53, IMAP-61: removals read from the database, some of which SELECT has read already."""
    monkeypatch.setattr(unit, "MARK_ROWS", 1)
    async with imap.account() as account, imap.user(select=None, enable=["UIDONLY", "IMAP4rev2"]) as c:
        await put(account, 9)
        take = imap.context.sessions  # keep the session behind what SELECT reads
        assert take.count() == 1
        await account.write(lambda tx: expunge(tx, INBOX, [1, 2]))

        import moxlite.imapd.mailboxes.select as module

        read = module._read

        async def later(*args):  # type: ignore[no-untyped-def]
            await account.write(lambda tx: expunge(tx, INBOX, [3, 4]))
            snapshot = await read(*args)
            await account.write(lambda tx: expunge(tx, INBOX, [5, 6]))
            return snapshot

        monkeypatch.setattr(module, "_read", later)
        lines = await c.select()
        assert "* 5 EXISTS" in lines
        assert [line for line in lines if "VANISHED" in line] == ["* VANISHED 5:6"]
        await put(account, 2, first=50)
        await account.write(lambda tx: expunge(tx, INBOX, [7, 10]))
        await account.write(lambda tx: store_flags(tx, INBOX, [8, 9], mode="add", flags=Flag.SEEN))
        assert [line for line in await c.ok("a NOOP") if "LIST" not in line] == [
            "* VANISHED 7",
            "* 3 EXISTS",
            "* 11 UIDFETCH (FLAGS ())",
            r"* 8 UIDFETCH (FLAGS (\Seen))",
            r"* 9 UIDFETCH (FLAGS (\Seen))",
        ]


async def test_notify_may_leave_changes_untold(imap: Imap) -> None:
    """IMAP-53, IMAP-129: what the client removes itself meanwhile is not told again."""
    async with imap.account() as account, imap.user(select=None, enable=["UIDONLY", "IMAP4rev2"]) as c:
        await put(account, 5)
        await c.select()
        await c.ok("a NOTIFY NONE")
        await c.ok(r"a UID STORE 1 +FLAGS.SILENT (\Deleted)")
        assert await c.ok("a EXPUNGE") == ["* VANISHED 1"]
        await account.write(lambda tx: expunge(tx, INBOX, [2]))
        await put(account, 1, first=50)
        assert await c.ok("a NOOP") == []
        assert await c.ok("a NOTIFY SET (selected (MessageNew MessageExpunge FlagChange))") == [
            "* VANISHED 2",
            "* 4 EXISTS",
            "* 6 UIDFETCH (FLAGS ())",
        ]
        assert view_of(imap).count == 4


async def test_a_view_from_before_keeps_its_uids(imap: Imap) -> None:
    """IMAP-84: ENABLE while a mailbox is selected."""
    async with imap.account() as account, imap.user() as c:
        await put(account, 3)
        await c.ok("a NOOP")
        assert await c.ok("a ENABLE UIDONLY") == ["* ENABLED UIDONLY"]
        await account.write(lambda tx: expunge(tx, INBOX, [2]))
        assert await c.ok("a NOOP") == ["* VANISHED 2", "* 2 RECENT"]
        assert await searched(c, "ALL") == "1 3"
        await c.select()
        assert view_of(imap).count == 2


async def test_a_lost_history_vanishes(imap: Imap) -> None:
    """IMAP-78, IMAP-82: with purged tombstones every UID of the set that does not exist is listed."""
    async with imap.account() as account, imap.user(select=None, enable=["UIDONLY", "QRESYNC", "IMAP4rev2"]) as c:
        await put(account, 6)
        await account.write(lambda tx: expunge(tx, INBOX, [2, 5]))
        await account.write(lambda tx: tx.execute("UPDATE state SET highest_purged_modseq = modseq"))
        validity = (await box(account)).uidvalidity
        lines = await c.ok(f"a SELECT inbox (QRESYNC ({validity} 1))")
        assert "* VANISHED (EARLIER) 2,5" in lines
        assert (await c.say("a UID FETCH 1:4 (UID) (CHANGEDSINCE 1 VANISHED)"))[0] == "* VANISHED (EARLIER) 2"
        assert (await c.tagged(f"a SELECT inbox (QRESYNC ({validity} 1 1:6 (1 1)))")).startswith("BAD [UIDREQUIRED]")


def ranges(uids: list[int]) -> str:
    return " ".join(map(str, uids))


@pytest.mark.parametrize("uidonly", [False, True])
async def test_a_thousand_sets_list_no_messages(imap: Imap, monkeypatch: pytest.MonkeyPatch, *, uidonly: bool) -> None:
    """IMAP-119, IMAP-143: a list of all UIDs for each would take a gigabyte in a mailbox of 100,000 messages."""
    listed: list[int] = []
    condition = NamedUIDs.condition

    def counting(named: NamedUIDs, uids: "array[int]") -> Condition:
        listed.append(len(uids))
        return condition(named, uids)

    monkeypatch.setattr(NamedUIDs, "condition", counting)
    odd = list(range(1, 20, 2))  # ten ranges
    many = ",".join(map(str, odd))
    every = list(range(1, 21))
    async with imap.account() as account:
        await put(account, 20)
        async with imap.user(enable=["UIDONLY"] if uidonly else []) as c:
            await c.ok("a NOOP")
            assert await searched(c, " ".join(["UID 1:*,2"] * 990)) == ranges(every)
            assert await searched(c, " ".join(["UID 1:2,3:*,1"] * 400) + " UID 2:3") == ranges([2, 3])
            if not uidonly:
                assert await searched(c, " ".join(["2:*"] * 990)) == ranges(every[1:])
                assert await searched(c, "*,90") == ranges([20])
            assert not listed
            assert await searched(c, f"UID {many}") == ranges(odd)
            assert listed == [10]
            sets = [f"UID {many},{100 + number}" for number in range(9)]
            assert (await c.tagged(f"a UID SEARCH {' '.join(sets)}")).startswith("NO [LIMIT]")
            assert await searched(c, f"UID {many} UID {many}") == ranges(odd)
