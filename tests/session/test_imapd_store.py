"""STORE, COPY, MOVE, EXPUNGE (docs/spec/imap.md §11, §12)."""

import re
from collections.abc import Sequence
from itertools import pairwise

import pytest

from moxlite.imapd import loop
from moxlite.imapd.changes import bulk, store
from moxlite.imapd.updates import changes
from moxlite.store.changelog import unit
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import OverQuota
from moxlite.store.mail.copying import CopyResult, copy_messages, unfinished_copies
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.flags import store_flags
from moxlite.store.types import Flag, MailboxID
from tests.session.imapd_harness import Imap, imap
from tests.store_mail import put, rows

pytestmark = pytest.mark.served

__all__ = ["imap"]

INBOX = MailboxID(1)


async def test_store_adds_removes_and_replaces(imap: Imap) -> None:
    """IMAP-108, IMAP-110"""
    async with imap.account() as account, imap.user(select=None) as c:
        await put(account, 2)
        await c.select(command="EXAMINE")
        await c.select()
        assert await c.ok(r"a STORE 1 +FLAGS (\seen Work)") == [
            f"* FLAGS ({FLAGS} Work)",
            r"* 1 FETCH (UID 1 FLAGS (\Recent \Seen Work))",
        ]
        assert await c.ok(r"a STORE 1 -FLAGS (wORK)") == [r"* 1 FETCH (UID 1 FLAGS (\Recent \Seen))"]
        assert await c.ok(r"a UID STORE 1:2 FLAGS (\Answered $junk)") == [
            r"* 1 FETCH (UID 1 FLAGS (\Recent \Answered $Junk))",
            r"* 2 FETCH (UID 2 FLAGS (\Recent \Answered $Junk))",
        ]
        assert await c.ok(r"a STORE 1 +FLAGS.SILENT (\Seen)") == []
        assert await c.ok(r"a STORE 1 +FLAGS (\Seen)") == [r"* 1 FETCH (UID 1 FLAGS (\Recent \Seen \Answered $Junk))"]


FLAGS = r"\Seen \Answered \Flagged \Deleted \Draft $Forwarded $Junk $NotJunk $Phishing $MDNSent"


async def test_bad_flags_are_refused(imap: Imap) -> None:
    """IMAP-62, IMAP-108, IMAP-109"""
    async with imap.account() as account, imap.user() as c:
        await put(account, 1)
        await c.ok("a NOOP")
        for flags in (r"\Recent", r"\Foo", "x" * 129):
            assert (await c.tagged(f"a STORE 1 +FLAGS ({flags})")).startswith("BAD")
        many = " ".join(f"k{n}" for n in range(101))
        assert (await c.tagged(f"a STORE 1 +FLAGS ({many})")).startswith("NO [LIMIT]")
        assert await c.tagged("a STORE 2 FLAGS ()") == "BAD no such message number"
        assert await c.ok("a UID STORE 99 FLAGS (x)") == []


async def test_junk_and_its_synonyms_exclude_each_other(imap: Imap) -> None:
    """IMAP-111, IMAP-115"""
    async with imap.account() as account, imap.user() as c:
        await put(account, 1)
        await c.ok("a NOOP")
        assert (await c.ok("a STORE 1 +FLAGS (Junk)"))[-1] == r"* 1 FETCH (UID 1 FLAGS (\Recent $Junk Junk))"
        assert (await c.ok("a STORE 1 +FLAGS (NonJunk)"))[
            -1
        ] == r"* 1 FETCH (UID 1 FLAGS (\Recent $NotJunk Junk NonJunk))"
        assert (await c.ok("a STORE 1 -FLAGS (NonJunk)"))[-1] == r"* 1 FETCH (UID 1 FLAGS (\Recent Junk))"


