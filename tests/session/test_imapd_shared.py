"""Shared mailboxes: rights, names, and what reaches whom (RFC 4314, RFC 8440; IMAP-157)."""

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio
import trio.lowlevel
import trio.testing

from moxlite.admin.accountcommands import finish_removal
from moxlite.imapd.changes import bulk, copy as across
from moxlite.imapd.commands import IMAPCommands
from moxlite.imapd.fetch import fetch
from moxlite.imapd.search import sort
from moxlite.imapd.session.state import Session
from moxlite.imapd.session.view import View
from moxlite.imapd.updates.changes import check_view
from moxlite.net.control.client import CtlFailed
from moxlite.net.exposition import REGISTRY
from moxlite.operations.access import (
    DelegateInfo,
    DelegateRemove,
    DelegateSet,
    ListDelegates,
    ListShares,
    ShareInfo,
    ShareRemove,
    ShareSet,
)
from moxlite.operations.imap import ImapSessions
from moxlite.operations.store import ListMailboxes, MailboxInfo
from moxlite.store.accounts import crossing
from moxlite.store.accounts.access import Sharing, publish_shares
from moxlite.store.auth.apppasswords import add_app_password
from moxlite.store.auth.credentials import set_credential
from moxlite.store.changelog import unit
from moxlite.store.content.spool import Spool
from moxlite.store.errors import MailboxNotAllowed, StorageBroken
from moxlite.store.mail.acl import RIGHTS, all_acls, set_rights
from moxlite.store.mail.copying import undo_part, unfinished_copies
from moxlite.store.mail.mailboxes import create_mailbox, delete_mailbox, ensure_mailbox, rename_mailbox
from moxlite.store.rows.mailboxes import flag_words, mailbox_by_name
from moxlite.store.types import Flag
from tests.logs import kv
from tests.session.imapd_harness import Client, Imap, _credential, imap
from tests.session.test_imapd_operator import operator
from tests.store_mail import put, rows

pytestmark = pytest.mark.served

__all__ = ["imap"]

BOX = '"Other Users/mia/Work"'
NOWHERE = '"Other Users/mia/Nowhere"'
MESSAGE = b"From: a@b.example\r\nSubject: hello\r\n\r\ntext\r\n"


@asynccontextmanager
async def guest(imap: Imap, *, enable: Iterable[str] = ()) -> AsyncIterator[Client]:
    """A connection that is logged in as bo."""
    async with imap.account("bo") as account:
        await account.write(lambda tx: set_credential(tx, _credential()))
    async with imap.connect() as client:
        await client.login("bo@example.org")
        for name in enable:
            await client.ok(f"e ENABLE {name}")
        yield client


async def give(imap: Imap, rights: str, mailbox: str = "Work", to: str = "bo") -> None:
    """Have mia's mailbox, made if need be, with just these rights for `to`."""
    async with imap.account() as account:

        def unit(tx) -> None:  # type: ignore[no-untyped-def]
            box = mailbox_by_name(tx, mailbox) or create_mailbox(tx, mailbox)[-1]
            set_rights(tx, box.id, to, rights)

        await account.write(unit)
        await publish_shares(imap.context.auth, account)


async def flags_of(imap: Imap, mailbox: str = "Work", account: str = "mia") -> dict[int, set[str]]:
    """Flags and keywords by UID, as the owner's file has them; but for what the server says about junk."""
    async with imap.account(account) as opened:
        found = await rows(opened, mailbox)
        return {row.uid: set(flag_words(row.flags & ~Flag.NOTJUNK, row.keywords)) for row in found}


def without_own_flags(line: str) -> str:
    r"""A FETCH line without what each account's file says by itself."""
    return re.sub(r" ?(\\Recent|\$NotJunk)", "", line).replace("( ", "(")


async def filled(imap: Imap, rights: str, count: int = 3) -> None:
    """Mia's mailbox Work with messages, shared with bo."""
    await give(imap, rights)
    async with imap.account() as account:
        await put(account, count, "Work")


COMMANDS = (
    "a SELECT {}",
    "a EXAMINE {}",
    "a STATUS {} (MESSAGES)",
    "a DELETE {}",
    "a RENAME {} Mine",
    "a APPEND {} {{9+}}\r\na: b\r\n\r\nc",
    "a COPY 1 {}",
    "a MOVE 1 {}",
    "a GETACL {}",
    "a MYRIGHTS {}",
    "a SETACL {} bo lr",
    "a DELETEACL {} bo",
    "a LISTRIGHTS {} bo",
    "a GETQUOTAROOT {}",
    "a CREATE {}",
    'a LIST "" {}',
    'a LIST (SUBSCRIBED) "" {}',
    'a LSUB "" {}',
    "a ESEARCH IN (mailboxes {}) ALL",
)


@pytest.mark.parametrize("rights", ["", "rswipkxtea"])
async def test_without_the_right_to_look_up_nothing_tells_that_there_is_anything(imap: Imap, rights: str) -> None:
    """IMAP-157: a mailbox without ``l``, one that isn't there, and accounts with and without files are all the same."""
    await filled(imap, rights)
    names = (BOX, NOWHERE, '"Other Users/bo/Inbox"', '"Other Users/nobody/Inbox"', '"Other Users/../mia"')
    async with guest(imap) as c:
        assert rights or await c.ok("n NAMESPACE") == ['* NAMESPACE (("" "/")) NIL NIL']
        await c.append(MESSAGE)
        await c.select()
        for command in COMMANDS:
            answers = []
            for name in names:
                answers.append((await c.say(command.format(name)))[-1:] + await c.ok("b NOOP"))
                await c.select()
            assert len({str(answer) for answer in answers}) == 1, (command, answers)
            condition = "OK" if "LIST " in command or "LSUB" in command or "ESEARCH" in command else "NO [NONEXISTENT]"
            assert answers[0][0].startswith(f"a {condition}"), answers
        assert not [line for line in await c.ok('l LIST "" *') if "Other" in line]
        assert await c.ok('l LIST "" "Other Users/%"') == []
        assert await flags_of(imap, "Inbox", "bo") == {1: set()}, "moved nowhere"


