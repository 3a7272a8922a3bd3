"""What well-known mail programs say, as their logs show it, shortened to what tells one from another (IMAP-140)."""

from base64 import b64encode
from contextlib import AsyncExitStack

import pytest

from moxlite.net.deflate import DeflateStream
from tests.session.imapd_harness import PASSWORD, Imap, imap

pytestmark = pytest.mark.served

__all__ = ["imap"]

MAIL = "From: a@example.org\r\nSubject: greetings\r\n\r\nhello\r\n"
PLAIN = b64encode(f"\0mia@example.org\0{PASSWORD}".encode()).decode()


async def test_apple_mail(imap: Imap) -> None:
    """IMAP-78, IMAP-109, IMAP-140: ID first, CHANGEDSINCE 0, special uses without asking, its own keywords."""
    async with imap.connect() as c, imap.connect() as second:
        await c.ok("1.1 CAPABILITY")
        assert await c.ok('2.1 ID ("name" "Mac OS X Mail" "version" "16.0" "os" "Mac OS X")') == [
            '* ID ("name" "moxlite")'
        ]
        await c.ok(f"3.1 AUTHENTICATE PLAIN {PLAIN}")
        listed = await c.ok('4.1 LIST "" "*"')
        assert r'* LIST (\HasNoChildren \Sent) "/" Sent' in listed
        assert (await c.ok("5.1 NAMESPACE")) == ['* NAMESPACE (("" "/")) NIL NIL']
        await c.ok("6.1 ENABLE CONDSTORE QRESYNC" if "QRESYNC" in listed[0] else "6.1 ENABLE CONDSTORE")
        await c.append(MAIL)
        await c.ok("7.1 SELECT INBOX (CONDSTORE)")
        [line] = await c.ok("8.1 FETCH 1:* (FLAGS UID) (CHANGEDSINCE 0)")
        assert "MODSEQ (" in line
        line = (await c.ok("9.1 UID STORE 1 +FLAGS ($MailFlagBit0 $MailFlagBit2)"))[-1]
        assert "$MailFlagBit0 $MailFlagBit2" in line
        await c.ok("10.1 UID FETCH 1 (INTERNALDATE UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (date subject from)])")
        await second.login()  # it opens a connection for each mailbox that it shows
        await second.select("Sent")
        await c.idle()
        assert await c.done() == []


async def test_outlook(imap: Imap) -> None:
    """IMAP-116, IMAP-140: no ENABLE, polls by NOOP, marks as deleted and purges later."""
    async with imap.connect() as c:
        await c.ok(f'a1 LOGIN mia@example.org "{PASSWORD}"')
        await c.ok('a2 LIST "" ""')
        await c.ok('a3 LSUB "" "*"')
        await c.append(MAIL)
        await c.ok('a4 SELECT "INBOX"')
        found = await c.ok("a5 UID FETCH 1:* (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER] INTERNALDATE)")
        assert found[0].startswith("* 1 FETCH (UID 1 FLAGS ")
        assert "\\Deleted" in (await c.ok(r"a6 UID STORE 1 +FLAGS (\Deleted \Seen)"))[0]
        assert await c.ok("a7 NOOP") == []
        assert await c.ok("a8 UID SEARCH DELETED") == ["* SEARCH 1"]
        await c.ok("a9 CLOSE")
        assert await c.ok("a10 STATUS INBOX (MESSAGES UNSEEN)") == ["* STATUS INBOX (MESSAGES 0 UNSEEN 0)"]


