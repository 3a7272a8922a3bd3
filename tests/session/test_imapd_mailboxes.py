"""CREATE, DELETE, RENAME, SUBSCRIBE, LIST, LSUB, STATUS (docs/spec/imap.md §7)."""

import time
from collections.abc import Sequence

import pytest

from moxlite import processor
from moxlite.imapd.mailboxes import listing
from moxlite.imapd.mailboxes.listing import Pattern
from moxlite.processor import Stretch
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.mail import mailboxes
from moxlite.store.mail.expunging import ExpungeResult, expunge
from moxlite.store.mail.flags import store_flags
from moxlite.store.rows.mailboxes import state
from moxlite.store.types import Flag, MailboxID
from tests.session.imapd_harness import Imap, imap
from tests.store_mail import mail, put

__all__ = ["imap"]


@pytest.mark.served
async def test_create_makes_parents_and_tells_them(imap: Imap) -> None:
    """IMAP-34, IMAP-59, IMAP-63, IMAP-106"""
    rev2 = ["IMAP4rev2"]
    async with imap.user(select=None, enable=rev2) as c, imap.user(select=None, enable=rev2) as d:
        responses = await c.say("a CREATE /x/y/")
        assert responses[:2] == ['* LIST () "/" x', '* LIST () "/" x/y']
        assert responses[2].startswith("a OK [MAILBOXID (F")
        assert await d.ok("a NOOP") == ['* LIST () "/" x', '* LIST () "/" x/y']
        assert (await c.tagged("a CREATE x")).startswith("NO [ALREADYEXISTS]")
        assert (await c.tagged("a CREATE INBOX")).startswith("NO [ALREADYEXISTS]")


@pytest.mark.served
async def test_only_clients_of_rev2_subscribe_by_themselves(imap: Imap) -> None:
    """IMAP-63, IMAP-65: also the parents that RENAME makes; what was subscribed by name stays so."""
    async with imap.user(select=None) as old, imap.user(select=None, enable=["IMAP4rev2"]) as new:
        await old.ok("a SUBSCRIBE once")
        await old.ok("a CREATE a/b")
        await old.ok("a RENAME a/b c/b")
        await new.ok("a NOOP")
        assert await new.ok("a CREATE once") == ['* LIST (\\Subscribed) "/" once']
        await new.ok("a CREATE d/e")
        await new.ok("a RENAME d/e f/e")
        await new.ok("a RENAME Inbox g/h")
        subscribed = {line.split()[-1] for line in await new.ok('a LIST (SUBSCRIBED) "" *')}
        assert {"once", "a", "c/b", "c"} <= subscribed
        assert subscribed.isdisjoint({"a/b", "d", "d/e", "f", "f/e", "g", "g/h"})


@pytest.mark.served
@pytest.mark.parametrize("name", ['"#x"', "x//y", "x/./y", '"x/../y"', '""', '"' + "x" * 256 + '"', '"a\x7f"'])
async def test_names_that_break_the_rules_are_refused(imap: Imap, name: str) -> None:
    """IMAP-33"""
    async with imap.user(select=None) as c:
        assert (await c.tagged(f"a CREATE {name}")).startswith("NO [CANNOT]")


@pytest.mark.served
async def test_decomposed_names_name_the_same_mailbox(imap: Imap) -> None:
    """IMAP-33, STORE-12: macOS writes an umlaut as a letter and a mark."""
    composed, decomposed = "Bücher/Köln", "Bu\u0308cher/Ko\u0308ln"
    async with imap.user(enable=["UTF8=ACCEPT"], select=None) as c:
        await c.ok(f'a CREATE "{decomposed}"')
        assert (await c.tagged(f'a CREATE "{composed}"')).startswith("NO [ALREADYEXISTS]")
        for name in (composed, decomposed):
            for command in ("SELECT", "SUBSCRIBE", "UNSUBSCRIBE"):
                await c.ok(f'a {command} "{name}"')
            await c.ok(f'a STATUS "{name}" (MESSAGES)')
            assert [line for line in await c.ok(f'a LIST "" "{name}"') if composed in line]
        assert (await c.append("Subject: x\r\n\r\nx\r\n", mailbox=f'"{decomposed}"')).startswith("OK")
        await c.ok(f'a RENAME "{decomposed}" "Bu\u0308cher/Mu\u0308nchen"')
        await c.ok('a SELECT "Bücher/München"')
        await c.ok("a CLOSE")
        await c.ok('a DELETE "Bu\u0308cher/Mu\u0308nchen"')