# What each right alone, beside `l`, permits a guest; with the mailbox selected, `r` is there, too.
OUTSIDE = {
    "a STATUS {} (MESSAGES)": "r",
    "a EXAMINE {}": "r",
    "a APPEND {} {{9+}}\r\na: b\r\n\r\nc": "i",
    "a COPY 1 {}": "i",
    "a MOVE 1 {}": "i",
    'a CREATE "Other Users/mia/Work/Below"': "k",
    "a DELETE {}": "x",
    "a GETACL {}": "a",
    "a SETACL {} anyone l": "a",
    "a DELETEACL {} anyone": "a",
    "a LISTRIGHTS {} anyone": "a",
    "a GETQUOTAROOT {}": "r",
    "a MYRIGHTS {}": RIGHTS,
}
INSIDE = {
    r"a STORE 1 +FLAGS (\Seen)": "s",
    r"a STORE 1 +FLAGS (\Flagged)": "w",
    r"a STORE 1 FLAGS (word)": "w",
    r"a STORE 1 +FLAGS (\Deleted)": "t",
    r"a STORE 1 +FLAGS (\Seen \Deleted \Flagged)": "stw",
    "a EXPUNGE": "e",
    "a UID EXPUNGE 1": "e",
    "a FETCH 1 (FLAGS BODY[])": RIGHTS,
    "a COPY 1 Inbox": RIGHTS,
    "a SEARCH ALL": RIGHTS,
    "a MOVE 1 Inbox": "",
    "a REPLACE 1 Inbox {9+}\r\na: b\r\n\r\nc": "",
}


@pytest.mark.parametrize("right", RIGHTS[1:])
async def test_each_right_alone_permits_its_commands_and_no_others(imap: Imap, right: str) -> None:
    """IMAP-157 (RFC 4314 §4)."""
    async with guest(imap) as c:
        for command, needed in OUTSIDE.items():
            await give(imap, "l" + right)
            await c.append(MESSAGE)
            await c.select()
            answer = await c.tagged(command.format(BOX))
            assert answer.startswith("OK" if right in needed else "NO [NOPERM]"), (command, answer)
        for command, needed in INSIDE.items():
            await filled(imap, "".join(one for one in RIGHTS if one in "lr" + right), 1)
            opened = await c.say(f"s SELECT {BOX}")
            assert opened[-1].startswith("s OK [READ-WRITE]" if right in "istwe" else "s OK [READ-ONLY]"), opened
            answer = await c.tagged(command)
            assert answer.startswith("OK" if right in needed else "NO"), (command, answer)
            if right != "s":
                assert not any(r"\Seen" in flags for flags in (await flags_of(imap)).values()), "FETCH marks nothing"
            await c.ok("u UNSELECT")
            async with imap.account() as account:
                below = await account.read(lambda r: mailbox_by_name(r, "Work/Below"), op="test")
                if below is not None:
                    await account.write(lambda tx: delete_mailbox(tx, mailbox_by_name(tx, "Work/Below").id))  # type: ignore[union-attr]
                await account.write(lambda tx: delete_mailbox(tx, mailbox_by_name(tx, "Work").id))  # type: ignore[union-attr]


async def test_renaming_needs_rights_at_both_ends_and_stays_in_the_account(imap: Imap) -> None:
    """IMAP-157 (RFC 4314 §4): ``x`` on the mailbox, ``k`` above the new name."""
    async with guest(imap) as c:
        for source, above, answer in (("l", "lk", "NO [NOPERM]"), ("lx", "l", "NO [NOPERM]"), ("lx", "lk", "OK")):
            await give(imap, source, "Work")
            await give(imap, above, "Above")
            tagged = await c.tagged(f'a RENAME {BOX} "Other Users/mia/Above/Work"')
            assert tagged.startswith(answer), (source, above, tagged)
        await give(imap, "lx", "Work")
        assert (await c.tagged(f"a RENAME {BOX} Mine")).startswith("NO [CANNOT]")
        assert (await c.tagged('a RENAME Trash "Other Users/mia/Above/Trash"')).startswith("NO [CANNOT]")
        assert (await c.tagged(f'a RENAME {BOX} "Other Users/mia/Top"')).startswith("NO [NONEXISTENT]")
        await give(imap, RIGHTS, "Inbox")
        assert (await c.tagged('a RENAME "Other Users/mia/Inbox" "Other Users/mia/Above/In"')).startswith("NO [NOPERM]")


async def test_the_prefix_is_nobodys_mailbox_but_who_has_one_keeps_it(
    imap: Imap, caplog: pytest.LogCaptureFixture
) -> None:
    """IMAP-157: an own mailbox of the prefix's name hides the others, and the log says so."""
    await filled(imap, "lr")
    async with guest(imap) as c:
        for command in ('a CREATE "Other Users"', 'a CREATE "Other Users/mia/"', 'a RENAME Trash "Other Users/mia"'):
            assert (await c.tagged(command)).startswith("NO [CANNOT]"), command
        async with imap.account("bo") as account:
            with pytest.raises(MailboxNotAllowed):  # by webmail, too
                await account.write(lambda tx: create_mailbox(tx, "Other Users/mia/Work"))
            await account.write(lambda tx: ensure_mailbox(tx, "Other Users/mia/Work"))  # an import, a delivery
        await c.ok("a NOOP")
        names = [line.split('"/" ')[1] for line in await c.ok('a LIST "" "Other Users*"')]
        assert names == ['"Other Users"', '"Other Users/mia"', BOX]
        assert "* 0 EXISTS" in await c.ok(f"a SELECT {BOX}")
        assert await c.ok("a NAMESPACE") == ['* NAMESPACE (("" "/")) NIL NIL']
        assert "mailbox name hides other users' mailboxes" in caplog.messages
        await c.ok('a CREATE "Other Users/mia/More"')


