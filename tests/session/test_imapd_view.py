"""What several sessions on one account are told, and when (docs/spec/imap.md §6, §14)."""

from typing import Any

import pytest
import trio
import trio.testing

from moxlite.net.exposition import REGISTRY
from moxlite.store.changelog.account import Account
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.flags import store_flags
from moxlite.store.mail.mailboxes import delete_mailbox
from moxlite.store.types import Flag, MailboxID
from tests.session.imapd_harness import Imap, imap
from tests.store_mail import box, put
from tests.tools import eventually

pytestmark = pytest.mark.served

__all__ = ["imap"]

INBOX = MailboxID(1)


async def test_changes_of_one_session_reach_the_others(imap: Imap) -> None:
    """IMAP-10, IMAP-54, IMAP-55"""
    async with imap.user() as c, imap.user(enable=["IMAP4rev2"]) as d:
        await c.append("a: b\r\n\r\nx")
        await c.append("a: b\r\n\r\ny")
        assert await d.ok("a NOOP") == [
            "* 2 EXISTS",
            "* 1 FETCH (UID 1 FLAGS ())",
            "* 2 FETCH (UID 2 FLAGS ())",
        ]
        await d.ok(r"a STORE 2 FLAGS (\Deleted)")
        assert await c.ok("a NOOP") == [r"* 2 FETCH (UID 2 FLAGS (\Recent \Deleted))"]
        await c.ok("a EXPUNGE")
        assert await d.ok("a NOOP") == ["* 2 EXPUNGE"]
        assert await d.ok("a NOOP") == []


async def test_expunge_is_held_back_while_numbers_are_in_use(imap: Imap) -> None:
    """IMAP-54, IMAP-55, IMAP-57"""
    async with imap.account() as account, imap.user() as c:
        await put(account, 3)
        await c.ok("a NOOP")
        await account.write(lambda tx: expunge(tx, INBOX, [1]))
        await put(account, 1, first=9)
        # the numbers are still those of before: 2 is UID 2
        assert await c.ok(r"a STORE 2 +FLAGS (\Seen)") == [
            "* 4 EXISTS",
            "* 4 RECENT",
            r"* 4 FETCH (UID 4 FLAGS (\Recent))",
            r"* 2 FETCH (UID 2 FLAGS (\Recent \Seen))",
        ]
        assert await c.ok("a NOOP") == ["* 1 EXPUNGE", "* 3 RECENT"]
        assert await c.ok(r"a STORE 1 +FLAGS (\Seen)") == [r"* 1 FETCH (UID 2 FLAGS (\Recent \Seen))"]


async def test_a_held_removal_keeps_the_content(imap: Imap) -> None:
    """IMAP-57"""
    async with imap.account() as account, imap.user() as c:
        await put(account, 2)
        await c.ok("a NOOP")
        await account.write(lambda tx: expunge(tx, INBOX, [1]))
        before = account.bus.acknowledged
        await c.tagged(r"a STORE 1 +FLAGS (\Seen)")
        assert account.bus.acknowledged == before
        await c.ok("a NOOP")
        assert account.bus.acknowledged == account.bus.modseq


async def test_messages_that_came_and_went_are_never_told(imap: Imap) -> None:
    """IMAP-53, IMAP-55"""
    async with imap.account() as account, imap.user() as c:
        await put(account, 2)
        await account.write(lambda tx: expunge(tx, INBOX, [1]))
        assert await c.ok("a NOOP") == ["* 1 EXISTS", "* 1 RECENT", r"* 1 FETCH (UID 2 FLAGS (\Recent))"]


