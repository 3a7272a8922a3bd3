"""NOTIFY (RFC 5465; IMAP-129..131)."""

import pytest

from moxlite.imapd.mailboxes import notify as notify_module
from tests.session.imapd_harness import Imap, imap
from tests.store_mail import put

pytestmark = pytest.mark.served

__all__ = ["imap"]

MAIL = "Subject: hello\r\n\r\nbody"
ALL = "(MessageNew MessageExpunge FlagChange)"


async def test_changes_of_the_selected_mailbox_are_told_between_commands(imap: Imap) -> None:
    """IMAP-129, IMAP-130, IMAP-131"""
    async with imap.user() as c, imap.user() as other:
        assert "NOTIFY" in (await c.ok("a CAPABILITY"))[0].split()
        assert await c.ok(f"b NOTIFY SET (selected {ALL})") == []
        await other.append(MAIL)
        assert await c.response() == "* 1 EXISTS"
        assert await c.response() in ("* 1 RECENT", r"* 1 FETCH (UID 1 FLAGS ())", r"* 1 FETCH (UID 1 FLAGS (\Recent))")
        await c.ok("c NOOP")
        await other.ok(r"d STORE 1 +FLAGS.SILENT (\Deleted)")
        assert "\\Deleted" in await c.response()
        await other.ok("e EXPUNGE")
        assert await c.response() == "* 1 EXPUNGE"


async def test_new_messages_come_with_the_items_asked_for(imap: Imap) -> None:
    """IMAP-130"""
    async with imap.user(enable=["IMAP4rev2"]) as c, imap.user() as other:
        items = "(UID BODY.PEEK[HEADER.FIELDS (Subject)] PREVIEW)"
        await c.ok(f"a NOTIFY SET (selected (MessageNew {items} MessageExpunge))")
        await other.append(MAIL)
        assert await c.response() == "* 1 EXISTS"
        assert await c.response() == (
            '* 1 FETCH (UID 1 BODY[HEADER.FIELDS (Subject)] {18}\r\nSubject: hello\r\n\r\n PREVIEW "body")'
        )
        reply = await c.say(f"ap APPEND Inbox {{{len(MAIL)}+}}\r\n{MAIL}")
        assert reply[:-1] == ["* 2 EXISTS", "* 2 FETCH (UID 2 FLAGS ())"]  # its own: nothing it doesn't know


async def test_an_item_that_fails_is_told_by_no(imap: Imap) -> None:
    """IMAP-130"""
    async with imap.user(enable=["IMAP4rev2"]) as c, imap.user() as other:
        await c.ok("a NOTIFY SET (selected (MessageNew (UID BINARY.PEEK[1]) MessageExpunge))")
        await other.append("Content-Transfer-Encoding: odd\r\n\r\nx")
        assert await c.response() == "* 1 EXISTS"
        assert (await c.response()).startswith("* 1 FETCH (UID 1 ")
        assert (await c.response()).startswith("* NO [UNKNOWN-CTE]")


async def test_selected_delayed_holds_removals_back(imap: Imap) -> None:
    """IMAP-130"""
    async with imap.user() as c, imap.user() as other:
        await other.append(MAIL)
        await c.ok("n NOOP")
        await c.ok(f"a NOTIFY SET (selected-delayed {ALL})")
        await other.ok(r"b STORE 1 +FLAGS.SILENT (\Deleted)")
        assert "\\Deleted" in await c.response()
        await other.ok("c EXPUNGE")
        await other.append(MAIL)
        assert await c.response() == "* 2 EXISTS"
        told = await c.ok("d FETCH 1 BODY.PEEK[TEXT]")
        assert told[-1] == "* 1 FETCH (UID 1 BODY[TEXT] {4}\r\nbody)"
        assert not any("EXPUNGE" in line for line in told)
        assert "* 1 EXPUNGE" in await c.ok("e NOOP")