async def test_thunderbird(imap: Imap) -> None:
    """IMAP-32, IMAP-115, IMAP-132, IMAP-140: raw ampersands after ENABLE, its junk keywords, quota of RFC 2087."""
    imap.quota["mia"] = 1_048_576
    async with imap.connect() as c:
        await c.ok("1 capability")
        await c.ok(f'2 login "mia@example.org" "{PASSWORD}"')
        await c.ok("3 ENABLE UTF8=ACCEPT")
        await c.ok('4 ID ("name" "Thunderbird" "version" "128.0")')
        await c.ok("5 namespace")
        await c.ok('6 create "Tom & Jerry"')
        assert '* LIST (\\HasNoChildren \\Subscribed) "/" "Tom & Jerry"' in await c.ok(
            '7 list (subscribed) "" "*" return (special-use)'
        ) + await c.ok('8 LIST (SUBSCRIBED) "" "*"')
        await c.append(MAIL)
        await c.ok('9 select "INBOX" (CONDSTORE)')
        assert await c.ok('10 getquotaroot "INBOX"') == ['* QUOTAROOT INBOX ""', '* QUOTA "" (STORAGE 1 1024)']
        assert "$NotJunk" in (await c.ok("11 uid store 1 +Flags (NonJunk)"))[0]
        assert "$Junk" in (await c.ok("12 uid store 1 Flags (Junk)"))[0]
        await c.ok("13 UID fetch 1 (UID RFC822.SIZE BODY[])")
        await c.ok('14 uid move 1 "Trash"')
        await c.ok("15 IDLE\r\nDONE")


async def test_k9_and_fairemail(imap: Imap) -> None:
    """IMAP-128, IMAP-135, IMAP-140: IDLE on many mailboxes, everything compressed."""
    async with AsyncExitStack() as stack:
        watching = []
        for mailbox in ("Inbox", "Archive", "Drafts", "Junk", "Sent"):
            c = await stack.enter_async_context(imap.connect())
            await c.login()
            await c.ok("1 COMPRESS DEFLATE")
            c.stream = DeflateStream(c.stream)
            await c.select(mailbox)
            await c.idle()
            watching.append(c)
        async with imap.user() as other:
            await other.append(MAIL, "Drafts")
        assert await watching[2].response() == "* 1 EXISTS"


async def test_mutt(imap: Imap) -> None:
    """IMAP-8, IMAP-81, IMAP-135, IMAP-140: a pipeline of fifteen commands, QRESYNC, LSUB, COMPRESS."""
    async with imap.connect() as c:
        await c.login()
        await c.ok("a0001 COMPRESS DEFLATE")
        c.stream = DeflateStream(c.stream)
        await c.append(MAIL)
        await c.send(
            "".join(f"a1{n:03} STATUS Inbox (MESSAGES RECENT UNSEEN UIDNEXT UIDVALIDITY)\r\n" for n in range(15))
        )
        for n in range(15):
            assert (await c.until(f"a1{n:03}"))[-1].startswith(f"a1{n:03} OK")
        await c.ok("a0002 ENABLE UTF8=ACCEPT QRESYNC")
        await c.ok('a0003 LSUB "" "%"')
        opened = await c.select()
        validity = next(line for line in opened if "UIDVALIDITY" in line).split()[3].rstrip("]")
        modseq = next(line for line in opened if "HIGHESTMODSEQ" in line).split()[3].rstrip("]")
        await c.ok(r"a0004 UID STORE 1 +FLAGS.SILENT (\Flagged)")
        again = await c.ok(f"a0005 SELECT Inbox (QRESYNC ({validity} {modseq} 1:1))")
        assert any(line.startswith(r"* 1 FETCH (UID 1 FLAGS (") and r"\Flagged" in line for line in again)


async def test_mbsync_and_offlineimap(imap: Imap) -> None:
    """IMAP-57, IMAP-88, IMAP-140: UIDVALIDITY stays, APPENDUID is told, storing flags of what is gone is no error."""
    async with imap.user(select=None) as c:
        first = await c.select()
        appended = await c.append(MAIL)
        validity = next(line for line in first if "UIDVALIDITY" in line).split()[3].rstrip("]")
        assert appended.startswith(f"OK [APPENDUID {validity} 1]")
        assert (await c.tagged(r"a UID STORE 77 +FLAGS.SILENT (\Seen)")).startswith("OK")
        assert validity in next(line for line in await c.select() if "UIDVALIDITY" in line)


