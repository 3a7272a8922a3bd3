"""MULTISEARCH: the ESEARCH command (RFC 7377; IMAP-126)."""

import re
from typing import Any

import pytest

from moxlite.imapd.search import sort
from tests.session.imapd_harness import Client, Imap, imap

pytestmark = pytest.mark.served

__all__ = ["imap"]


async def filled(c: Client) -> None:
    """Messages in some mailboxes."""
    for name in ("Inbox/sub", "Work", "Work/deep/er"):
        await c.ok(f"c CREATE {name}")
    for name in ("Inbox", "Inbox/sub", "Work", "Work/deep/er", "Archive"):
        await c.append(f"Subject: apple\r\n\r\n{name}", name)
        await c.append(f"Subject: pear\r\n\r\n{name}", name)
    await c.ok("n NOOP")


async def hits(c: Client, arguments: str) -> dict[str, str]:
    """What ESEARCH answers, by mailbox."""
    found = {}
    for line in await c.ok(f"t ESEARCH {arguments}"):
        match = re.fullmatch(r'\* ESEARCH \(TAG "t" MAILBOX (\S+) UIDVALIDITY \d+\) UID (.*)', line)
        assert match is not None, line
        found[match[1]] = match[2]
    return found


async def test_sources_name_mailboxes(imap: Imap) -> None:
    """IMAP-126"""
    async with imap.user() as c:
        assert "MULTISEARCH" in (await c.ok("a CAPABILITY"))[0].split()
        await filled(c)
        every = {"INBOX", "INBOX/sub", "Archive", "Work", "Work/deep/er"}
        assert set(await hits(c, "IN (personal) SUBJECT apple")) == every
        assert await hits(c, "IN (mailboxes (Work nowhere Work)) SUBJECT apple") == {"Work": "ALL 1"}
        assert set(await hits(c, "IN (subtree Work) ALL")) == {"Work", "Work/deep/er"}
        assert set(await hits(c, "IN (subtree-one Work) ALL")) == {"Work"}
        assert set(await hits(c, "IN (subtree-one (Inbox Work/deep)) ALL")) == {"INBOX", "INBOX/sub", "Work/deep/er"}
        assert set(await hits(c, "IN (inboxes) ALL")) == {"INBOX", "INBOX/sub"}
        await c.ok("u UNSUBSCRIBE Work")
        assert set(await hits(c, "IN (subscribed) ALL")) == every - {"Work"}
        assert set(await hits(c, "IN (selected mailboxes Archive) ALL")) == {"INBOX", "Archive"}


async def test_without_sources_the_selected_mailbox_is_searched(imap: Imap) -> None:
    """IMAP-126"""
    async with imap.user() as c:
        await filled(c)
        assert await hits(c, "SUBJECT pear") == {"INBOX": "ALL 2"}
        assert await hits(c, "RETURN (MIN MAX COUNT) ALL") == {"INBOX": "MIN 1 MAX 2 COUNT 2"}
        assert await hits(c, "RETURN (COUNT) SUBJECT plum") == {}
        await c.ok("a UNSELECT")
        assert (await c.tagged("b ESEARCH ALL")).startswith("BAD")
        assert (await c.tagged("b ESEARCH IN (selected) ALL")).startswith("BAD")
        assert (await c.tagged("b ESEARCH IN (selected-delayed) ALL")).startswith("BAD")
        assert set(await hits(c, "IN (mailboxes Work) ALL")) == {"Work"}


async def test_numbers_beyond_the_end_are_no_error(imap: Imap) -> None:
    """IMAP-126, RFC 7377 §2"""
    async with imap.user() as c:
        await filled(c)
        assert await hits(c, "IN (mailboxes (Inbox Work)) 2:100") == {"INBOX": "ALL 2", "Work": "ALL 2"}
        assert await hits(c, "IN (mailboxes Work) UID 1,7") == {"Work": "ALL 1"}
        assert await hits(c, "5:9") == {}


async def test_save_is_for_the_selected_mailbox_alone(imap: Imap) -> None:
    """IMAP-124, IMAP-126"""
    async with imap.user() as c:
        await filled(c)
        assert await hits(c, "RETURN (SAVE) SUBJECT pear") == {}
        assert await c.ok("a SEARCH $") == ["* SEARCH 2"]
        assert await hits(c, "IN (selected) RETURN (SAVE COUNT) SUBJECT apple") == {"INBOX": "COUNT 1"}
        assert await hits(c, "$") == {"INBOX": "ALL 1"}
        assert (await c.tagged("b ESEARCH IN (personal) RETURN (SAVE) ALL")).startswith("BAD")
        assert (await c.tagged("c ESEARCH IN (personal) $")).startswith("BAD")


async def test_the_selected_mailbox_is_searched_as_the_client_knows_it(imap: Imap) -> None:
    """IMAP-53, IMAP-126"""
    async with imap.user() as c, imap.user() as other:
        await filled(c)
        await other.append("Subject: apple\r\n\r\nnew")
        await other.ok(r"a STORE 1 +FLAGS (\Deleted)")
        await other.ok("b EXPUNGE")
        assert await c.ok("c ESEARCH IN (mailboxes Inbox) SUBJECT apple") != []
        told = await c.ok("d NOOP")
        assert told == []


async def test_sources_are_bound(imap: Imap) -> None:
    """IMAP-126, IMAP-129"""
    async with imap.user() as c:
        sources = " ".join(f"mailboxes m{n}" for n in range(101))
        assert (await c.tagged(f"a ESEARCH IN ({sources}) ALL")).startswith("NO [LIMIT]")
        groups = " ".join(f"(mailboxes m{n} (MailboxName))" for n in range(101))
        assert (await c.tagged(f"b NOTIFY SET {groups}")).startswith("NO [LIMIT]")
        assert await hits(c, f"IN ({'personal ' * 200}personal) ALL") == {}


async def test_names_and_modseqs_are_told(imap: Imap) -> None:
    """IMAP-32, IMAP-80, IMAP-126"""
    async with imap.user() as c:
        await c.ok('a CREATE "Entw&APw-rfe & mehr"'.replace("& mehr", "&- mehr"))
        await c.append("Subject: x\r\n\r\n", '"Entw&APw-rfe &- mehr"')
        line = (await c.ok('b ESEARCH IN (mailboxes "Entw&APw-rfe &- mehr") MODSEQ 1'))[-1]
        assert 'MAILBOX "Entw&APw-rfe &- mehr" UIDVALIDITY' in line
        assert " MODSEQ " in line


@pytest.mark.parametrize(
    "program", ["ALL", "1:*", "SUBJECT apple", "TEXT apple", "NOT BODY plum", "MODSEQ 1", "UNSEEN"]
)
async def test_a_mailbox_that_is_deleted_meanwhile_has_no_hits(
    imap: Imap, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    """IMAP-126: between the list of mailboxes and the search in each."""
    search = sort._search
    async with imap.user() as c, imap.user() as other:
        await filled(c)
        await c.ok("e ENABLE CONDSTORE")

        async def later(*args: Any, **options: Any) -> None:
            for name in ("Work/deep/er", "Archive"):
                await other.ok(f"d DELETE {name}")
            await search(*args, **options)

        monkeypatch.setattr(sort, "_search", later)
        found = await hits(c, f"IN (personal) {program}")
        assert {"INBOX", "INBOX/sub", "Work"} <= found.keys()