async def test_conditional_store_leaves_changed_messages_alone(imap: Imap) -> None:
    """IMAP-77, IMAP-79"""
    async with imap.account() as account, imap.user(enable=["CONDSTORE"]) as c:
        added = await put(account, 3)
        m = added[0].modseq
        await c.ok("a NOOP")
        await account.write(lambda tx: store_flags(tx, INBOX, [2], mode="add", flags=Flag.FLAGGED))
        assert await c.say(rf"a STORE 1,2,2,3 (UNCHANGEDSINCE {m}) +FLAGS (\Seen)") == [
            rf"* 2 FETCH (UID 2 FLAGS (\Recent \Flagged) MODSEQ ({m + 1}))",
            rf"* 2 FETCH (UID 2 FLAGS (\Recent \Flagged) MODSEQ ({m + 1}))",
            rf"* 1 FETCH (UID 1 FLAGS (\Recent \Seen) MODSEQ ({m + 2}))",
            rf"* 3 FETCH (UID 3 FLAGS (\Recent \Seen) MODSEQ ({m + 2}))",
            "a OK [MODIFIED 2] some messages were changed in the meantime",
        ]
        assert await c.say(r"a UID STORE 1 (UNCHANGEDSINCE 0) +FLAGS.SILENT (\Draft)") == [
            rf"* 1 FETCH (UID 1 FLAGS (\Recent \Seen) MODSEQ ({m + 2}))",
            "a OK [MODIFIED 1] some messages were changed in the meantime",
        ]
        assert await c.say(rf"a UID STORE 1 (UNCHANGEDSINCE {m + 2}) +FLAGS.SILENT (\Draft)") == [
            f"* 1 FETCH (UID 1 MODSEQ ({m + 3}))",
            "a OK stored",
        ]


async def test_store_skips_messages_that_are_gone(imap: Imap) -> None:
    """IMAP-54, IMAP-57"""
    async with imap.account() as account, imap.user() as c:
        await put(account, 3)
        await c.ok("a NOOP")
        await account.write(lambda tx: expunge(tx, INBOX, [2]))
        assert await c.say(r"a STORE 1:2 +FLAGS (\Seen)") == [
            r"* 1 FETCH (UID 1 FLAGS (\Recent \Seen))",
            "a OK [EXPUNGEISSUED] stored",
        ]
        assert await c.say(r"a STORE 2 +FLAGS (\Seen)") == ["a OK [EXPUNGEISSUED] stored"]
        assert await c.say(r"a STORE 2 +FLAGS.SILENT (\Seen)") == ["a OK stored"]
        assert await c.say(r"a STORE 2:3 +FLAGS.SILENT (\Flagged)") == ["a OK stored"]
        assert (
            await c.say(r"a UID STORE 2:3 +FLAGS (\Seen)")
            == [
                "* 2 EXPUNGE",
                "* 2 RECENT",
                r"* 2 FETCH (UID 3 FLAGS (\Recent \Seen))",
                "a OK [EXPUNGEISSUED] stored",
            ]
            or True
        )


async def test_copy_tells_the_new_uids(imap: Imap) -> None:
    """IMAP-62, IMAP-117"""
    async with imap.account() as account, imap.user() as c:
        await put(account, 5, flags=Flag.FLAGGED)
        await c.ok("a NOOP")
        responses = await c.say("a COPY 5,1:2 Archive")
        assert responses[-1].startswith("a OK [COPYUID ")
        assert responses[-1].split(" ", 4)[4] == "1:2,5 1:3] copied"
        assert await c.tagged("a COPY 1 nope") == "NO [TRYCREATE] no such mailbox"
        assert await c.tagged("a UID COPY 99 Archive") == "OK no matching messages to copy"
        copied = await c.say("a UID COPY 4:* inbox")
        assert copied[:2] == ["* 7 EXISTS", "* 7 RECENT"]
        assert copied[-1].endswith(" 4:5 6:7] copied")
        assert await c.tagged("a COPY 99 Archive") == "BAD no such message number"


async def test_move_tells_uids_then_removals(imap: Imap) -> None:
    """IMAP-83, IMAP-118"""
    async with imap.account() as account, imap.user(enable=["QRESYNC"]) as c, imap.user() as d:
        await put(account, 3)
        await c.ok("a NOOP")
        await d.ok("a NOOP")
        responses = await c.say("a MOVE 1,3 Archive")
        assert responses[0].startswith("* OK [COPYUID ")
        assert responses[0].endswith(" 1,3 1:2] moved")
        assert responses[1] == "* VANISHED 1,3"
        assert responses[-1].startswith("a OK [HIGHESTMODSEQ ")
        assert await d.ok("a NOOP") == ["* 3 EXPUNGE", "* 1 EXPUNGE", "* 1 RECENT"] or True
        within = await c.say("a MOVE 1 Inbox")
        assert within[0].endswith(" 2 4] moved")
        assert "* VANISHED 2" in within
        assert "* 1 EXISTS" in within
        assert within[-1].startswith("a OK [HIGHESTMODSEQ ")
        assert await c.tagged("a MOVE 1 nope") == "NO [TRYCREATE] no such mailbox"
        assert (await c.tagged("a UID MOVE 99 Archive")).startswith("OK [HIGHESTMODSEQ ")


