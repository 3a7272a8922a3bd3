"""Each command once as it should be, and once for each way in which it commonly fails (docs/spec/imap.md, IMAP-173).

What else a command can do has its own module; here is that none is without a good and a bad answer.
"""

from base64 import b64encode

import msgspec
import pytest

from moxlite.imapd.dispatch import HANDLERS
from moxlite.net.tls.certificates import self_signed
from moxlite.net.tls.handshake import ServerTLS
from tests.session.imapd_harness import PASSWORD, Client, Imap, imap

__all__ = ["imap"]

MAIL = "From: a@example.org\r\nSubject: greetings\r\n\r\nhello\r\n"
RIGHT = b64encode(f"\0mia@example.org\0{PASSWORD}".encode()).decode()
WRONG = b64encode(b"\0mia@example.org\0wrong").decode()

# `C:` a command without its tag, `~` for CRLF; `S:` how an untagged response, or without `*` the tagged one, begins.
BEFORE_LOGIN = f"""
C: CAPABILITY
S: * CAPABILITY IMAP4rev2 IMAP4rev1 ENABLE
S: OK
C: CAPABILITY now
S: BAD
C: NOOP
S: OK
C: NOOP twice
S: BAD
C: ID NIL
S: * ID ("name" "moxlite")
S: OK
C: ID ("name" "a" "NAME" "b")
S: BAD
C: STARTTLS
S: BAD
C: AUTHENTICATE NONSENSE
S: NO
C: AUTHENTICATE PLAIN ?
S: BAD
C: AUTHENTICATE PLAIN {WRONG}
S: NO [AUTHENTICATIONFAILED]
C: LOGIN mia@example.org wrong
S: NO [AUTHENTICATIONFAILED]
C: AUTHENTICATE PLAIN {RIGHT}
S: OK [CAPABILITY
C: AUTHENTICATE PLAIN {RIGHT}
S: NO
C: LOGIN mia@example.org "{PASSWORD}"
S: NO
C: LOGOUT today
S: BAD
C: LOGOUT
S: * BYE
S: OK
"""
IN_CLEAR = """
C: NOOP
S: OK
C: STARTTLS now
S: BAD
C: STARTTLS
S: OK
"""
LOGIN = f"""
C: NOOP
S: OK
C: LOGIN mia@example.org
S: BAD
C: LOGIN mia@example.org "{PASSWORD}"
S: OK [CAPABILITY
"""
LOGGED_IN = r"""
C: ENABLE CONDSTORE FROB
S: * ENABLED CONDSTORE
S: OK
C: ENABLE
S: BAD
C: EXAMINE Inbox
S: * 3 EXISTS
S: OK [READ-ONLY]
C: EXAMINE Missing
S: NO [NONEXISTENT]
C: EXAMINE Inbox (FROB)
S: BAD
C: SELECT Inbox
S: * OK [UIDVALIDITY
S: OK [READ-WRITE]
C: SELECT Missing
S: * OK [CLOSED]
S: NO [NONEXISTENT]
C: SELECT a//b
S: NO
C: SELECT Inbox (QRESYNC (1 1))
S: BAD
C: CREATE Work/2026
S: OK [MAILBOXID
C: CREATE Work
S: NO [ALREADYEXISTS]
C: CREATE #work
S: NO [CANNOT]
C: CREATE other (USE (\All))
S: NO [USEATTR]
C: CREATE two words
S: BAD
C: DELETE Work
S: NO [HASCHILDREN]
C: DELETE Work/2026
S: OK
C: DELETE Work/2026
S: NO [NONEXISTENT]
C: DELETE Inbox
S: NO [CANNOT]
C: DELETE
S: BAD
C: RENAME Work Play
S: OK
C: RENAME Work Play
S: NO [NONEXISTENT]
C: RENAME Play Drafts
S: NO [ALREADYEXISTS]
C: RENAME Play a//b
S: NO [CANNOT]
C: RENAME Play
S: BAD
C: SUBSCRIBE not/yet/there
S: OK
C: SUBSCRIBE a//b
S: NO [CANNOT]
C: SUBSCRIBE
S: BAD
C: UNSUBSCRIBE not/yet/there
S: OK
C: UNSUBSCRIBE not/yet/there
S: OK
C: UNSUBSCRIBE never/there
S: NO [NONEXISTENT]
C: UNSUBSCRIBE
S: BAD
C: NOOP
S: OK
"""
LISTS = r"""
C: LIST "" "In%"
S: * LIST (\HasNoChildren) "/" INBOX
S: OK
C: LIST (RECURSIVEMATCH) "" *
S: BAD
C: LIST "" * RETURN (FROB)
S: BAD
C: LSUB "" "In%"
S: * LSUB () "/" INBOX
S: OK
C: LSUB ""
S: BAD
C: NAMESPACE
S: * NAMESPACE (("" "/")) NIL NIL
S: OK
C: NAMESPACE mine
S: BAD
C: STATUS Inbox (MESSAGES)
S: * STATUS INBOX (MESSAGES 3)
S: OK
C: STATUS Missing (MESSAGES)
S: NO [NONEXISTENT]
C: STATUS Inbox (SHOES)
S: BAD
C: GETQUOTA ""
S: * QUOTA "" (STORAGE 1 10)
S: OK
C: GETQUOTA shoes
S: NO [NONEXISTENT]
C: GETQUOTA
S: BAD
C: GETQUOTAROOT Inbox
S: * QUOTAROOT INBOX ""
S: * QUOTA "" (STORAGE 1 10)
S: OK
C: GETQUOTAROOT
S: BAD
C: SETQUOTA "" (STORAGE 5)
S: NO [NOPERM]
C: SETQUOTA "" STORAGE
S: BAD
C: GETJMAPACCESS
S: NO
C: GETJMAPACCESS Inbox
S: BAD
C: SETMETADATA Inbox (/private/comment "mine")
S: OK
C: SETMETADATA Missing (/private/comment "mine")
S: NO [NONEXISTENT]
C: SETMETADATA "" (/shared/admin "mine")
S: NO [NOPERM]
C: SETMETADATA Inbox (comment "mine")
S: BAD
C: GETMETADATA Inbox /private/comment
S: * METADATA INBOX (/private/comment "mine")
S: OK
C: GETMETADATA Missing /private/comment
S: NO [NONEXISTENT]
C: GETMETADATA Inbox comment
S: BAD
"""
RIGHTS = r"""
C: SETACL Archive bo lr
S: OK
C: SETACL Missing bo lr
S: NO [NONEXISTENT]
C: SETACL Archive bo
S: BAD
C: GETACL Archive
S: * ACL Archive
S: OK
C: GETACL Missing
S: NO [NONEXISTENT]
C: GETACL
S: BAD
C: LISTRIGHTS Archive bo
S: * LISTRIGHTS Archive bo
S: OK
C: LISTRIGHTS Missing bo
S: NO [NONEXISTENT]
C: LISTRIGHTS Archive
S: BAD
C: MYRIGHTS Archive
S: * MYRIGHTS Archive
S: OK
C: MYRIGHTS Missing
S: NO [NONEXISTENT]
C: MYRIGHTS
S: BAD
C: DELETEACL Archive bo
S: OK
C: DELETEACL Missing bo
S: NO [NONEXISTENT]
C: DELETEACL Archive
S: BAD
"""
OTHERS = r"""
C: APPEND Inbox (\Seen) {3+}~a:b
S: OK [APPENDUID
C: APPEND Missing {3+}~a:b
S: NO [TRYCREATE]
C: APPEND Inbox {0+}~
S: NO
C: APPEND Inbox (\Recent) {3+}~a:b
S: BAD
C: IDLE~DONE
S: + idling
S: OK
C: IDLE now
S: BAD
C: NOTIFY SET (personal (MessageNew MessageExpunge))
S: OK
C: NOTIFY SET (personal (Frob))
S: NO [BADEVENT
C: NOTIFY SET (personal (MessageNew))
S: BAD
C: NOTIFY NONE
S: OK
C: ESEARCH IN (personal) SUBJECT greetings
S: * ESEARCH (TAG
S: OK
C: ESEARCH IN (selected) ALL
S: BAD
C: ESEARCH IN (frob) ALL
S: BAD
C: COMPRESS LZW
S: NO
C: COMPRESS
S: BAD
C: COMPRESS DEFLATE
S: OK
"""
WITHOUT_MAILBOX = "\n".join(
    f"C: {command}\nS: NO "
    for command in (
        *("CHECK", "CLOSE", "UNSELECT", "EXPUNGE", "UID EXPUNGE 1", "FETCH 1 FLAGS", "UID FETCH 1 FLAGS"),
        *("SEARCH ALL", "UID SEARCH ALL", "SORT (DATE) UTF-8 ALL", "UID SORT (DATE) UTF-8 ALL"),
        *(
            "THREAD REFERENCES UTF-8 ALL",
            "UID THREAD REFERENCES UTF-8 ALL",
            r"STORE 1 FLAGS ()",
            "UID STORE 1 FLAGS ()",
        ),
        *("COPY 1 Sent", "UID COPY 1 Sent", "MOVE 1 Sent", "UID MOVE 1 Sent"),
        *("REPLACE 1 Inbox {3+}~a:b", "UID REPLACE 1 Inbox {3+}~a:b"),
    )
)
SELECTED = r"""
C: SELECT Inbox
S: OK
C: CHECK
S: OK
C: CHECK it
S: BAD
C: FETCH 1 FLAGS
S: * 1 FETCH (UID 1 FLAGS
S: OK
C: FETCH 9 FLAGS
S: BAD
C: FETCH 1 FROB
S: BAD
C: UID FETCH 1,99 FLAGS
S: * 1 FETCH (UID 1 FLAGS
S: OK
C: UID FETCH 1 (FLAGS) (VANISHED)
S: BAD
C: SEARCH SUBJECT greetings
S: * SEARCH 1 2 3
S: OK
C: SEARCH FROB
S: BAD
C: SEARCH CHARSET frob ALL
S: NO [BADCHARSET
C: UID SEARCH RETURN (COUNT) ALL
S: * ESEARCH
S: OK
C: UID SEARCH RETURN (FROB) ALL
S: BAD
C: SORT (REVERSE ARRIVAL) UTF-8 ALL
S: * SORT
S: OK
C: SORT (FROB) UTF-8 ALL
S: BAD
C: UID SORT (SUBJECT) frob ALL
S: NO [BADCHARSET
C: UID SORT (SUBJECT) UTF-8 ALL
S: * SORT 1 2 3
S: OK
C: UID SORT (SUBJECT) UTF-8
S: BAD
C: UIDBATCHES 500
S: * UIDBATCHES (TAG "
S: OK
C: UIDBATCHES 499
S: NO [TOOFEW]
C: UIDBATCHES 500 2:1
S: BAD
C: THREAD REFERENCES UTF-8 ALL
S: * THREAD (
S: OK
C: THREAD FROB UTF-8 ALL
S: BAD
C: UID THREAD ORDEREDSUBJECT UTF-8 ALL
S: * THREAD (
S: OK
C: UID THREAD ORDEREDSUBJECT UTF-8
S: BAD
C: STORE 1 +FLAGS (\Seen)
S: * 1 FETCH (UID 1 FLAGS
S: OK
C: STORE 9 +FLAGS (\Seen)
S: BAD
C: STORE 1 +FLAGS (\Recent)
S: BAD
C: UID STORE 1,99 +FLAGS.SILENT ($Forwarded)
S: OK
C: UID STORE 1 FLAGGED (\Seen)
S: BAD
C: COPY 1 Sent
S: OK [COPYUID
C: COPY 1 Missing
S: NO [TRYCREATE]
C: COPY 9 Sent
S: BAD
C: UID COPY 1,99 Sent
S: OK [COPYUID
C: UID COPY 1 Missing
S: NO [TRYCREATE]
C: UID COPY 0 Sent
S: BAD
C: MOVE 1 Missing
S: NO [TRYCREATE]
C: MOVE 9 Sent
S: BAD
C: MOVE 1 Archive
S: * OK [COPYUID
S: * 1 EXPUNGE
S: OK
C: UID MOVE 2 Missing
S: NO [TRYCREATE]
C: UID MOVE two Sent
S: BAD
C: UID MOVE 2 Archive
S: * OK [COPYUID
S: * 1 EXPUNGE
S: OK
C: REPLACE 1 Missing {3+}~a:b
S: NO [TRYCREATE]
C: REPLACE 9 Inbox {3+}~a:b
S: BAD
C: REPLACE 1 Inbox {3+}~a:b
S: * OK [APPENDUID
S: * 1 EXPUNGE
S: OK
C: UID REPLACE 4 Missing {3+}~a:b
S: NO [TRYCREATE]
C: UID REPLACE 4 Inbox (\Recent) {3+}~a:b
S: BAD
C: UID REPLACE 4 Inbox {3+}~a:b
S: * OK [APPENDUID
S: * 1 EXPUNGE
S: OK
C: STORE 1 +FLAGS.SILENT (\Deleted)
S: OK
C: EXPUNGE 1
S: BAD
C: UID EXPUNGE
S: BAD
C: UID EXPUNGE 99
S: OK
C: EXPUNGE
S: * 1 EXPUNGE
S: OK
C: CLOSE it
S: BAD
C: CLOSE
S: OK
C: SELECT Sent
S: OK
C: UNSELECT it
S: BAD
C: UNSELECT
S: OK
C: EXAMINE Sent
S: OK [READ-ONLY]
C: STORE 1 +FLAGS (\Seen)
S: NO
C: EXPUNGE
S: NO
C: UID EXPUNGE 1
S: NO
C: MOVE 1 Archive
S: NO
C: REPLACE 1 Sent {3+}~a:b
S: NO
"""
AUTHENTICATED = {
    "mailboxes": LOGGED_IN,
    "lists": LISTS,
    "rights": RIGHTS,
    "others": OTHERS,
    "nothing selected": WITHOUT_MAILBOX,
    "selected": SELECTED,
}