async def test_shared_mailboxes_are_listed_where_a_client_looks_for_them(imap: Imap) -> None:
    """IMAP-157, IMAP-69: NAMESPACE, LIST with its options, LSUB; what is above them is no mailbox."""
    await filled(imap, "lr")
    await give(imap, "l", "Deep/Er")
    await give(imap, "", "Deep")
    await give(imap, "r", "Hidden")
    async with guest(imap) as c:
        assert await c.ok("a NAMESPACE") == ['* NAMESPACE (("" "/")) (("Other Users/" "/")) NIL']
        others = [
            r'* LIST (\Noselect \HasChildren) "/" "Other Users"',
            r'* LIST (\Noselect \HasChildren) "/" "Other Users/mia"',
        ]
        deep = [
            r'* LIST (\Noselect \HasChildren) "/" "Other Users/mia/Deep"',
            r'* LIST (\HasNoChildren) "/" "Other Users/mia/Deep/Er"',
        ]
        work = r'* LIST (\HasNoChildren) "/" "Other Users/mia/Work"'
        assert await c.ok('a LIST "" "Other Users*"') == [*others, *deep, work]
        assert (await c.ok('a LIST "" *'))[-5:] == [*others, *deep, work]
        assert (await c.ok('a LIST "" %'))[-1] == others[0]
        assert await c.ok('a LIST "Other Users/" "mia/%"') == [deep[0], work]
        assert await c.ok('a LIST "" "Other%" RETURN (MYRIGHTS STATUS (MESSAGES))') == [others[0]]
        await c.ok(f"a SUBSCRIBE {BOX}")
        subscribed = r'* LIST (\HasNoChildren \Subscribed) "/" "Other Users/mia/Work"'
        assert subscribed in await c.ok('a LIST (SUBSCRIBED) "" *')
        assert rf'* LSUB () "/" {BOX}' in await c.ok('a LSUB "" *')
        await give(imap, "")
        gone = r'* LIST (\NonExistent \Subscribed) "/" "Other Users/mia/Work"'
        assert gone in await c.ok('a LIST (SUBSCRIBED) "" *')
        await c.ok(f"a UNSUBSCRIBE {BOX}")
        assert not [line for line in await c.ok('a LIST (SUBSCRIBED) "" *') if "Work" in line]


async def test_list_tells_rights_if_asked(imap: Imap) -> None:
    """IMAP-157 (RFC 8440): also those that clients of RFC 2086 know."""
    await filled(imap, "lrte")
    await give(imap, "l", "Seen")
    async with guest(imap) as c:
        lines = await c.ok('a LIST "" ("Inbox" "Other Users/mia/*") RETURN (MYRIGHTS STATUS (MESSAGES MAILBOXID))')
        assert "* MYRIGHTS INBOX lrswipkxteacd" in lines
        assert f"* MYRIGHTS {BOX} lrted" in lines
        assert '* MYRIGHTS "Other Users/mia/Seen" l' in lines
        assert len([line for line in lines if line.startswith("* STATUS")]) == 2, "not without the right to read"


async def test_a_guest_changes_the_flags_that_it_may(imap: Imap) -> None:
    """IMAP-157 (RFC 4314 §4, §5.2): PERMANENTFLAGS tells which; the others stay as they are."""
    await filled(imap, "lrs")
    async with imap.user(select="Work") as owner, guest(imap) as c:
        await owner.ok(r"a STORE 1 FLAGS (\Flagged \Deleted work)")
        opened = await c.ok(f"a SELECT {BOX}")
        assert r"* OK [PERMANENTFLAGS (\Seen)] flags that stay" in opened
        await c.ok(r"a STORE 1 FLAGS (\Seen \Answered other)")
        assert await c.ok("a FETCH 1 FLAGS") == [r"* 1 FETCH (UID 1 FLAGS (\Seen \Flagged \Deleted work))"]
        assert (await c.tagged(r"a STORE 1 FLAGS (\Answered)")).startswith("NO [NOPERM]")
        await c.ok("a STORE 1 FLAGS ()")
        assert (await flags_of(imap))[1] == {r"\Flagged", r"\Deleted", "work"}
        await give(imap, "lrw")
        told = await c.ok(r"a STORE 2 FLAGS (\Answered word)")
        assert any("[PERMANENTFLAGS (" in line and r"\Seen" not in line and r"\*" in line for line in told), told
        assert (await flags_of(imap))[2] == {r"\Answered", "word"}
        assert (await c.tagged(r"a STORE 2 +FLAGS (\Seen)")).startswith("NO [NOPERM]")