@pytest.mark.served
async def test_create_with_special_use(imap: Imap) -> None:
    """IMAP-63"""
    async with imap.user(select=None) as c:
        await c.ok(r"a CREATE p/spam (USE (\junk \Sent))")
        assert await c.ok('b LIST "" p/%') == [r'* LIST (\HasNoChildren \Junk \Sent) "/" p/spam']
        assert await c.ok('b LIST "" Junk') == [r'* LIST (\HasNoChildren) "/" Junk']
        assert (await c.tagged(r"a CREATE q (USE (\All))")).startswith("NO [USEATTR]")


@pytest.mark.served
async def test_delete_keeps_a_programs_subscription_and_refuses_parents_and_inbox(imap: Imap) -> None:
    """IMAP-64"""
    async with imap.user(select=None) as c:
        await c.ok("a CREATE x/y")
        await c.ok("a SUBSCRIBE x/y")
        assert (await c.tagged("a DELETE x")).startswith("NO [HASCHILDREN]")
        first = (await c.ok("a STATUS x/y (UIDVALIDITY)"))[0]
        await c.ok("a DELETE x/y")
        assert (await c.tagged("a DELETE x/y")).startswith("NO [NONEXISTENT]")
        assert (await c.tagged("a DELETE inbox")).startswith("NO [CANNOT]")
        assert '* LSUB () "/" x/y' in await c.ok('a LSUB "" *')
        await c.ok("a CREATE x/y")
        second = (await c.ok("a STATUS x/y (UIDVALIDITY)"))[0]
        assert int(second.split()[-1][:-1]) > int(first.split()[-1][:-1])


@pytest.mark.served
async def test_rename_takes_children_along_and_keeps_identity(imap: Imap) -> None:
    """IMAP-59, IMAP-65"""
    async with imap.user(select=None) as c, imap.user(select=None, enable=["IMAP4rev2"]) as d:
        await c.ok("a CREATE x/y")
        before = (await c.ok("a STATUS x/y (UIDVALIDITY MAILBOXID)"))[0].split("(", 1)[1]
        await d.ok("a NOOP")
        assert await c.ok("a RENAME x new/x") == []
        assert await d.ok("a NOOP") == [
            '* LIST (\\Subscribed) "/" new',
            '* LIST () "/" new/x ("OLDNAME" (x))',
            '* LIST (\\NonExistent) "/" x',
            '* LIST (\\Subscribed) "/" new/x',
            '* LIST () "/" new/x/y ("OLDNAME" (x/y))',
            '* LIST (\\NonExistent) "/" x/y',
            '* LIST (\\Subscribed) "/" new/x/y',
        ]
        assert (await c.ok("a STATUS new/x/y (UIDVALIDITY MAILBOXID)"))[0].split("(", 1)[1] == before
        assert (await c.tagged("a RENAME nope y")).startswith("NO [NONEXISTENT]")
        assert (await c.tagged("a RENAME new Archive")).startswith("NO [ALREADYEXISTS]")
        await c.ok("a RENAME new new/below")
        assert [line.split()[-1] for line in await c.ok('a LIST "" new*')] == [
            "new",
            "new/below",
            "new/below/x",
            "new/below/x/y",
        ]


@pytest.mark.served
async def test_mailboxes_are_told_unasked_with_rev2_alone(imap: Imap) -> None:
    """IMAP-59: Thunderbird takes a LIST within RENAME for another mailbox, and shows the old one on."""
    async with imap.user(select=None) as c, imap.user(select=None) as idler:
        await idler.idle()
        for command in ("CREATE x", "SUBSCRIBE x", "RENAME x y", "UNSUBSCRIBE x", "SUBSCRIBE y", "DELETE y"):
            assert await c.ok(f"a {command}") == [], command
        assert await c.ok("a NOOP") == []
        assert await idler.done() == []


@pytest.mark.served
async def test_renaming_inbox_moves_its_messages(imap: Imap) -> None:
    """IMAP-65"""
    async with imap.account() as account, imap.user() as c:
        await put(account, 3)
        await c.ok("a CREATE Inbox/sub")
        await c.ok("a RENAME inbox old")
        assert await c.ok("a STATUS old (MESSAGES UIDNEXT)") == ["* STATUS old (MESSAGES 3 UIDNEXT 4)"]
        assert await c.ok("a STATUS inbox (MESSAGES)") == ["* STATUS INBOX (MESSAGES 0)"]
        assert len(await c.ok('a LIST "" inbox*')) == 2