def exchanges(transcript: str) -> list[tuple[str, list[str]]]:
    """Commands, with how their responses begin."""
    found: list[tuple[str, list[str]]] = []
    for line in transcript.strip().splitlines():
        side, _, text = line.partition(": ")
        if side == "C":
            found.append((text.replace("~", "\r\n"), []))
        else:
            found[-1][1].append(text)
    return found


async def play(c: Client, transcript: str) -> None:
    """Say it, and hear what it says, in that order; other untagged responses may come between."""
    for number, (command, expected) in enumerate(exchanges(transcript)):
        answer = await c.say(f"a{number} {command}")
        heard = iter([*answer[:-1], answer[-1].partition(" ")[2]])
        assert all(any(one.startswith(text) for one in heard) for text in expected), (command, expected, answer)
        tagged = answer[-1].partition(" ")[2]
        assert tagged.startswith(expected[-1]), (command, tagged)


@pytest.mark.served
async def test_before_login(imap: Imap) -> None:
    """IMAP-52, IMAP-173: what any state, and the time before the log-in, has."""
    async with imap.connect() as c:
        await play(c, BEFORE_LOGIN)
    async with imap.connect() as c:
        await play(c, LOGIN)


@pytest.mark.served
async def test_in_clear(imap: Imap) -> None:
    """IMAP-41, IMAP-173"""
    tls = ServerTLS([self_signed(["localhost"])])
    async with imap.connect(tls=None, context=msgspec.structs.replace(imap.context, starttls=tls)) as c:
        await play(c, IN_CLEAR)


