"""Clients that send nonsense: there is an answer or a BYE, never a crash (docs/spec/imap.md, "Bad input and abuse")."""

import random
from contextlib import suppress

import pytest
import trio

from moxlite.net.metrics import panics
from moxlite.store.types import Flag
from tests.session.imapd_harness import Imap, imap
from tests.store_mail import put

pytestmark = pytest.mark.served

__all__ = ["imap"]

LINES = r"""
CAPABILITY
NOOP
ID ("name" "x" "os" NIL)
ENABLE CONDSTORE QRESYNC
ENABLE IMAP4rev2
ENABLE UIDONLY
SELECT Inbox
SELECT Archive (CONDSTORE)
EXAMINE Inbox
SELECT Inbox (QRESYNC (1 2 1:5 (1 2)))
CREATE a/b/c
CREATE "q&AOk-" (USE (\Junk))
DELETE a/b/c
RENAME a z
RENAME Inbox old
SUBSCRIBE nope
UNSUBSCRIBE nope
LIST "" *
LIST (SUBSCRIBED RECURSIVEMATCH) "" (% Inb*) RETURN (STATUS (MESSAGES SIZE) CHILDREN)
LSUB "" %
NAMESPACE
STATUS Inbox (MESSAGES HIGHESTMODSEQ RECENT)
APPEND Inbox (\Seen x) {5+}|a: b
APPEND Inbox {3+}|abc {4+}|defg
APPEND nope {3+}|abc
APPEND Inbox CATENATE (URL /x TEXT {2+}|ab)
REPLACE 1 Inbox {3+}|abc
UID REPLACE * Inbox {3+}|abc
CHECK
CLOSE
UNSELECT
EXPUNGE
UID EXPUNGE 1:*
SEARCH ALL
SEARCH RETURN (SAVE MIN) OR FROM x NOT (SEEN LARGER 5)
UID SEARCH RETURN (PARTIAL -1:-5 COUNT) SINCE 1-Jan-2020 BODY hello
SEARCH $
SEARCH CHARSET UTF-8 TEXT {3+}|abc
FETCH 1:* (FLAGS UID ENVELOPE)
FETCH * BODY[]
FETCH 1 (BODY.PEEK[1.2.HEADER]<5.6> BINARY.SIZE[1] PREVIEW)
UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)
UID FETCH $ BODYSTRUCTURE
STORE 1:* +FLAGS.SILENT (\Seen)
STORE 1 (UNCHANGEDSINCE 1) FLAGS (x y)
UID STORE 1,3:2 -FLAGS (\Deleted $Junk)
COPY 1:* Archive
COPY 1 Inbox
UID MOVE 1:3 Archive
MOVE * Trash
IDLE|DONE
COMPRESS DEFLATE
GETQUOTAROOT Inbox
NOTIFY SET (selected (MessageNew MessageExpunge))
SORT (DATE) UTF-8 ALL
NOTIFY SET STATUS (selected-delayed (MessageNew (UID BODY.PEEK[1]) MessageExpunge FlagChange)) (personal NONE)
NOTIFY NONE
UID SORT RETURN (MIN PARTIAL -1:-3 SAVE) (REVERSE DISPLAYFROM SIZE) UTF-8 1:*
UID THREAD REFERENCES UTF-8 ALL
THREAD ORDEREDSUBJECT UTF-8 $
ESEARCH IN (subtree-one (Inbox x) selected) RETURN (ALL COUNT) 2:9 TEXT hello
APPEND Inbox CATENATE (URL "/Inbox/;UID=1/;SECTION=1" TEXT {3+}|abc URL "/;UID=2/;PARTIAL=3.4")
GETMETADATA "" /shared/comment
GETMETADATA (DEPTH infinity MAXSIZE 3) Inbox (/private /shared/vendor)
SETMETADATA Inbox (/private/comment ~{3+}|a|b /private/x NIL)
LIST "" * RETURN (METADATA (/private/comment))
LOGIN mia x
AUTHENTICATE PLAIN
STARTTLS
"""
COMMANDS = [line.encode().replace(b"|", b"\r\n") for line in LINES.strip().splitlines()]
JUNK = (
    b'"',
    b"(",
    b")",
    b"{",
    b"}",
    b"{9999999}",
    b"{5+}",
    b"\0",
    b"\xff",
    b"*",
    b"&",
    b"%",
    b" ",
    b"\\",
    b"\r\n",
    b"1:4294967295",
    b"$",
    b"~",
)


def mutated(random_: random.Random, line: bytes) -> bytes:
    """The line with some octets replaced, inserted or missing."""
    for _ in range(random_.choice((0, 0, 1, 1, 2, 4))):
        position = random_.randrange(len(line) + 1)
        line = line[:position] + random_.choice((b"", *JUNK)) + line[position + random_.randrange(4) :]
    return line


@pytest.mark.parametrize("seed", range(6))
async def test_nonsense_never_crashes_a_session(imap: Imap, seed: int) -> None:
    """IMAP-4, IMAP-18, IMAP-143, IMAP-144, IMAP-150, IMAP-152"""
    random_ = random.Random(seed)
    before = panics.labels(pkg="imapd").value
    async with imap.account() as account:
        await put(account, 5, flags=Flag.DELETED, keywords=["k"])
        for _ in range(6):
            async with imap.connect() as c:
                if random_.random() < 0.9:
                    await c.login()
                lines = [b"t%d %b\r\n" % (n, mutated(random_, random_.choice(COMMANDS))) for n in range(25)]
                with trio.move_on_after(20) as scope:
                    async with trio.open_nursery() as nursery:

                        async def send(octets: bytes = b"".join(lines)) -> None:
                            with suppress(trio.BrokenResourceError):  # the server may well hang up
                                for start in range(0, len(octets), 37):
                                    await c.send(octets[start : start + 37])
                                await c.send(b"x\r\nDONE\r\nz LOGOUT\r\n")
                                await c.stream.send_eof()  # type: ignore[attr-defined]

                        nursery.start_soon(send)
                        while data := await c.stream.receive_some(65536):
                            assert b"SERVERBUG" not in data, (lines, data)
                assert not scope.cancelled_caught, lines
    assert panics.labels(pkg="imapd").value == before