async def test_new_keywords_are_announced_before_they_are_shown(imap: Imap) -> None:
    """IMAP-60, IMAP-109"""
    async with imap.account() as account, imap.user() as c:
        await put(account, 1, keywords=["$MailFlagBit0"])
        responses = await c.ok("a NOOP")
        assert responses[0].endswith(" $MailFlagBit0)")
        assert responses[0].startswith("* FLAGS (")
        assert responses[-1] == r"* 1 FETCH (UID 1 FLAGS (\Recent $MailFlagBit0))"
        await account.write(lambda tx: store_flags(tx, INBOX, [1], mode="add", keywords=["$MAILFLAGBIT0"]))
        assert await c.ok("a NOOP") == []


async def test_a_deleted_mailbox_can_only_be_left(imap: Imap) -> None:
    """IMAP-58"""
    async with imap.account() as account, imap.user(select=None) as c, imap.user(select=None) as d:
        await c.ok("a CREATE x")
        await put(account, 2, "x")
        await c.select("x")
        await d.select("x")
        mailbox_id = (await box(account, "x")).id
        await account.write(lambda tx: delete_mailbox(tx, mailbox_id))
        assert await c.ok("a NOOP") == ["* 2 EXPUNGE", "* 1 EXPUNGE", "* 0 RECENT"]
        for command in ("STORE 1 FLAGS ()", "EXPUNGE", "COPY 1 Inbox", "SEARCH ALL"):
            answer = await c.tagged(f"a {command}")
            assert answer == "NO [NONEXISTENT] the mailbox was deleted", (command, answer)
        await c.idle()
        assert await c.done() == []
        await c.ok("a CLOSE")
        await d.ok("a UNSELECT")


async def test_a_renamed_mailbox_stays_selected(imap: Imap) -> None:
    """IMAP-58"""
    async with imap.user(select=None) as c, imap.user(select=None) as d:
        await c.ok("a CREATE x")
        await c.select("x")
        await d.ok("a RENAME x y")
        await d.append("a: b\r\n\r\nx", "y")
        assert "* 1 EXISTS" in await c.ok("a NOOP")


async def test_other_mailboxes_are_not_told(imap: Imap) -> None:
    """IMAP-53"""
    async with imap.account() as account, imap.user(select="Archive") as c:
        await put(account, 2)
        assert await c.ok("a NOOP") == []


# --- IDLE


async def test_idle_tells_changes_as_they_come(imap: Imap) -> None:
    """IMAP-128"""
    async with imap.account() as account, imap.user() as c:
        await put(account, 1)
        await c.idle()
        assert [await c.response() for _ in range(3)] == [
            "* 1 EXISTS",
            "* 1 RECENT",
            r"* 1 FETCH (UID 1 FLAGS (\Recent))",
        ]
        await account.write(lambda tx: store_flags(tx, INBOX, [1], mode="add", flags=Flag.SEEN))
        assert await c.response() == r"* 1 FETCH (UID 1 FLAGS (\Recent \Seen))"
        await account.write(lambda tx: expunge(tx, INBOX, [1]))
        assert await c.response() == "* 1 EXPUNGE"
        assert await c.response() == "* 0 RECENT"
        assert await c.done() == []
        await c.ok("a NOOP")


async def test_idle_works_without_a_mailbox(imap: Imap) -> None:
    """IMAP-59, IMAP-128"""
    async with imap.user(select=None, enable=["IMAP4rev2"]) as c, imap.user(select=None) as d:
        await c.idle()
        await d.ok("a CREATE x")
        assert await c.response() == r'* LIST (\Subscribed) "/" x'
        await c.done()


async def test_anything_but_done_ends_an_idle_session(imap: Imap) -> None:
    """IMAP-128"""
    async with imap.user() as c:
        await c.idle()
        await c.send("a NOOP\r\n")
        assert await c.response() == "* BYE [CLIENTBUG] expected DONE"
        assert await c.line() == b""
    async with imap.user() as c:
        await c.idle()