@pytest.mark.served
@pytest.mark.parametrize("transcript", AUTHENTICATED.values(), ids=AUTHENTICATED.keys())
async def test_after_login(imap: Imap, transcript: str) -> None:
    """IMAP-52, IMAP-173"""
    imap.quota["mia"] = 10 << 10
    async with imap.user(select=None) as c:
        for _ in range(3):
            await c.append(MAIL)
        await play(c, transcript)


def test_no_command_is_without_a_good_and_a_bad_answer() -> None:
    """IMAP-173: of all that are carried out, with their UID forms."""
    good: set[str] = set()
    bad: set[str] = set()
    for transcript in (BEFORE_LOGIN, IN_CLEAR, LOGIN, *AUTHENTICATED.values()):
        for command, expected in exchanges(transcript):
            words = command.upper().split()
            name = " ".join(words[:2]) if words[0] == "UID" else words[0]
            (good if expected[-1].startswith("OK") else bad).add(name)
    names = {kind.__name__.upper() for kind in HANDLERS}
    names |= {f"UID {kind.__name__.upper()}" for kind in HANDLERS if hasattr(kind, "uid")}
    names |= {"UID EXPUNGE"}
    rare = {"GETJMAPACCESS", "SETQUOTA"}
    assert names - good == rare, "no JMAP is served here; only the operator sets quota"
    assert names - bad == set()