async def test_what_is_added_has_the_flags_that_the_guest_may_set_and_counts_for_the_owner(imap: Imap) -> None:
    """IMAP-157 (RFC 4314 §4): APPEND, COPY and MOVE into a mailbox of another."""
    await give(imap, "lis")
    async with guest(imap) as c:
        assert (await c.append(MESSAGE, BOX, r"(\Seen \Flagged work)")).startswith("OK [APPENDUID ")
        await c.append(MESSAGE, "Inbox", r"(\Seen \Deleted \Flagged work)")
        await c.append(MESSAGE, "Inbox", r"(\Seen work)")
        await c.select()
        assert "COPYUID" in await c.tagged(f"a COPY 1 {BOX}")
        assert any("COPYUID" in line for line in await c.ok(f"a MOVE 2 {BOX}"))
        assert list((await flags_of(imap)).values()) == [{r"\Seen"}] * 3
        assert list(await flags_of(imap, "Inbox", "bo")) == [1]
        imap.quota["mia"] = 10
        assert (await c.append(MESSAGE, BOX)).startswith("NO [OVERQUOTA]")
        assert (await c.tagged(f"a COPY 1 {BOX}")).startswith("NO [OVERQUOTA]")
        assert (await c.tagged(f"a MOVE 1 {BOX}")).startswith("NO [OVERQUOTA]")
        assert len(await flags_of(imap)) == 3
        assert len(await flags_of(imap, "Inbox", "bo")) == 1
        await give(imap, "lr")
        assert await c.ok(f"a GETQUOTAROOT {BOX}") == [f'* QUOTAROOT {BOX} "Other Users/mia"']