@pytest.mark.served
async def test_renaming_a_large_inbox_lets_others_write(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-65, IMAP-167: each slice is a unit of its own; what is delivered meanwhile stays in Inbox."""
    monkeypatch.setattr(mailboxes, "SLICE", 3)
    async with imap.account() as account, imap.user(select=None) as c, imap.user(select="inbox") as d:
        await put(account, 10)
        before = await account.read(lambda r: state(r).modseq, op="test")
        await c.ok("a RENAME inbox old")
        assert await c.ok("a STATUS old (MESSAGES UIDNEXT)") == ["* STATUS old (MESSAGES 10 UIDNEXT 11)"]
        assert await c.ok("a STATUS inbox (MESSAGES)") == ["* STATUS INBOX (MESSAGES 0)"]
        assert await account.read(lambda r: state(r).modseq, op="test") >= before + 4
        assert (await d.ok("a NOOP"))[-1:] != ["* 10 EXISTS"]
        await put(account, 1)
        assert await c.ok("a STATUS inbox (MESSAGES UIDNEXT)") == ["* STATUS INBOX (MESSAGES 1 UIDNEXT 12)"]


@pytest.mark.served
async def test_subscriptions_do_not_need_mailboxes(imap: Imap) -> None:
    """IMAP-59, IMAP-66"""
    async with imap.user(select=None, enable=["IMAP4rev2"]) as c:
        assert await c.ok("a SUBSCRIBE q/r") == ['* LIST (\\Subscribed \\NonExistent) "/" q/r']
        assert await c.ok('a LIST (SUBSCRIBED) "" q*') == ['* LIST (\\NonExistent \\Subscribed) "/" q/r']
        assert await c.ok('a LSUB "" q%') == ['* LSUB (\\NoSelect) "/" q']
        await c.ok("a UNSUBSCRIBE q/r")
        assert await c.ok("a UNSUBSCRIBE q/r") == []
        assert (await c.tagged("a UNSUBSCRIBE q/never")).startswith("NO [NONEXISTENT]")
        assert await c.ok("a UNSUBSCRIBE Archive") == ['* LIST () "/" Archive']
        assert await c.ok("a UNSUBSCRIBE Archive") == []


@pytest.mark.served
async def test_list_matches_patterns_and_shows_uses_and_children(imap: Imap) -> None:
    """IMAP-67, IMAP-140"""
    async with imap.user(select=None) as c:
        assert await c.ok('a LIST "" ""') == [r'* LIST (\Noselect) "/" ""']
        for extended in ('"" "" RETURN ()', '"" ("")', '() "" ""', 'q "" RETURN (SUBSCRIBED)'):
            assert await c.ok(f"a LIST {extended}") == []
        assert await c.ok('a LIST Archive "" RETURN ()') == [r'* LIST (\HasNoChildren \Archive) "/" Archive']
        assert await c.ok('a LIST "" "&Jjo!*"') == await c.ok('a LSUB "" "&Jjo!%"') == []
        await c.ok("a CREATE Archive/2020")
        assert await c.ok('a LIST "" *') == [
            r'* LIST (\HasNoChildren) "/" INBOX',
            r'* LIST (\HasChildren \Archive) "/" Archive',
            r'* LIST (\HasNoChildren) "/" Archive/2020',
            r'* LIST (\HasNoChildren \Drafts) "/" Drafts',
            r'* LIST (\HasNoChildren \Junk) "/" Junk',
            r'* LIST (\HasNoChildren \Sent) "/" Sent',
            r'* LIST (\HasNoChildren \Trash) "/" Trash',
        ]
        names = [line.split()[-1] for line in await c.ok('a LIST "" (inb% %/% Arch* T%)')]
        assert names == ["INBOX", "Archive", "Archive/2020", "Trash"]
        assert [line.split()[-1] for line in await c.ok("a LIST Archive/ %")] == ["Archive/2020"]
        assert [line.split()[-1] for line in await c.ok('a LIST "Arch" "*"')] == ["Archive", "Archive/2020"]
        assert [line.split()[-1] for line in await c.ok('a LIST "Archive" "/%"')] == ["Archive/2020"]
        assert [line.split()[-1] for line in await c.ok('a LSUB "Dra" "%"')] == ["Drafts"]
        assert await c.ok('a LIST "" /Archive') == []
        assert len(await c.ok('a LIST (SPECIAL-USE) "" * RETURN (SUBSCRIBED)')) == 5


@pytest.mark.served
@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("SELECT &Jjo!", "NO [CANNOT]"),
        ('EXAMINE "Entw\xfcrfe"', "NO [CANNOT]"),
        ("SELECT Entw\xfcrfe", "NO [CANNOT]"),
        ("SELECT a//b", "NO [CANNOT]"),
        ("STATUS &AGE- (MESSAGES)", "NO [CANNOT]"),
        ("GETQUOTAROOT &AGE-", "NO [CANNOT]"),
        ("GETMETADATA &AGE- /private/comment", "NO [CANNOT]"),
        ("CREATE &", "NO [CANNOT]"),
        ("RENAME Sent &AAA", "NO [CANNOT]"),
        ("SUBSCRIBE {2+}\r\n\xff\xfe", "NO [CANNOT]"),
        ("APPEND &Jjo! {3+}\r\na\r\n", "NO [CANNOT]"),
    ],
)
async def test_what_is_no_mailbox_name_is_refused_and_no_bad_command(imap: Imap, command: str, answer: str) -> None:
    """IMAP-32, IMAP-33"""
    async with imap.user(select=None) as c:
        await c.send(f"a {command}\r\n".encode("latin-1"))
        assert (await c.response()).startswith(f"a {answer}")


@pytest.mark.served
async def test_list_extended_selects_and_returns(imap: Imap) -> None:
    """IMAP-68, IMAP-71"""
    async with imap.account() as account, imap.user(select=None) as c:
        await put(account, 2)
        await c.ok("a CREATE x/y/z")
        await c.ok("a UNSUBSCRIBE x")
        await c.ok("a UNSUBSCRIBE x/y")
        assert await c.ok('a LIST (SUBSCRIBED RECURSIVEMATCH) "" x%') == [
            r'* LIST (\HasChildren) "/" x ("CHILDINFO" ("SUBSCRIBED"))'
        ]
        assert await c.ok('a LIST (SUBSCRIBED RECURSIVEMATCH) "" (x% x/y/z)') == [
            r'* LIST (\HasNoChildren \Subscribed) "/" x/y/z'
        ]
        await c.ok("a CREATE x/y/w")
        assert await c.ok('a LIST (SUBSCRIBED RECURSIVEMATCH) "" (x/y x/y/z)') == [
            r'* LIST (\HasChildren) "/" x/y ("CHILDINFO" ("SUBSCRIBED"))',
            r'* LIST (\HasNoChildren \Subscribed) "/" x/y/z',
        ]
        await c.ok("a SUBSCRIBE x")
        assert await c.ok('a LIST (SUBSCRIBED RECURSIVEMATCH) "" x*') == [
            r'* LIST (\HasChildren \Subscribed) "/" x ("CHILDINFO" ("SUBSCRIBED"))',
            r'* LIST (\HasNoChildren \Subscribed) "/" x/y/w',
            r'* LIST (\HasNoChildren \Subscribed) "/" x/y/z',
        ]
        assert await c.ok('a LIST "" inbox RETURN (SUBSCRIBED CHILDREN STATUS (MESSAGES UNSEEN) SUBSCRIBED)') == [
            r'* LIST (\HasNoChildren \Subscribed) "/" INBOX',
            "* STATUS INBOX (MESSAGES 2 UNSEEN 2)",
        ]
        assert (await c.ok('a LIST "" Inbox RETURN (MYRIGHTS)'))[1:] == ["* MYRIGHTS INBOX lrswipkxteacd"]


@pytest.mark.served
async def test_status_tells_each_value(imap: Imap) -> None:
    """IMAP-70, IMAP-71, IMAP-72a, IMAP-76"""
    async with imap.account() as account, imap.user(select=None) as c:
        await put(account, 3)
        items = "MESSAGES UIDNEXT UNSEEN DELETED DELETED-STORAGE RECENT APPENDLIMIT"
        assert await c.ok(f"a STATUS inbox ({items})") == [
            "* STATUS INBOX (MESSAGES 3 UIDNEXT 4 UNSEEN 3 DELETED 0 DELETED-STORAGE 0 RECENT 3 APPENDLIMIT 104857600)"
        ]
        assert (await c.ok("a STATUS inbox (HIGHESTMODSEQ MAILBOXID)"))[0].endswith(" MAILBOXID (F1))")
        size = len(mail(1))
        await account.write(lambda tx: store_flags(tx, MailboxID(1), [2], mode="add", flags=Flag.DELETED))
        assert await c.ok("a STATUS inbox (SIZE DELETED DELETED-STORAGE)") == [
            f"* STATUS INBOX (SIZE {3 * size} DELETED 1 DELETED-STORAGE {size})"
        ]
        assert (await c.tagged("a STATUS nope (MESSAGES)")).startswith("NO [NONEXISTENT]")
        assert (await c.tagged("a STATUS inbox (FOO)")).startswith("BAD")
        await c.ok("a ENABLE IMAP4rev2")
        assert await c.ok("a STATUS inbox (RECENT)") == ["* STATUS INBOX (RECENT 0)"]


@pytest.mark.served
async def test_removed_mailboxes_are_told_to_rev2_clients_only(imap: Imap) -> None:
    """IMAP-59"""
    async with imap.user(select=None) as c, imap.user(select=None, enable=["IMAP4rev2"]) as d:
        await c.ok("a CREATE x")
        await d.ok("a NOOP")
        assert await c.ok("a DELETE x") == []
        assert await d.ok("a NOOP") == ['* LIST (\\NonExistent) "/" x'] * 2, "the mailbox, and its subscription"
        await c.ok("a CREATE y")
        await c.ok("a SUBSCRIBE y")
        await c.ok("a DELETE y")
        assert (await d.ok("a NOOP"))[-1] == '* LIST (\\NonExistent \\Subscribed) "/" y'


@pytest.mark.served
@pytest.mark.parametrize("command", ["LIST", "LSUB"])
async def test_long_listings_let_others_have_turns(imap: Imap, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """IMAP-146: here after each name, as if each took 2 ms."""
    turns = 0

    class Counted(Stretch):
        async def step(self) -> None:
            nonlocal turns
            turns += 1
            await super().step()

    monkeypatch.setattr(processor, "STRETCH", 0.0)
    monkeypatch.setattr(listing, "Stretch", Counted)
    async with imap.user(select=None) as c:
        for name in "abcd":
            await c.ok(f"a CREATE {name}")
        assert len(await c.ok(f'a {command} "" *')) >= 4
        assert turns >= 4
        turns = 0
        await c.ok(f'a LIST "" ({" ".join(["x*"] * 64)})')
        assert turns >= 4 * 64  # between the patterns, too: each may take as long
        await c.ok("a SUBSCRIBE p/q/r/s/t")
        turns = 0
        assert (await c.ok('a LSUB "" p/%'))[0] == '* LSUB (\\NoSelect) "/" p/q'
        assert turns >= 5 + 4  # and between a name and those above it


def test_patterns_match_without_backtracking() -> None:
    """IMAP-67, IMAP-146"""

    def matches(pattern: str, name: str) -> bool:
        return Pattern("", pattern).matches(name)

    assert matches("*", "a/b")
    assert matches("%", "a")
    assert not matches("%", "a/b")
    assert matches("%/%", "a/b")
    assert matches("a*b", "a/x/b")
    assert not matches("a%b", "a/x/b")
    assert matches("a%b", "axb")
    assert matches("*%", "a/b")
    assert matches("%%%", "abc")
    assert matches("", "")
    assert not matches("a", "b")
    assert matches("iNbOx".lower(), "Inbox")
    assert matches("INB%", "Inbox")
    assert not matches("ARCHIVE", "Archive")
    names = ["x" * 250 + "/" + "y" * 250] * 200
    started = time.thread_time()
    for pattern in ("%*" * 500, "*x" * 500, "%x" * 500, "*a" * 500):
        compiled = Pattern("", pattern[:1000])
        for name in names[:5]:
            compiled.matches(name)
    assert time.thread_time() - started < 2  # a second even on a slow machine; backtracking would take for ever


@pytest.mark.served
async def test_delete_removes_messages_in_slices_between_which_others_write(
    imap: Imap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-13, IMAP-64"""
    monkeypatch.setattr(mailboxes, "SLICE", 3)
    sizes: list[int] = []

    def noted(tx: AccountTx, mailbox_id: MailboxID, uids: Sequence[int]) -> ExpungeResult:
        sizes.append(len(uids))
        return expunge(tx, mailbox_id, uids)

    monkeypatch.setattr(mailboxes, "expunge", noted)
    async with imap.account() as account, imap.user(select=None) as c, imap.user(select="Archive") as d:
        await put(account, 10, "Archive")
        await d.ok("a NOOP")
        await c.ok("a DELETE Archive")
        assert sizes == [3, 3, 3]
        assert (await c.tagged("a SELECT Archive")).startswith("NO [NONEXISTENT]")
        await c.ok("a CREATE Archive/below")
        await put(account, 10, "Archive")
        assert (await c.tagged("a DELETE Archive")).startswith("NO [HASCHILDREN]")
        assert await c.ok("a STATUS Archive (MESSAGES)") == ["* STATUS Archive (MESSAGES 10)"]