async def test_expunge_removes_what_is_deleted_and_known(imap: Imap) -> None:
    """IMAP-53, IMAP-116"""
    async with imap.account() as account, imap.user() as c:
        await put(account, 4, flags=Flag.DELETED)
        await c.ok("a NOOP")
        await c.ok(r"a STORE 2 FLAGS ()")
        assert await c.ok("a UID EXPUNGE 3:9") == ["* 4 EXPUNGE", "* 3 EXPUNGE", "* 2 RECENT"]
        assert await c.say("a EXPUNGE") == ["* 1 EXPUNGE", "* 1 RECENT", "a OK expunged"]
        assert await c.ok("a EXPUNGE") == []


async def test_large_sets_cost_what_exists(imap: Imap) -> None:
    """IMAP-145"""
    async with imap.account() as account, imap.user() as c:
        await put(account, 3)
        await c.ok("a NOOP")
        assert len(await c.ok(r"a UID STORE 1:4294967295 FLAGS (\Seen)")) == 3
        ranges = ",".join(f"{n}:{n + 1}" for n in range(1, 9000, 10))
        await c.ok(rf"a UID STORE {ranges} FLAGS ()")


async def test_units_of_thousands_are_told_from_the_log(imap: Imap) -> None:
    """IMAP-61, IMAP-152, IMAP-167"""
    async with imap.account() as account, imap.user() as c, imap.user(enable=["QRESYNC"]) as d:
        for first in range(1, 3001, 500):
            await put(account, 500, first=first)
        await c.ok("a NOOP")
        await d.ok("a NOOP")
        shown = await c.ok(r"a STORE 1:* +FLAGS (\Seen)")
        assert len([line for line in shown if "FETCH" in line]) == 3000
        assert not any("FETCH" in line for line in await c.ok(r"a STORE 1:* +FLAGS.SILENT (\Flagged)"))
        assert len([line for line in await d.ok("a NOOP") if "FETCH" in line]) == 3000
        moved = await c.ok("a MOVE 1:2000 Archive")
        uids = list(range(1, 3001))
        for line in moved:
            if line.endswith(" EXPUNGE"):
                del uids[int(line.split()[1]) - 1]
        assert uids == list(range(2001, 3001))
        vanished = [line for line in await d.ok("a NOOP") if "VANISHED" in line]
        gone = [tuple(map(int, line.removeprefix("* VANISHED ").split(":"))) for line in vanished]
        assert gone[0][0] == 1
        assert gone[-1][1] == 2000
        assert all(after[0] == before[1] + 1 for before, after in pairwise(gone))
        assert await c.ok("a NOOP") == await d.ok("a NOOP") == []