async def test_messages_are_copied_and_moved_between_accounts(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-157: with flags, dates and octets as they were; in several units, all of a copy or nothing."""
    monkeypatch.setattr(crossing, "PART", 2)
    await filled(imap, "lrswite", 5)
    async with guest(imap) as c:
        await c.ok(f"a SELECT {BOX}")
        await c.ok(r"a STORE 1:2 +FLAGS (\Flagged word)")
        before = await c.ok("a FETCH 1:5 (INTERNALDATE FLAGS BODY.PEEK[])")
        assert "COPYUID" in await c.tagged("a COPY 1:5 Inbox")
        lines = await c.ok("a UID MOVE 2:4 Archive")
        assert " 2:4 1:3]" in lines[0], lines
        assert list(await flags_of(imap)) == [1, 5]
        await c.select()
        after = await c.ok("a FETCH 1:5 (INTERNALDATE FLAGS BODY.PEEK[])")
        assert list(map(without_own_flags, after)) == list(map(without_own_flags, before))
        imap.quota["bo"] = sum(len(line) for line in before)
        await c.ok(f"a SELECT {BOX}")
        async with imap.account() as account:
            await put(account, 9, "Work", first=100)
        await c.ok("a NOOP")
        assert (await c.tagged("a COPY 1:* Inbox")).startswith("NO [OVERQUOTA]")
        assert len(await flags_of(imap, "Inbox", "bo")) == 5, "all or nothing"


async def test_a_guest_copies_within_the_owners_account(imap: Imap) -> None:
    """IMAP-157: with all rights in one unit, else without the flags that it may not set."""
    await filled(imap, "lrswite")
    await give(imap, "lrswite", "All")
    await give(imap, "lri", "Plain")
    async with guest(imap) as c:
        await c.ok(f"a SELECT {BOX}")
        await c.ok(r"a STORE 1 +FLAGS (\Flagged word)")
        await c.ok('a COPY 1 "Other Users/mia/All"')
        await c.ok('a COPY 1 "Other Users/mia/Plain"')
        await c.ok('a MOVE 2 "Other Users/mia/Plain"')
        assert await flags_of(imap, "All") == {1: {r"\Flagged", "word"}}
        assert await flags_of(imap, "Plain") == {1: set(), 2: set()}
        assert list(await flags_of(imap)) == [1, 3]
        assert (await c.tagged("a REPLACE 1 Inbox {9+}\r\na: b\r\n\r\nc")).startswith("NO [CANNOT]")
        await c.ok(f"a REPLACE 1 {BOX} {{9+}}\r\na: b\r\n\r\nc")
        assert list(await flags_of(imap)) == [3, 4]


async def test_a_crash_within_a_move_between_accounts_loses_nothing(
    imap: Imap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IMAP-157 (RFC 6851 §3.3): after the messages were added, and before they are removed; both are left."""
    await filled(imap, "lrswite")

    def killed(*args: object, **kwargs: object) -> None:
        raise StorageBroken("killed here")

    monkeypatch.setattr(across, "expunge_slice", killed)
    async with guest(imap) as c:
        await c.ok(f"a SELECT {BOX}")
        assert (await c.say("a MOVE 1:* Inbox"))[-1].startswith("a NO [UNAVAILABLE]")
        assert len(await flags_of(imap)) == 3
        assert len(await flags_of(imap, "Inbox", "bo")) == 3


async def test_a_crash_within_a_copy_between_accounts_leaves_nothing(
    imap: Imap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IMAP-157, IMAP-117: what some units have added goes when the account is opened again."""
    monkeypatch.setattr(crossing, "PART", 1)
    monkeypatch.setattr(across, "end_copy", lambda tx, copy: 1 / 0)
    monkeypatch.setattr(bulk, "undo_part", lambda tx, copy: False)  # the server is killed
    await filled(imap, "lr")
    async with guest(imap) as c:
        await c.ok(f"a SELECT {BOX}")
        assert (await c.say("a COPY 1:* Inbox"))[-1].startswith("a NO [SERVERBUG]")
    async with imap.account("bo") as account:
        (copy,) = await account.read(unfinished_copies, op="test")
        while await account.write(lambda tx: undo_part(tx, copy)):
            pass
    assert await flags_of(imap, "Inbox", "bo") == {}


async def test_a_disk_that_is_full_in_a_copy_between_accounts(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-157, IMAP-153: nothing is copied, the session goes on."""
    await filled(imap, "lr")

    async def full(spool: Spool, octets: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "write", full)
    async with guest(imap) as c:
        await c.ok(f"a SELECT {BOX}")
        assert (await c.tagged("a COPY 1:* Inbox")).startswith("NO [UNAVAILABLE]")
        assert await flags_of(imap, "Inbox", "bo") == {}


async def test_changes_of_the_owner_reach_a_guest_and_the_reverse(imap: Imap) -> None:
    """IMAP-157: in IDLE, at once."""
    await filled(imap, "lrswite")
    async with imap.user(select="Work") as owner, guest(imap, enable=["IMAP4rev2"]) as c:
        await c.ok(f"a SELECT {BOX}")
        await owner.idle()
        await c.ok(r"a STORE 2 +FLAGS (\Answered)")
        assert (await owner.response()).startswith("* 2 FETCH ")
        await owner.done()
        await c.idle()
        await owner.ok(r"a STORE 1 +FLAGS (\Flagged)")
        assert r"\Flagged" in await c.response()
        await owner.append(MESSAGE, "Work")
        assert await c.response() == "* 4 EXISTS"
        assert (await c.response()).startswith("* 4 FETCH (UID 4")
        await owner.ok(r"a STORE 1 +FLAGS.SILENT (\Deleted)")
        await owner.ok("a EXPUNGE")
        while await c.response() != "* 1 EXPUNGE":  # the flag may have been told before
            pass
        async with imap.account("bo") as account:  # and one's own account is heard of, too
            await account.write(lambda tx: create_mailbox(tx, "New"))
        assert await c.response() == '* LIST (\\Subscribed) "/" New'
        await c.done()


@pytest.mark.parametrize("enable", [(), ("QRESYNC",), ("UIDONLY",)])
async def test_who_loses_the_right_to_read_is_told_nothing_more(imap: Imap, enable: tuple[str, ...]) -> None:
    """IMAP-157, IMAP-58: at once, also in IDLE; the mailbox is as good as deleted for them."""
    await filled(imap, "lrs")
    async with guest(imap, enable=enable) as c:
        await c.ok(f"a SELECT {BOX}")
        await c.idle()
        await give(imap, "ls")
        async with imap.account() as account:
            await put(account, 1, "Work", first=50)
        assert await c.done() == []
        for command in ("a UID FETCH 1 BODY[]", "a UID SEARCH ALL", "a UID COPY 1 Inbox", "a UID STORE 1 +FLAGS (x)"):
            assert (await c.tagged(command)).startswith("NO [NONEXISTENT]"), command
        assert (await c.tagged("a ESEARCH IN (selected) ALL")).startswith("NO")
        url = 'a APPEND Inbox CATENATE (URL "/;uid=1")'
        assert "BADURL" in await c.tagged(url)
        assert await c.ok("a NOOP") == []
        await give(imap, "lrs")
        assert (await c.tagged("a UID FETCH 1 FLAGS")).startswith("NO [NONEXISTENT]"), "until it is selected again"
        await c.ok("a CLOSE")
        await c.ok(f"a SELECT {BOX}")
        await c.ok("a UID FETCH 1 FLAGS")
        async with imap.account() as account:
            await account.write(lambda tx: delete_mailbox(tx, mailbox_by_name(tx, "Work").id))  # type: ignore[union-attr]
        assert (await c.tagged("a UID FETCH 1 FLAGS")).startswith("NO [NONEXISTENT]")


async def test_a_long_download_ends_with_the_right_to_read(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-157: the next slice is not answered."""
    monkeypatch.setattr(fetch, "slice_of", lambda columns: 2)
    await filled(imap, "lr", 6)
    checked = 0

    async def check(session: Session, view: View) -> None:
        nonlocal checked
        checked += 1
        if checked == 2:
            await give(imap, "l")
        await check_view(session, view)

    monkeypatch.setattr(fetch, "check_view", check)
    async with guest(imap) as c:
        await c.ok(f"a SELECT {BOX}")
        lines = await c.say("a UID FETCH 1:* FLAGS")
        assert lines[-1].startswith("a NO [NONEXISTENT]")
        assert len(lines) == 5


async def test_a_guest_of_many_changes_is_told_from_the_log(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-157: what has fallen off the bus is read from the owner's file, with the rights that hold now."""
    monkeypatch.setattr(unit, "MARK_ROWS", 0)
    await filled(imap, "lr")
    async with imap.user(select="Work") as owner, guest(imap) as c:
        await c.ok(f"a SELECT {BOX}")
        await owner.ok(r"a STORE 1 +FLAGS (\Flagged)")
        assert any(r"\Flagged" in line for line in await c.ok("a NOOP"))
        await owner.ok(r"a STORE 1 -FLAGS (\Flagged)")
        await give(imap, "")
        assert await c.ok("a NOOP") == []


async def test_erased_messages_wait_for_a_guests_view(imap: Imap) -> None:
    """IMAP-157, STORE-36: what the guest still has a number for can be read."""
    await filled(imap, "lr")
    async with imap.user(select="Work") as owner, guest(imap) as c:
        await c.ok(f"a SELECT {BOX}")
        await owner.ok(r"a STORE 2 +FLAGS.SILENT (\Deleted)")
        await owner.ok("a EXPUNGE")
        async with imap.account() as account:
            await account.settle()
        assert any("2: Hello!" in line for line in await c.ok("a FETCH 2 BODY.PEEK[]"))
        assert "* 2 EXPUNGE" in await c.ok("a NOOP")


async def test_ids_of_shared_mailboxes_are_no_ids_of_ones_own(imap: Imap) -> None:
    """IMAP-157 (RFC 8474 §4): and can be searched for."""
    await filled(imap, "lr")
    async with guest(imap) as c:
        await c.append(MESSAGE)
        await c.select()
        (own,) = await c.ok("a FETCH 1 (EMAILID THREADID)")
        assert own == "* 1 FETCH (UID 1 EMAILID (M1) THREADID (T1))"
        opened = await c.ok(f"a SELECT {BOX}")
        (mailbox_id,) = [line for line in opened if "MAILBOXID" in line]
        suffix = mailbox_id.split("-")[1].split(")")[0]
        assert await c.ok("a FETCH 1 (EMAILID THREADID)") == [
            f"* 1 FETCH (UID 1 EMAILID (M1-{suffix}) THREADID (T1-{suffix}))"
        ]
        assert await c.ok(f"a SEARCH EMAILID M1-{suffix}") == ["* SEARCH 1"]
        assert await c.ok(f"a SEARCH OR THREADID T2-{suffix} EMAILID M1") == ["* SEARCH 2"]
        assert suffix in (await c.ok(f"a STATUS {BOX} (MAILBOXID)"))[0]


async def test_what_is_recent_is_for_the_owner(imap: Imap) -> None:
    """IMAP-157, IMAP-72a."""
    await filled(imap, "lrswi")
    async with guest(imap) as c:
        assert "* 0 RECENT" in await c.ok(f"a SELECT {BOX}")
        assert await c.ok(f"a STATUS {BOX} (RECENT)") == [f"* STATUS {BOX} (RECENT 0)"]
        async with imap.user(select=None) as owner:
            assert "* 3 RECENT" in await owner.select("Work")


async def test_searching_sorting_and_threading_look_into_the_owners_file(imap: Imap) -> None:
    """IMAP-157: with mailboxes of the same id in the user's own account."""
    await give(imap, "lr", "Inbox")
    async with imap.account() as account:
        await put(account, 2, "Inbox")
    async with guest(imap) as c:
        await c.append(b"Subject: own\r\n\r\nown text\r\n")
        await c.ok('a SELECT "Other Users/mia/Inbox"')
        assert await c.ok("a SEARCH SUBJECT greetings") == ["* SEARCH 1 2"]
        assert await c.ok("a SEARCH BODY own") == ["* SEARCH"]
        assert await c.ok("a SORT (SUBJECT) UTF-8 ALL") == ["* SORT 1 2"]
        assert len(await c.ok("a THREAD ORDEREDSUBJECT UTF-8 ALL")) == 1
        found = await c.ok("a ESEARCH IN (selected) ALL")
        assert len(found) == 1
        assert found[0].endswith("UID ALL 1:2")
        assert "Other Users/mia/Inbox" in found[0]
        (personal,) = await c.ok("a ESEARCH IN (personal) ALL")
        assert "MAILBOX INBOX" in personal
        assert personal.endswith("UID ALL 1")


async def test_named_mailboxes_of_others_are_searched(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-157, IMAP-126: those that may be read, each once, as the client knows the selected one."""
    await filled(imap, "lr")
    await give(imap, "l", "Seen")
    async with imap.account() as account:
        await put(account, 1, "Seen")
    async with guest(imap) as c:
        await c.append(MESSAGE)

        async def searched(sources: str, program: str = "ALL") -> list[str]:
            lines = await c.ok(f"a ESEARCH IN ({sources}) {program}")
            return [re.sub(r"\* ESEARCH .*MAILBOX |UIDVALIDITY \d+\)", "", line) for line in lines]

        work = f"{BOX}  UID ALL 1:3"
        assert await searched('subtree "Other Users"') == [work]
        assert await searched(f'mailboxes ({BOX} Inbox "Other Users/mia/Seen")') == ["INBOX  UID ALL 1", work]
        assert await searched("personal") == ["INBOX  UID ALL 1"]
        assert await searched(f"mailboxes {BOX}", "UID 2:*") == [f"{BOX}  UID ALL 2:3"]
        await c.ok(f"b SUBSCRIBE {BOX}")
        assert await searched("subscribed") == ["INBOX  UID ALL 1", work]
        await c.ok(f"b SELECT {BOX}")
        assert await searched(f"selected mailboxes {BOX} personal") == ["INBOX  UID ALL 1", work]
        assert await searched(f"mailboxes {BOX}") == [work]
        monkeypatch.setattr(sort, "MAX_OWNERS", 0)
        await give(imap, "lr", "Other")
        assert (await c.tagged('a ESEARCH IN (subtree "Other Users") ALL')).startswith("NO [LIMIT]")
        assert imap.context.sessions.count("mia") == 0


async def test_catenate_takes_parts_of_shared_messages(imap: Imap) -> None:
    """IMAP-157, IMAP-91: with the right to read."""
    await filled(imap, "lr")
    command = 'a APPEND Inbox CATENATE (URL "/Other%20Users/mia/Work/;uid=1")'
    async with guest(imap) as c:
        await c.ok(command)
        await give(imap, "l")
        assert "BADURL" in await c.tagged(command)
        await c.select()
        (line,) = await c.ok("a FETCH 1 BODY.PEEK[TEXT]")
        assert "1: Hello!" in line


async def test_annotations_of_others_are_refused(imap: Imap) -> None:
    """IMAP-157: whether or not there is such a mailbox."""
    await filled(imap, RIGHTS)
    async with guest(imap) as c:
        for name in (BOX, NOWHERE):
            assert (await c.tagged(f"a GETMETADATA {name} /shared/comment")).startswith("NO [CANNOT]")
            assert (await c.tagged(f'a SETMETADATA {name} (/shared/comment "x")')).startswith("NO [CANNOT]")
        assert (await c.tagged('a GETQUOTA "Other Users/mia"')).startswith("NO [NOPERM]")
        assert (await c.tagged('a CREATE "Other Users/mia/Work/x" (USE (\\Sent))')).startswith("NO [USEATTR]")


# --- the commands of RFC 4314


async def test_the_owner_gives_rights_and_takes_them(imap: Imap, caplog: pytest.LogCaptureFixture) -> None:
    """IMAP-157: SETACL in its three forms, GETACL, DELETEACL, LISTRIGHTS, MYRIGHTS; who changed what is in the log."""
    caplog.set_level("INFO")
    async with imap.user() as c:
        await c.ok("a CREATE Work")
        await c.ok("a NOOP")
        assert await c.ok("a MYRIGHTS Work") == ["* MYRIGHTS Work lrswipkxteacd"]
        await c.ok("a SETACL Work bo lr")
        await c.ok("a SETACL Work bo@example.org +dw")
        await c.ok("a SETACL Work ANYONE l")
        assert await c.ok("a GETACL Work") == ["* ACL Work mia lrswipkxteacd anyone l bo lrwted"]
        await c.ok("a SETACL Work bo -te")
        await c.ok('a SETACL Work anyone ""')
        await c.ok("a CREATE Work/Below")
        await c.ok("a NOOP")
        assert await c.ok("a GETACL Work/Below") == ["* ACL Work/Below mia lrswipkxteacd bo lrw"]
        assert await c.ok("a LISTRIGHTS Work bo") == ['* LISTRIGHTS Work bo "" l r s w i p k x t e a']
        assert await c.ok("a LISTRIGHTS Work mia") == ["* LISTRIGHTS Work mia lrswipkxtea"]
        async with guest(imap) as g:
            assert await g.ok(f"a MYRIGHTS {BOX}") == [f"* MYRIGHTS {BOX} lrw"]
        await c.ok("a DELETEACL Work bo")
        await c.ok("a DELETEACL Work bo")
        assert await c.ok("a GETACL Work") == ["* ACL Work mia lrswipkxteacd"]
        assert (await c.tagged("a SETACL Work bo lqz")).startswith("BAD")
        for identifier in ("mia", "-bo", "nobody", "x@example.org"):
            assert (await c.tagged(f"a SETACL Work {identifier} lr")).startswith("NO [CANNOT]"), identifier
        for rights in ("lrswipckxtdae", "lrswipkxtea", "+lr", '""', "-l", "lr"):
            expected = "NO [CANNOT]" if rights in ('""', "-l", "lr") else "OK"
            assert (await c.tagged(f"a SETACL Work mia {rights}")).startswith(expected), rights
        assert (await c.tagged("a SETACL Nowhere mia lrswipkxtea")).startswith("NO [NONEXISTENT]")
        assert (await c.tagged("a DELETEACL Work mia")).startswith("NO [CANNOT]")
        assert (await c.tagged("a GETACL Nowhere")).startswith("NO [NONEXISTENT]")
    changes = [kv(record) for record in caplog.records if record.message == "permissions changed"]
    assert changes[0] == {"account": "mia", "mailbox": "Work", "for": "bo", "rights": "lr", "by": "mia"}
    assert len(changes) == 6


async def test_a_guest_with_the_right_to_administer_gives_rights(imap: Imap) -> None:
    """IMAP-157: never the rights of the owner."""
    await give(imap, "la")
    async with guest(imap) as c:
        await c.ok(f"a SETACL {BOX} bo +r")
        await c.ok(f"a SETACL {BOX} anyone l")
        assert await c.ok(f"a GETACL {BOX}") == [f"* ACL {BOX} mia lrswipkxteacd anyone l bo lra"]
        await c.ok(f"a SETACL {BOX} mia lrswipckxtdae")
        assert (await c.tagged(f"a SETACL {BOX} mia l")).startswith("NO [CANNOT]")
        await c.ok(f"a DELETEACL {BOX} bo")
        assert (await c.tagged(f"a GETACL {BOX}")).startswith("NO [NOPERM]")


async def test_read_only_logins_change_nothing_of_others(imap: Imap) -> None:
    """IMAP-157, IMAP-158."""
    await filled(imap, RIGHTS)
    async with imap.account("bo") as account:
        secret = await add_app_password(account, "reader", ["imap"], read_only=True)
    async with imap.connect() as c:
        await c.login("bo@example.org", secret)
        assert (await c.say(f"a SELECT {BOX}"))[-1].startswith("a OK [READ-ONLY]")
        await c.ok("a FETCH 1 BODY[]")
        assert (await flags_of(imap))[1] == set()
        for command in (
            f"a SETACL {BOX} bo lr",
            f"a DELETE {BOX}",
            f"a DELETEACL {BOX} bo",
            r"a STORE 1 +FLAGS (\Seen)",
        ):
            assert (await c.tagged(command)).startswith("NO [NOPERM]"), command


# --- what holds it together


async def test_names_of_those_who_share_are_only_a_hint(imap: Imap) -> None:
    """IMAP-157: what the owner's file says counts; a wrong hint mends itself when the account is opened."""
    await filled(imap, "lr")
    auth = imap.context.auth
    async with guest(imap) as c, imap.account() as account:
        await auth.sharing.set_guests("mia", ["bo", "anyone"])
        await give(imap, "")
        await auth.sharing.set_guests("mia", ["bo"])  # one too many
        assert not [line for line in await c.ok('a LIST "" *') if "Work" in line]
        assert (await c.tagged(f"a SELECT {BOX}")).startswith("NO [NONEXISTENT]")
        await publish_shares(auth, account)
        assert await auth.sharing.owners("bo") == []
        await give(imap, "lr")
        await auth.sharing.set_guests("mia", [])  # one is missing
        assert (await c.tagged(f"a SELECT {BOX}")).startswith("NO [NONEXISTENT]")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Sharing(auth).run, account)
            while not await auth.sharing.owners("bo"):
                await trio.testing.wait_all_tasks_blocked()
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        await c.ok(f"a SELECT {BOX}")


async def test_what_happens_to_mailboxes_and_accounts(imap: Imap) -> None:
    """IMAP-157: rights follow a renamed mailbox, go with a deleted one, and with a removed account."""
    await filled(imap, "lr")
    auth = imap.context.auth
    async with guest(imap) as c:
        async with imap.account() as account:
            await account.write(lambda tx: rename_mailbox(tx, mailbox_by_name(tx, "Work").id, "Renamed"))  # type: ignore[union-attr]
        await c.ok('a SELECT "Other Users/mia/Renamed"')
        await c.ok("a UNSELECT")
        async with imap.account() as account:
            await account.write(lambda tx: delete_mailbox(tx, mailbox_by_name(tx, "Renamed").id))  # type: ignore[union-attr]
            assert await account.read(all_acls, op="test") == []
    await give(imap, "lr")
    await auth.begin_removal("bo")
    await finish_removal(imap.accounts, auth, (), "bo")
    async with imap.account() as account:
        assert await account.read(all_acls, op="test") == []
    assert await auth.sharing.owners("bo") == []


async def test_an_owner_that_is_removed_ends_the_visits(imap: Imap) -> None:
    """IMAP-157, STORE-140: nobody's session keeps the files."""
    await filled(imap, "lr")
    async with guest(imap) as c:
        await c.ok(f"a SELECT {BOX}")
        await c.idle()
        with trio.fail_after(30):
            await finish_removal(imap.accounts, imap.context.auth, (), "mia")
            assert (await c.response()).startswith("* BYE")


async def test_the_operator_sees_who_has_which_mailbox_selected(imap: Imap) -> None:
    """IMAP-157, IMAP-159."""
    await filled(imap, "lr")
    commands = IMAPCommands(imap.context, imap.shutdown)
    async with guest(imap) as c:
        await c.ok(f"a SELECT {BOX}")
        (one,) = await commands.sessions(ImapSessions())
        assert (one.account, one.mailbox) == ("bo", "Other Users/mia/Work")
        assert REGISTRY.get_sample_value("moxlite_imap_visits") == 1
        assert imap.context.sessions.count("mia") == 0


async def test_the_operator_says_who_may_send(imap: Imap, tmp_path: Path) -> None:
    """SMTP-189a, IMAP-157: `moxlite account delegate`; MYRIGHTS shows the same letters before and after."""
    await filled(imap, "lrp")
    async with operator(imap, tmp_path) as ctl, guest(imap) as c:
        before = await c.ok(f"a MYRIGHTS {BOX}")
        assert await ctl.call("account delegate list", ListDelegates(account="mia"), list[DelegateInfo]) == []
        ends = 4_102_444_800_000_000
        await ctl.call("account delegate set", DelegateSet("bo@example.org", "behalf", ends, account="mia"), type(None))
        listed = await ctl.call("account delegate list", ListDelegates(account="mia"), list[DelegateInfo])
        assert listed == [DelegateInfo("bo", "behalf", datetime(2100, 1, 1, tzinfo=UTC), whole=False)]
        assert await c.ok(f"a MYRIGHTS {BOX}") == before
        for args, words in (
            (DelegateSet("nobody", "as", account="mia"), "isn't an account on this server"),
            (DelegateSet("mia", "as", account="mia"), "is your own account"),
            (DelegateSet("anyone", "as", account="mia"), "choose a single account"),
            (DelegateSet("bo", "as", 1, account="mia"), "must be in the future"),
        ):
            with pytest.raises(CtlFailed, match=words):
                await ctl.call("account delegate set", args, type(None))
        await ctl.call("account delegate rm", DelegateRemove("bo", account="mia"), type(None))
        with pytest.raises(CtlFailed, match="have permission to send from"):
            await ctl.call("account delegate rm", DelegateRemove("bo", account="mia"), type(None))


async def test_the_operator_gives_rights_and_takes_them(imap: Imap, tmp_path: Path) -> None:
    """IMAP-157: `moxlite account share`, also for the mailboxes below."""
    async with imap.user(select=None) as owner:
        await owner.ok("a CREATE Work/a/b")
        await owner.ok("a CREATE Workshop")
    async with operator(imap, tmp_path) as ctl, guest(imap) as c:
        await ctl.call(
            "account share set", ShareSet("Work", "bo@example.org", "lr", below=True, account="mia"), type(None)
        )
        listed = await ctl.call("account share list", ListShares(account="mia"), list[ShareInfo])
        assert listed == [ShareInfo(name, "bo", "lr") for name in ("Work", "Work/a", "Work/a/b")]
        boxes = await ctl.call("account mailboxes", ListMailboxes(account="mia"), list[MailboxInfo])
        assert {"Inbox", "Work", "Work/a", "Work/a/b", "Workshop"} < {box.name for box in boxes}
        await c.ok(f"a SELECT {BOX}")
        await ctl.call("account share rm", ShareRemove("Work", "bo", account="mia"), type(None))
        assert (await c.tagged("a FETCH 1 FLAGS")).startswith(("NO [NONEXISTENT]", "BAD"))
        for args, words in (
            (ShareSet("Work", "nobody", "l", account="mia"), "isn't an account on this server"),
            (ShareSet("Work", "bo", "l", account="nobody"), 'account not found: "nobody"'),
            (ShareSet("Nowhere", "bo", "l", account="mia"), "no longer exists"),
            (ShareSet("Work", "bo", "z", account="mia"), "must be letters from"),
            (ShareSet("Work", "mia", "l", account="mia"), "is your own account, which already has full access"),
        ):
            with pytest.raises(CtlFailed, match=words):
                await ctl.call("account share set", args, type(None))