async def test_too_many_removals_held_back_end_the_notification(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-130"""
    monkeypatch.setattr(notify_module, "MAX_HELD", 2)
    async with imap.account() as account:
        await put(account, 3)
    async with imap.user() as c, imap.user() as other:
        await c.ok("a NOTIFY SET (selected-delayed (MessageNew MessageExpunge))")
        await other.ok(r"b STORE 1:3 +FLAGS.SILENT (\Deleted)")
        await other.ok("c EXPUNGE")
        assert (await c.response()).startswith("* OK [NOTIFICATIONOVERFLOW]")
        assert await c.ok("d NOOP") == []
        told = await c.ok("e NOTIFY SET (mailboxes Archive (MessageNew MessageExpunge))")
        assert len([line for line in told if "EXPUNGE" in line]) == 3


async def test_none_freezes_the_view_until_it_is_wanted_again(imap: Imap) -> None:
    """IMAP-129"""
    async with imap.account() as account:
        await put(account, 3)
    async with imap.user(enable=["IMAP4rev2"]) as c, imap.user() as other:
        await c.ok("a NOTIFY NONE")
        await other.ok(r"b STORE 2 +FLAGS.SILENT (\Deleted)")
        await other.ok("c EXPUNGE")
        await other.append(MAIL)
        await other.ok(r"d STORE 1 +FLAGS.SILENT (\Flagged)")
        await other.ok("e CREATE New")
        assert await c.ok("f NOOP") == []
        await c.idle()
        assert await c.done() == []
        assert (await c.ok("g FETCH 2 UID")) == ["* 2 FETCH (UID 2)"]  # its numbers stand still
        assert await c.ok(r"h STORE 3 +FLAGS (\Seen)") == [r"* 3 FETCH (UID 3 FLAGS (\Seen))"]
        assert await c.ok("i STATUS Inbox (MESSAGES)") == ["* STATUS INBOX (MESSAGES 3)"]
        told = await c.ok(f"j NOTIFY SET (selected {ALL})")
        assert "* 2 EXPUNGE" in told
        assert "* 3 EXISTS" in told
        assert r"* 1 FETCH (UID 1 FLAGS (\Flagged))" in told
        assert (await c.ok("k UID FETCH 1:* UID")) == [
            "* 1 FETCH (UID 1)",
            "* 2 FETCH (UID 3)",
            "* 3 FETCH (UID 4)",
        ]


async def test_own_removals_are_told_in_a_frozen_view(imap: Imap) -> None:
    """IMAP-129"""
    async with imap.account() as account:
        await put(account, 4)
    async with imap.user(enable=["IMAP4rev2"]) as c, imap.user() as other:
        await c.ok("a NOTIFY NONE")
        await other.ok(r"b STORE 1 +FLAGS.SILENT (\Deleted)")
        await other.ok("c EXPUNGE")
        await c.ok(r"d STORE 3 +FLAGS.SILENT (\Deleted)")
        assert await c.ok("e EXPUNGE") == ["* 3 EXPUNGE"]
        assert await c.ok("f FETCH 1:3 UID") == [
            "* 1 FETCH (UID 1)",
            "* 2 FETCH (UID 2)",
            "* 3 FETCH (UID 4)",
        ]
        assert await c.ok("g NOTIFY SET (selected (MessageNew MessageExpunge))") == ["* 1 EXPUNGE"]
        await other.ok(r"h STORE 1 +FLAGS.SILENT (\Flagged)")
        assert await c.ok("i NOOP") == []  # flags are not asked for
        assert await c.ok(f"j NOTIFY SET (selected {ALL})") == [r"* 1 FETCH (UID 2 FLAGS (\Flagged))"]


async def test_without_a_selected_group_a_new_selection_is_a_snapshot(imap: Imap) -> None:
    """IMAP-129, IMAP-131"""
    async with imap.account() as account:
        await put(account, 2)
    async with imap.user(select=None) as c, imap.user() as other:
        await c.ok("a NOTIFY SET (mailboxes Archive (MessageNew MessageExpunge))")
        await c.select()
        await other.append(MAIL)
        assert await c.ok("b NOOP") == []
        assert "* 3 EXISTS" in await c.select()


async def test_other_mailboxes_are_told_by_status(imap: Imap) -> None:
    """IMAP-130, IMAP-131"""
    async with imap.user() as c, imap.user() as other:
        await c.ok(
            f"a NOTIFY SET (selected {ALL}) (mailboxes (Archive Junk) {ALL}) (personal (MessageNew MessageExpunge))"
        )
        await other.append(MAIL, "Archive")
        assert await c.response() == "* STATUS Archive (UIDNEXT 2 MESSAGES 1 UNSEEN 1)"
        await other.select("Archive")
        await other.ok(r"b STORE 1 +FLAGS.SILENT (\Seen)")
        assert (await c.response()).startswith("* STATUS Archive (UIDVALIDITY ")
        await other.append(MAIL, "Trash")
        assert await c.response() == "* STATUS Trash (UIDNEXT 2 MESSAGES 1 UNSEEN 1)"
        await other.select("Trash")
        await other.ok(r"c STORE 1 +FLAGS.SILENT (\Seen)")
        assert await c.ok("d NOOP") == []  # the second group has no FlagChange
        await c.ok("e ENABLE CONDSTORE")
        await other.ok(r"f STORE 1 +FLAGS.SILENT (\Deleted)")
        await other.ok("g EXPUNGE")
        line = await c.response()
        assert line.startswith("* STATUS Trash (UIDNEXT 2 MESSAGES 0 UNSEEN 0 HIGHESTMODSEQ ")


async def test_status_is_reported_first_on_request(imap: Imap) -> None:
    """IMAP-130"""
    async with imap.user() as c:
        told = await c.ok(f"a NOTIFY SET STATUS (selected {ALL}) (personal (MessageNew MessageExpunge))")
        names = [line.split()[2] for line in told]
        assert names == ["Archive", "Drafts", "Junk", "Sent", "Trash"]
        assert told[0].startswith("* STATUS Archive (MESSAGES 0 UIDNEXT 1 UIDVALIDITY ")
        told = await c.ok("b NOTIFY SET STATUS (mailboxes Junk NONE) (subtree (Junk Sent) (MessageNew MessageExpunge))")
        assert [line.split()[2] for line in told] == ["Sent"]
        assert await c.ok("c NOTIFY SET STATUS (personal (MailboxName))") == []


async def test_mailboxes_subscriptions_and_metadata_are_told_when_asked_for(imap: Imap) -> None:
    """IMAP-59, IMAP-129"""
    async with imap.user() as c, imap.user() as other:
        await c.ok("a NOTIFY SET (subtree Work (MailboxName)) (personal (SubscriptionChange MailboxMetadataChange))")
        await other.ok("b CREATE Work/x")
        lines = [await c.response(), await c.response()]
        assert lines == [
            r'* LIST (\HasChildren \Subscribed) "/" Work',
            r'* LIST (\HasNoChildren \Subscribed) "/" Work/x',
        ]
        await other.ok("c CREATE Elsewhere")
        await other.ok("d RENAME Work/x Work/y")
        assert await c.response() == r'* LIST (\HasNoChildren \Subscribed) "/" Work/y ("OLDNAME" (Work/x))'
        assert await c.response() == r'* LIST (\NonExistent) "/" Work/x'
        assert await c.response() == r'* LIST (\HasChildren \Subscribed) "/" Work'
        await other.ok("e DELETE Work/y")
        assert await c.response() == r'* LIST (\NonExistent) "/" Work/y'
        assert await c.response() == r'* LIST (\HasNoChildren \Subscribed) "/" Work'
        await other.ok("f UNSUBSCRIBE Elsewhere")
        assert await c.response() == r'* LIST (\HasNoChildren) "/" Elsewhere'
        await other.ok('g SETMETADATA Elsewhere (/private/comment "x")')
        assert await c.response() == "* METADATA Elsewhere /private/comment"
        await other.ok('h SETMETADATA "" (/private/comment "x")')
        assert await c.ok("i NOOP") == []
        await c.ok("j NOTIFY SET (personal (ServerMetadataChange))")
        await other.ok('k SETMETADATA "" (/private/comment "y")')
        assert await c.response() == '* METADATA "" /private/comment'
        assert await c.ok("l CREATE Mine") == []


async def test_what_lies_above_is_told_as_it_is_now(imap: Imap) -> None:
    r"""IMAP-129: RFC 5465 §5.4, §5.5: the direct parents of what came or went, if they are asked for, with their
    attributes; \Subscribed and \NonExistent are right in each line.
    """
    async with imap.user() as c, imap.user() as other:
        await other.ok("a CREATE Archive/2020")
        await other.ok("a CREATE p/q")
        await c.ok("a NOTIFY SET (personal (MailboxName SubscriptionChange))")
        await other.ok("b CREATE Archive/2020/March")
        assert await c.response() == r'* LIST (\HasNoChildren \Subscribed) "/" Archive/2020/March'
        assert await c.response() == r'* LIST (\HasChildren \Subscribed) "/" Archive/2020'
        await other.ok("c RENAME Archive/2020 p/2020")  # both parents, and the child
        assert [await c.response() for _ in range(6)] == [
            r'* LIST (\HasChildren \Subscribed) "/" p/2020 ("OLDNAME" (Archive/2020))',
            r'* LIST (\NonExistent) "/" Archive/2020',
            r'* LIST (\HasNoChildren \Subscribed) "/" p/2020/March ("OLDNAME" (Archive/2020/March))',
            r'* LIST (\NonExistent) "/" Archive/2020/March',
            r'* LIST (\HasNoChildren \Archive \Subscribed) "/" Archive',
            r'* LIST (\HasChildren \Subscribed) "/" p',
        ]
        await other.ok("d SUBSCRIBE nowhere")
        assert await c.response() == r'* LIST (\NonExistent \Subscribed) "/" nowhere'
        await c.ok("e NOTIFY SET (mailboxes p/q (MailboxName))")
        await other.ok("f CREATE p/q/r")
        assert await c.response() == r'* LIST (\HasChildren \Subscribed) "/" p/q'
        await other.ok("g CREATE p/z")
        assert await c.ok("h NOOP") == []


@pytest.mark.parametrize(
    "groups",
    [
        "(selected (MessageNew))",
        "(selected (MessageExpunge))",
        "(personal (FlagChange))",
        f"(selected {ALL}) (selected-delayed {ALL})",
        "(selected (MailboxName))",
        "(personal (MessageNew (UID) MessageExpunge))",
        "(everything (MessageNew MessageExpunge))",
        "",
    ],
)
async def test_what_does_not_go_together_is_bad(imap: Imap, groups: str) -> None:
    """IMAP-129"""
    async with imap.user() as c:
        assert (await c.tagged(f"a NOTIFY SET {groups}")).startswith("BAD")


async def test_unknown_events_are_answered_by_those_that_are_known(imap: Imap) -> None:
    """IMAP-129"""
    async with imap.user() as c:
        for event in ("AnnotationChange", "Weather"):
            reply = await c.tagged(f"a NOTIFY SET (personal (MessageNew MessageExpunge {event}))")
            assert reply.startswith("NO [BADEVENT (MessageNew MessageExpunge FlagChange MailboxName ")
        await c.ok("b NOTIFY SET (subtree-one Work (MailboxName))")


async def test_modseq_among_the_items_switches_condstore_on(imap: Imap) -> None:
    """IMAP-76, IMAP-130"""
    async with imap.user(enable=["IMAP4rev2"]) as c, imap.user() as other:
        told = await c.ok("a NOTIFY SET (selected (MessageNew (UID MODSEQ) MessageExpunge))")
        assert told[0].startswith("* OK [HIGHESTMODSEQ ")
        await other.append(MAIL)
        assert await c.response() == "* 1 EXISTS"
        assert (await c.response()).startswith("* 1 FETCH (UID 1 MODSEQ (")


async def test_a_pipeline_of_commands_works_with_notifications(imap: Imap) -> None:
    """IMAP-8, IMAP-131"""
    async with imap.user() as c, imap.user() as other:
        await c.ok(f"a NOTIFY SET (selected {ALL})")
        await other.append(MAIL)
        await c.send("b NOOP\r\nc UID FETCH 1 UID\r\nd APPEND Inbox {4}\r\n")
        assert (await c.until("b"))[-1].startswith("b OK")
        assert (await c.until("c"))[-1].startswith("c OK")
        assert await c.response() == "+ go ahead"
        await c.send("a: b\r\n")
        assert (await c.until("d"))[-1].startswith("d OK")