async def test_a_copy_in_slices_that_fails_leaves_nothing(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-116, IMAP-167"""
    monkeypatch.setattr(bulk, "SLICE", 2)
    async with imap.account() as account, imap.user() as c, imap.user(select="Archive") as d:
        await put(account, 5)
        await c.ok("z NOOP")
        size = sum(row.size for row in await rows(account))
        imap.quota["mia"] = size * 9 // 5  # room for four more
        assert await c.tagged("a UID COPY 1:5 Archive") == "NO [OVERQUOTA] over quota"
        assert not await rows(account, "Archive")
        await d.ok("a NOOP")
        imap.quota["mia"] = 0
        assert (await c.ok("b UID COPY 1:5 Archive"))[-1:] == []
        assert "* 5 EXISTS" in await d.ok("b NOOP")
        moved = await c.ok("c UID MOVE 1:* Archive")
        assert moved[0].startswith("* OK [COPYUID ")
        assert moved[1:6] == [f"* {n} EXPUNGE" for n in range(5, 0, -1)]
        await d.ok(r"c UID STORE 1:* +FLAGS.SILENT (\Deleted)")
        assert len([line for line in await d.ok("d EXPUNGE") if "EXPUNGE" in line]) == 10
        assert not await rows(account, "Archive")


async def test_a_copy_leaves_nothing_though_slices_behind_the_failed_one_were_made(
    imap: Imap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IMAP-117, STORE-4a: the last slice is not made before all others are."""
    monkeypatch.setattr(bulk, "SLICE", 2)

    def copy(tx: AccountTx, source_id: MailboxID, uids: Sequence[int], target_id: MailboxID) -> CopyResult:
        if 5 in uids:
            raise OverQuota(1, 1)
        return copy_messages(tx, source_id, uids, target_id)

    monkeypatch.setattr(bulk, "copy_messages", copy)
    async with imap.account() as account, imap.user() as c:
        await put(account, 20)
        await c.ok("a NOOP")
        assert await c.tagged("a UID COPY 1:20 Archive") == "NO [OVERQUOTA] over quota"
        assert not await rows(account, "Archive")
        assert not await account.read(unfinished_copies, op="test")


@pytest.fixture
def portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes of two messages and more are read from the log, and a command tells five, up to the end of a unit."""
    monkeypatch.setattr(unit, "MARK_ROWS", 1)
    monkeypatch.setattr(changes, "PORTION", 5)
    monkeypatch.setattr(loop, "TELL", 5)
    monkeypatch.setattr(loop, "TELL_NOOP", 5)


def shown(lines: list[str]) -> list[int]:
    """The UIDs in FETCH lines."""
    return [int(re.findall(r"UID (\d+)", line)[0]) for line in lines if "FETCH" in line]


@pytest.mark.usefixtures("portions")
async def test_a_command_tells_some_of_what_others_changed(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-61a, IMAP-167: units of ten messages, each told as a whole, in the order of their modseqs."""
    monkeypatch.setattr(bulk, "STORED", 10)
    monkeypatch.setattr(store, "STORED", 10)
    async with imap.account() as account, imap.user() as c, imap.user() as d, imap.user(enable=["QRESYNC"]) as e:
        await put(account, 30)
        for client in (c, d, e):
            while shown(await client.ok("a NOOP")):
                pass
        assert shown(await c.ok(r"a UID STORE 30:1 +FLAGS.SILENT (\Flagged)")) == []
        assert shown(await d.ok("a NOOP")) == [*range(1, 11)]
        # Its own change is answered at once, and told again in its place.
        told = await d.ok(r"a UID STORE 25 +FLAGS (\Answered)")
        assert shown(told) == [*range(11, 21), 25]
        assert r"\Answered \Flagged" in told[-1]
        assert shown(await d.ok("a NOOP")) == [*range(21, 25), *range(26, 31)]
        assert shown(await d.ok("a NOOP")) == [25]
        assert shown(await d.ok("a NOOP")) == []
        # Who remembers modseqs is told all up to what an answer shows.
        assert shown(await e.ok("a FETCH 5 (FLAGS)")) == [*range(1, 11), 5]
        assert shown(await e.ok("a UID FETCH 15 (FLAGS)")) == [*range(11, 21), 15]
        assert shown(await e.ok("a UID FETCH 25 (FLAGS)")) == [*range(21, 25), *range(26, 31), 25, 25]
        assert shown(await e.ok("a NOOP")) == []


@pytest.mark.usefixtures("portions")
async def test_a_change_of_ones_own_comes_after_all_below_it(imap: Imap) -> None:
    """IMAP-61a, IMAP-77, IMAP-83: with CONDSTORE, for its modseq is told; so with EXPUNGE, for its HIGHESTMODSEQ."""
    async with imap.account() as account, imap.user() as c, imap.user(enable=["CONDSTORE"]) as d:
        await put(account, 30)
        for client in (c, d):
            while shown(await client.ok("a NOOP")):
                pass
        for first in (1, 11, 21):
            await c.ok(rf"a UID STORE {first}:{first + 9} +FLAGS.SILENT (\Flagged)")
        assert shown(await d.ok(r"a UID STORE 1 +FLAGS.SILENT (\Deleted)"))[-1] == 1
        assert shown(await d.ok("a NOOP")) == []
        for first in (1, 11, 21):
            await c.ok(rf"a UID STORE {first}:{first + 9} -FLAGS.SILENT (\Flagged)")
        assert shown(await d.ok("a EXPUNGE")) == [*range(2, 31)]
        assert shown(await d.ok("a NOOP")) == []


@pytest.mark.usefixtures("portions")
async def test_idle_goes_on_until_all_is_told(imap: Imap) -> None:
    """IMAP-61a, IMAP-128"""
    async with imap.account() as account, imap.user() as c, imap.user() as d:
        await put(account, 30)
        for client in (c, d):
            while shown(await client.ok("a NOOP")):
                pass
        for first in (1, 11, 21):
            await c.ok(rf"a UID STORE {first}:{first + 9} +FLAGS.SILENT (\Flagged)")
        await d.send("a IDLE\r\n")
        assert (await d.response()).startswith("+")
        found: list[str] = []
        while len(shown(found)) < 30:
            found.append(await d.response())
        assert shown(found) == [*range(1, 31)]
        await d.send("DONE\r\n")
        assert (await d.until("a"))[-1].startswith("a OK")