async def test_delta_chat(imap: Imap) -> None:
    """IMAP-133, IMAP-140: METADATA of the server, quota, MOVE to a mailbox of its own, IDLE."""
    async with imap.connect() as c:
        await c.ok(f'A0001 LOGIN "mia@example.org" "{PASSWORD}"')
        assert {"METADATA", "MOVE", "QUOTA", "IDLE", "CONDSTORE"} <= set((await c.ok("A0002 CAPABILITY"))[0].split())
        found = await c.ok('A0003 GETMETADATA (DEPTH infinity) "" (/shared/comment /shared/admin)')
        assert found[0].startswith('* METADATA "" (/shared/comment ')
        await c.ok('A0004 CREATE "DeltaChat"')
        await c.append(MAIL)
        await c.ok("A0005 SELECT INBOX (CONDSTORE)")
        await c.ok("A0006 UID FETCH 1:* (UID INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE)])")
        assert "COPYUID" in (await c.ok("A0007 UID MOVE 1 DeltaChat"))[0]
        await c.ok('A0008 GETQUOTAROOT "INBOX"')
        await c.idle()
        async with imap.user() as other:
            await other.append(MAIL)
        assert await c.response() == "* 1 EXISTS"


async def test_evolution(imap: Imap) -> None:
    """IMAP-130, IMAP-140: NOTIFY for all mailboxes, LIST with STATUS."""
    async with imap.connect() as c, imap.user() as other:
        await c.login()
        await c.ok("A00001 ENABLE CONDSTORE QRESYNC UTF8=ACCEPT")
        told = await c.ok(
            "A00002 NOTIFY SET (selected (MessageNew (UID RFC822.SIZE RFC822.HEADER FLAGS) MessageExpunge FlagChange)) "
            "(personal (MessageNew MessageExpunge MailboxName SubscriptionChange))"
        )
        assert told == []
        listed = await c.ok('A00003 LIST "" "*" RETURN (SUBSCRIBED CHILDREN STATUS (MESSAGES UNSEEN UIDVALIDITY))')
        assert any(line.startswith("* STATUS INBOX (MESSAGES 0 UNSEEN 0 ") for line in listed)
        await c.select()
        await other.append(MAIL)
        assert await c.response() == "* 1 EXISTS"
        line = await c.response()
        while "RFC822.HEADER" not in line:  # RECENT comes before
            line = await c.response()
        assert "Subject: greetings" in line
        await other.append(MAIL, "Sent")
        assert (await c.response()).startswith("* STATUS Sent (UIDNEXT 2 MESSAGES 1 ")


async def test_roundcube_and_snappymail(imap: Imap) -> None:
    """IMAP-32, IMAP-127, IMAP-140: names in UTF-7, SORT, THREAD, ESORT, LIST with STATUS."""
    async with imap.connect() as c:
        await c.ok(f"A0001 AUTHENTICATE PLAIN {PLAIN}")
        await c.ok('A0002 ID ("name" "Roundcube" "version" "1.6")')
        await c.ok('A0003 CREATE "Entw&APw-rfe"')
        assert any("Entw&APw-rfe" in line for line in await c.ok('A0004 LIST (SUBSCRIBED) "" "*" RETURN (SPECIAL-USE)'))
        for subject in ("b", "a"):
            await c.append(f"Subject: {subject}\r\n\r\nx")
        await c.ok("A0005 SELECT INBOX")
        assert await c.ok("A0006 UID SORT RETURN (COUNT ALL) (SUBJECT) UTF-8 ALL UNDELETED") == [
            '* ESEARCH (TAG "A0006") UID COUNT 2 ALL 2,1'
        ]
        assert await c.ok("A0007 UID THREAD REFERENCES US-ASCII ALL UNDELETED") == ["* THREAD (1)(2)"]
        assert await c.ok("A0008 UID SEARCH RETURN (MIN MAX COUNT) UNSEEN") == [
            '* ESEARCH (TAG "A0008") UID MIN 1 MAX 2 COUNT 2'
        ]