@pytest.mark.slow
async def test_fifty_idle_sessions_hear_of_a_delivery_and_share_one_list(imap: Imap) -> None:
    """IMAP-53, IMAP-170"""
    imap.context.gate.at_once.limits = (100, 100, 100)
    async with imap.account() as account, trio.open_nursery() as nursery:
        await put(account, 3)
        ready, heard = [0], [0]
        stop = trio.Event()

        async def client() -> None:
            async with imap.user() as c:
                await c.idle()
                ready[0] += 1
                assert (await c.response()).endswith("EXISTS")
                heard[0] += 1
                await stop.wait()

        for _ in range(50):
            nursery.start_soon(client)
        await eventually(lambda: ready[0] == 50, what="all sessions idle")
        await put(account, 1, first=9)
        await eventually(lambda: heard[0] == 50, what="all sessions hear of it")
        share = imap.context.sessions._accounts["mia"]
        lists = {id(view.list) for view in share.views}
        assert len(lists) == 1
        stop.set()


async def test_a_session_that_slept_reads_what_it_missed_from_the_log(imap: Imap) -> None:
    """IMAP-61"""
    async with imap.account() as account, imap.user(enable=["QRESYNC"]) as c:
        for first in range(1, 1201, 400):
            await put(account, 400, first=first)
        for _ in range(12):
            for mode in ("add", "remove"):
                await account.write(
                    lambda tx, mode=mode: store_flags(tx, INBOX, range(1, 901), mode=mode, flags=Flag.SEEN)  # type: ignore[misc]
                )
        await account.write(lambda tx: expunge(tx, INBOX, range(10, 21)))
        responses = await c.ok("a NOOP")
        assert [line for line in responses if "EXISTS" in line][-1] == "* 1189 EXISTS"
        assert len([line for line in responses if "FETCH" in line]) <= 2400
        assert await c.ok("a NOOP") == []
        assert (await c.say("a UID STORE 1 FLAGS ()"))[-1] == "a OK stored"


async def test_an_account_that_is_removed_ends_its_sessions(imap: Imap) -> None:
    """IMAP-23"""
    async with imap.user(select=None) as c:
        await c.idle()
        async with imap.account() as account:
            account.bus.close("the account is being deleted")
            assert await c.response() == "* BYE [UNAVAILABLE] the account is being deleted"


async def test_gauges_show_lists_and_held_removals(imap: Imap) -> None:
    """IMAP-24, IMAP-172"""

    def gauge(name: str) -> float | None:
        return REGISTRY.get_sample_value(f"moxlite_imap_{name}")

    async with imap.account() as account, imap.user() as c, imap.user() as d:
        await put(account, 3)
        await c.ok("a NOOP")
        await d.ok("a NOOP")
        await account.write(lambda tx: expunge(tx, INBOX, [2, 3]))
        await c.ok(r"a STORE 1 FLAGS (\Seen)")
        await d.ok("a NOOP")
        assert (gauge("sessions"), gauge("held_removals"), gauge("view_octets")) == (2, 2, 16)
        await c.ok("a UNSELECT")
        assert (gauge("sessions"), gauge("held_removals"), gauge("view_octets")) == (1, 0, 4)


async def test_a_change_of_another_told_late_does_not_hide_our_own(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-55, IMAP-94: FETCH marks a message as seen just after another took its flags, and their change is told in a
    batch before ours.
    """
    monkeypatch.setattr("moxlite.store.changelog.bus.SLICE", 1)
    async with imap.account() as account, imap.user() as c:
        await put(account, 1)
        await c.ok("a NOOP")
        write = Account.write

        async def overtaken(self: Account, unit: Any, *rest: Any) -> Any:
            monkeypatch.setattr(Account, "write", write)
            await write(self, lambda tx: store_flags(tx, INBOX, [1], mode="replace", flags=Flag.FLAGGED))
            return await write(self, unit, *rest)

        monkeypatch.setattr(Account, "write", overtaken)
        told = [line for line in await c.ok("a UID FETCH 1 BODY[TEXT]") if "FLAGS" in line]
        assert r"\Seen" in told[-1]
        assert r"\Flagged" in told[-1]
