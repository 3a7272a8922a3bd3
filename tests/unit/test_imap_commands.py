"""The server codec, command by command: what is valid becomes which struct, what isn't becomes which error."""

import datetime as dt
import re

import pytest

from moxlite.proto.imap import commands as c, server
from moxlite.proto.imap.append import MAX_MESSAGES, AppendHead
from moxlite.proto.imap.fetchitems import Attribute, Binary, BinarySize, Body, FetchItem, Preview, Section, encode_item
from moxlite.proto.imap.responses import State
from moxlite.proto.imap.search import (
    AllMessages,
    And,
    BodyText,
    Comparison,
    DateIs,
    EmailIdIs,
    FlagIs,
    Header,
    Larger,
    ModSeqIs,
    Not,
    Older,
    Or,
    Recent,
    Return,
    SearchKey,
    Sequence,
    SortKey,
    Text,
    Uids,
)
from moxlite.proto.imap.seqset import SAVED, STAR, SequenceSet
from moxlite.proto.imap.server import (
    BadCommand,
    Closed,
    Command,
    IdleDone,
    LiteralChunk,
    LiteralEnd,
    LiteralRequest,
    Rejected,
    SaslLine,
    ServerDecoder,
)
from moxlite.store.errors import BadMailboxName
from moxlite.store.names import check_name

ONE = SequenceSet(((1, 1),))


def decode(octets: bytes, *, accept: bool = True, authenticated: bool = True, **modes: bool) -> list[server.Event]:
    """All events of `octets`, fed in pieces of `sizes`, up to the end of input or a fatal error."""
    decoder = ServerDecoder()
    decoder.authenticated = authenticated
    for name, value in modes.items():
        setattr(decoder.modes, name, value)
    events: list[server.Event] = []
    position = 0
    while True:
        event = decoder.next_event()
        if event is server.NEED_DATA:
            if position < len(octets):
                decoder.feed(octets)
                position = len(octets)
            else:
                decoder.feed_eof()
            continue
        events.append(event)
        match event:
            case LiteralRequest(tag=tag):
                if accept:
                    decoder.accept()
                else:
                    decoder.reject(State("NO", "no", tag=tag))
            case Closed() | BadCommand(fatal=True):
                return events


def one(text: str | bytes, **modes: bool) -> c.Command:
    """The command in a line."""
    events = decode((text.encode() if isinstance(text, str) else text) + b"\r\n", **modes)
    commands = [event for event in events if isinstance(event, Command)]
    assert len(commands) == 1, events
    assert commands[0].tag == "a"
    return commands[0].command


def bad(text: str | bytes, **modes: bool) -> BadCommand:
    """The error of a line."""
    events = decode((text.encode() if isinstance(text, str) else text) + b"\r\n", **modes)
    found = [event for event in events if isinstance(event, BadCommand)]
    assert found, events
    return found[0]


VALID: list[tuple[str, c.Command]] = [
    ("a CAPABILITY", c.Capability()),
    ("a noop", c.Noop()),
    ("a LOGOUT", c.Logout()),
    ("a ID NIL", c.Id()),
    ('a ID ("name" "x" "version" NIL)', c.Id((("name", "x"), ("version", None)))),
    ('a ID ( "name" "x" )', c.Id((("name", "x"),))),
    ("a STARTTLS", c.StartTls()),
    ("a AUTHENTICATE plain", c.Authenticate("PLAIN")),
    ("a AUTHENTICATE PLAIN =", c.Authenticate("PLAIN", b"")),
    ("a AUTHENTICATE PLAIN AGEAYg==", c.Authenticate("PLAIN", b"\0a\0b")),
    ("a LOGIN joe p]w", c.Login("joe", "p]w")),
    (r'a LOGIN "\" \"@example.org" "a\\b"', c.Login('" "@example.org', "a\\b")),
    ("a LOGIN {3+}\r\nj e {2+}\r\n\r\n", c.Login("j e", "\r\n")),
    ("a ENABLE condstore X-unknown", c.Enable(("CONDSTORE", "X-UNKNOWN"))),
    ("a SELECT inbox", c.Select("Inbox")),
    ("a SELECT iNbOx/sub", c.Select("Inbox/sub")),
    ("a SELECT inboxes", c.Select("inboxes")),
    ('a SELECT "a b" (CONDSTORE)', c.Select("a b", condstore=True)),
    ("a EXAMINE &AOk-t&AOk-", c.Examine("été")),
    ("a CREATE x", c.Create("x")),
    (r"a CREATE x (USE (\Sent \Junk))", c.Create("x", (r"\Sent", r"\Junk"))),
    ("a DELETE x", c.Delete("x")),
    ("a RENAME x y", c.Rename("x", "y")),
    ("a SUBSCRIBE x", c.Subscribe("x")),
    ("a UNSUBSCRIBE x", c.Unsubscribe("x")),
    ('a LIST "" *', c.List("", ("*",))),
    ('a LIST "" ""', c.List("", ("",))),
    ('a LIST () "" (a% "b c")', c.List("", ("a%", "b c"), extended=True)),
    (
        'a LIST (SUBSCRIBED RECURSIVEMATCH) "" % RETURN (CHILDREN STATUS (MESSAGES size))',
        c.List("", ("%",), ("SUBSCRIBED", "RECURSIVEMATCH"), ("CHILDREN", "STATUS"), ("MESSAGES", "SIZE"), (), True),
    ),
    (
        'a LIST "" * RETURN (METADATA (/Shared/Comment))',
        c.List("", ("*",), (), ("METADATA",), (), ("/shared/comment",), True),
    ),
    ("a LSUB x/ %", c.Lsub("x/", "%")),
    ("a NAMESPACE", c.Namespace()),
    ("a GETJMAPACCESS", c.GetJmapAccess()),
    ("a UIDBATCHES 2000", c.UidBatches(2000)),
    ("a UIDBATCHES 2000 3:4", c.UidBatches(2000, (3, 4))),
    ("a STATUS x (MESSAGES HIGHESTMODSEQ)", c.Status("x", ("MESSAGES", "HIGHESTMODSEQ"))),
    ("a IDLE", c.Idle()),
    ("a COMPRESS deflate", c.Compress("DEFLATE")),
    ('a GETQUOTA ""', c.GetQuota("")),
    ("a GETQUOTAROOT x", c.GetQuotaRoot("x")),
    ('a SETQUOTA "" (STORAGE 512)', c.SetQuota("", (("STORAGE", 512),))),
    ("a GETMETADATA x /shared/comment", c.GetMetadata("x", ("/shared/comment",))),
    (
        'a GETMETADATA (MAXSIZE 10 DEPTH infinity) "" (/private/a /shared/b)',
        c.GetMetadata("", ("/private/a", "/shared/b"), 10, "infinity"),
    ),
    ("a GETMETADATA x (DEPTH 1) /private/a", c.GetMetadata("x", ("/private/a",), None, "1")),
    ("a SETMETADATA x (/a NIL /b {1+}\r\nx)", c.SetMetadata("x", (("/a", None), ("/b", b"x")))),
    ("a SETMETADATA x (/b ~{2+}\r\n\0x)", c.SetMetadata("x", (("/b", b"\0x"),))),
    ("a NOTIFY NONE", c.Notify()),
    (
        "a NOTIFY SET STATUS (selected (MessageNew (UID) MessageExpunge)) (subtree x NONE)",
        c.Notify(
            (
                c.EventGroup(
                    c.Source("selected"),
                    (c.NotifyEvent("messagenew", (Attribute.UID,)), c.NotifyEvent("messageexpunge")),
                ),
                c.EventGroup(c.Source("subtree", ("x",))),
            ),
            True,
        ),
    ),
    (
        "a ESEARCH IN (mailboxes (x y) subtree-one z) RETURN (COUNT) SEEN",
        c.Esearch(
            FlagIs(r"\Seen"),
            (c.Source("mailboxes", ("x", "y")), c.Source("subtree-one", ("z",))),
            Return(count=True),
        ),
    ),
    ("a SETACL x bo +lr", c.SetAcl("x", "bo", "lr", "+")),
    ("a DELETEACL x bo", c.DeleteAcl("x", "bo")),
    ("a GETACL x", c.GetAcl("x")),
    ("a LISTRIGHTS x bo", c.ListRights("x", "bo")),
    ("a MYRIGHTS x", c.MyRights("x")),
    ("a CHECK", c.Check()),
    ("a CLOSE", c.Close()),
    ("a UNSELECT", c.Unselect()),
    ("a EXPUNGE", c.Expunge()),
    ("a UID EXPUNGE 1:3", c.Expunge(SequenceSet(((1, 3),)))),
    ("a UID EXPUNGE $", c.Expunge(SAVED)),
    ("a SEARCH ALL", c.Search(AllMessages())),
    (
        "a SORT (REVERSE DATE SUBJECT) UTF-8 ALL",
        c.Sort((SortKey("DATE", True), SortKey("SUBJECT")), AllMessages(), charset="UTF-8"),
    ),
    ("a UID THREAD references US-ASCII SEEN", c.Thread("REFERENCES", FlagIs(r"\Seen"), True, "US-ASCII")),
    ("a FETCH 1 FLAGS", c.Fetch(ONE, (Attribute.FLAGS,))),
    ("a FETCH 1 FAST", c.Fetch(ONE, (Attribute.FLAGS, Attribute.INTERNALDATE, Attribute.SIZE))),
    ("a UID FETCH 5:* (FLAGS FLAGS UID)", c.Fetch(SequenceSet(((5, STAR),)), (Attribute.FLAGS, Attribute.UID), True)),
    (
        'a FETCH 1 (BODY BODY[] BODY.PEEK[1.2.MIME]<5.7> body[header.fields (From "to")])',
        c.Fetch(
            ONE,
            (
                Attribute.BODY,
                Body(Section()),
                Body(Section((1, 2), "MIME"), True, (5, 7)),
                Body(Section((), "HEADER.FIELDS", ("From", "to"))),
            ),
        ),
    ),
    (
        "a FETCH 1 (BINARY.PEEK[1]<0.9> BINARY.SIZE[2.3] PREVIEW (LAZY) MODSEQ)",
        c.Fetch(ONE, (Binary((1,), True, (0, 9)), BinarySize((2, 3)), Preview(True), Attribute.MODSEQ)),
    ),
    (
        "a UID FETCH 1 FLAGS (CHANGEDSINCE 0 PARTIAL -1:-50)",
        c.Fetch(ONE, (Attribute.FLAGS,), True, 0, False, (-1, -50)),
    ),
    (r"a STORE 1 FLAGS (\Seen x)", c.Store(ONE, c.StoreMode.REPLACE, (r"\Seen", "x"))),
    (r"a STORE 1 +flags.silent \Seen x", c.Store(ONE, c.StoreMode.ADD, (r"\Seen", "x"), silent=True)),
    (
        "a UID STORE 1 (UNCHANGEDSINCE 0) -FLAGS ()",
        c.Store(ONE, c.StoreMode.REMOVE, (), True, False, 0),
    ),
    ("a COPY 1 inbox", c.Copy(ONE, "Inbox")),
    ("a UID MOVE $ x", c.Move(SAVED, "x", True)),
]


@pytest.mark.parametrize(("text", "command"), VALID, ids=lambda value: value[:40] if isinstance(value, str) else "")
def test_a_valid_command_becomes_its_struct(text: str, command: c.Command) -> None:
    """IMAP-2, IMAP-31, IMAP-34, IMAP-173"""
    assert one(text) == command


_BETWEEN = re.compile(r'("(?:[^"\\]|\\.)*")| |[()]')


def loosened(text: str) -> str:
    """A command with two blanks for each, and a blank inside each parenthesis and at the end."""

    def loose(match: re.Match[str]) -> str:
        return {" ": "  ", "(": "(  ", ")": "  )"}.get(match[0], match[0])

    head, mark, literal = text.partition("}\r\n")
    return _BETWEEN.sub(loose, head) + (mark + literal or " ")


@pytest.mark.parametrize(("text", "command"), VALID, ids=lambda value: value[:40] if isinstance(value, str) else "")
def test_blanks_are_overlooked_wherever_they_can_be_unless_pedantic(text: str, command: c.Command) -> None:
    """IMAP-182"""
    assert one(loosened(text)) == command
    assert bad(loosened(text), pedantic=True).condition == "BAD"


@pytest.mark.parametrize(("text", "command"), VALID, ids=lambda value: value[:40] if isinstance(value, str) else "")
def test_a_string_for_another_argument_never_changes_a_command(text: str, command: c.Command) -> None:
    """IMAP-182: it's read as if it had no quotes, or refused; only NIL is another thing than "NIL"."""
    for word in re.finditer(r'(?<=[ (])[^ ()"{}\[\]]+(?=[ )]|$)', text.partition("{")[0]):
        if word[0] == "NIL":
            continue
        inside = word[0].replace("\\", "\\\\")
        quoted = f'{text[: word.start()]}"{inside}"{text[word.end() :]}'
        events = decode(quoted.encode() + b"\r\n")
        got = [event.command for event in events if isinstance(event, Command)]
        assert got in ([], [command]), quoted


INVALID = [
    "a",
    "a ",
    "",
    "*",
    "a FROB",
    "a UID",
    "a UID NOOP",
    "a NOOP  x",
    'a "NOOP"',
    'a "SELECT" x',
    " NOOP",
    "a\tNOOP",
    "a NOOP\t",
    "a NOOP x",
    "+ NOOP",
    "a" * 129 + " NOOP",
    "a LOGIN joe",
    "a LOGIN joe pw x",
    'a LOGIN "joe',
    r'a LOGIN "a\b" c',
    'a LOGIN "\x00" c',
    "a LOGIN {1+",
    "a LOGIN {-1}",
    "a AUTHENTICATE PLAIN *",
    "a AUTHENTICATE PLAIN AGE",
    "a ENABLE",
    "a SELECT",
    "a SELECT x (FOO)",
    "a SELECT x (QRESYNC (1 2))",
    "a SELECT x(CONDSTORE)",
    "a CREATE x (FOO (\\Sent))",
    'a LIST (RECURSIVEMATCH) "" *',
    'a LIST (FOO) "" *',
    'a LIST "" * RETURN (FOO)',
    "a STATUS x ()",
    "a STATUS x (FOO)",
    "a ID",
    'a ID ("a" "b" "A" "c")',
    'a ID ("' + "x" * 31 + '" "b")',
    'a ID ("a" "' + "x" * 1025 + '")',
    "a ID (" + " ".join(f'"k{n}" "v"' for n in range(31)) + ")",
    "a FETCH 0 FLAGS",
    "a FETCH 4294967296 FLAGS",
    "a FETCH 1, FLAGS",
    "a FETCH :1 FLAGS",
    "a FETCH 1 ()",
    "a FETCH 1 (FAST)",
    "a FETCH 1 FOO",
    "a FETCH 1 BODY[MIME]",
    "a FETCH 1 BODY[0]",
    "a FETCH 1 BODY[1.]",
    "a FETCH 1 BODY[.1]",
    "a FETCH 1 BODY[FOO]",
    "a FETCH 1 BODY[TEXT.1]",
    "a FETCH 1 BODY[HEADER.FIELDS ()]",
    "a FETCH 1 BODY[HEADER.FIELDS]",
    'a FETCH 1 BODY[HEADER.FIELDS ("a b")]',
    "a FETCH 1 BODY[]<5.0>",
    "a FETCH 1 BINARY[TEXT]",
    "a FETCH 1 FLAGS (CHANGEDSINCE 9223372036854775808)",
    "a FETCH 1 FLAGS (VANISHED)",
    "a FETCH 1 FLAGS (PARTIAL 1:5)",
    "a UID FETCH 1 FLAGS (PARTIAL -1:5)",
    "a UID FETCH 1 FLAGS (PARTIAL 0:5)",
    "a STORE 1 FLAGS",
    "a STORE 1 FLAG (x)",
    "a STORE 1 (CHANGEDSINCE 1) FLAGS (x)",
    "a SEARCH",
    "a SEARCH FOO",
    "a SEARCH ()",
    "a SEARCH OR SEEN",
    "a SEARCH NOT",
    "a SEARCH BEFORE 31-Feb-2020",
    "a SEARCH BEFORE 1-Foo-2020",
    "a SEARCH RETURN (FOO) ALL",
    "a SEARCH RETURN (ALL PARTIAL 1:2) ALL",
    "a SEARCH OLDER 0",
    "a SORT () UTF-8 ALL",
    "a SORT (FOO) UTF-8 ALL",
    "a UID EXPUNGE",
    "a COPY 1",
    "a APPEND",
    "a APPEND x",
    "a APPEND x foo",
    "a APPEND x (\\Seen) {3+}x",
    'a APPEND x "99-Jan-2020 00:00:00 +0000" {1+}\r\nx',
    "a REPLACE 1,2 x {1+}\r\nx",
    "a REPLACE 1:2 x {1+}\r\nx",
    "a SETMETADATA x ()",
    "a NOTIFY",
    "a NOTIFY SET",
    "a NOTIFY SET (foo NONE)",
]


@pytest.mark.parametrize("text", INVALID, ids=lambda text: text[:40])
def test_a_command_that_breaks_the_grammar_is_bad_and_the_next_one_is_understood(text: str) -> None:
    """IMAP-28, IMAP-30, IMAP-31, IMAP-32, IMAP-144"""
    events = decode(text.encode("latin-1") + b"\r\nb NOOP\r\n")
    assert isinstance(events[0], BadCommand), events
    assert not events[0].fatal
    assert events[0].condition == "BAD"
    assert Command("b", c.Noop()) in events


ITEMS: list[tuple[str, FetchItem]] = [
    ("RFC822.SIZE", Attribute.SIZE),
    ("BODYSTRUCTURE", Attribute.BODYSTRUCTURE),
    ("PREVIEW", Preview()),
    ("PREVIEW (LAZY)", Preview(lazy=True)),
    ("BINARY.SIZE[]", BinarySize()),
    ("BINARY.SIZE[2.3]", BinarySize((2, 3))),
    ("BINARY[1]", Binary((1,))),
    ("BINARY.PEEK[]<0.9>", Binary((), True, (0, 9))),
    ("BODY[]", Body(Section())),
    ("BODY[1.2.MIME]<5.7>", Body(Section((1, 2), "MIME"), False, (5, 7))),
    ("BODY.PEEK[TEXT]", Body(Section((), "TEXT"), True)),
    ("BODY.PEEK[HEADER.FIELDS (From X-To)]", Body(Section((), "HEADER.FIELDS", ("From", "X-To")), True)),
    ('BODY[1.HEADER.FIELDS.NOT ("a(b")]', Body(Section((1,), "HEADER.FIELDS.NOT", ("a(b",)))),
    (r'BODY[HEADER.FIELDS ("a\\b\"c")]', Body(Section((), "HEADER.FIELDS", ('a\\b"c',)))),
]


@pytest.mark.parametrize(("text", "item"), ITEMS)
def test_an_item_of_a_fetch_is_read_and_written(text: str, item: FetchItem) -> None:
    """IMAP-97, IMAP-101"""
    assert one(f"a FETCH 1 ({text})") == c.Fetch(ONE, (item,))
    assert encode_item(item).decode() == text


PROGRAMS: list[tuple[str, SearchKey]] = [
    ("NEW", And((Recent(), FlagIs(r"\Seen", False)))),
    ("OLD", Not(Recent())),
    ("UNANSWERED KEYWORD work", And((FlagIs(r"\Answered", False), FlagIs("work")))),
    ("OR FROM a (TO b CC c)", Or(Header("From", "a"), And((Header("To", "b"), Header("Cc", "c"))))),
    ('HEADER X-Foo ""', Header("X-Foo", "")),
    ("NOT NOT BODY x", Not(Not(BodyText("x")))),
    (
        "1:3,5 UID 7:* $",
        And((Sequence(SequenceSet(((1, 3), (5, 5)))), Uids(SequenceSet(((7, STAR),))), Sequence(SAVED))),
    ),
    ('SENTSINCE "1-Feb-2020"', DateIs("sent", Comparison.SINCE, dt.date(2020, 2, 1))),
    ("SAVEDON 1-Feb-2020", DateIs("saved", Comparison.ON, dt.date(2020, 2, 1))),
    ("BEFORE 01-feb-2020", DateIs("internal", Comparison.BEFORE, dt.date(2020, 2, 1))),
    ("LARGER 10 OLDER 5", And((Larger(10), Older(5)))),
    (r'MODSEQ "/flags/\\draft" all 620', ModSeqIs(620)),
    ("EMAILID M5", EmailIdIs("M5")),
]


@pytest.mark.parametrize(("text", "program"), PROGRAMS)
def test_search_programs_become_trees(text: str, program: SearchKey) -> None:
    """IMAP-80, IMAP-119"""
    command = one(f"a UID SEARCH RETURN () {text}")
    assert command == c.Search(program, True, Return(all=True))


def test_search_strings_are_decoded_from_their_charset() -> None:
    """IMAP-120"""
    assert one(b"a SEARCH CHARSET koi8-r TEXT {2+}\r\n\xd2\xd5") == c.Search(Text("ру"), charset="KOI8-R")
    assert one('a SEARCH TEXT "é"') == c.Search(Text("é"))
    for text in (b"a SEARCH CHARSET utf-7 TEXT x", b"a SEARCH CHARSET UTF-8 TEXT {1+}\r\n\xff"):
        event = bad(text)
        assert (event.condition, event.code) == ("NO", "BADCHARSET (US-ASCII UTF-8)")


def test_a_search_that_is_too_big_or_too_deep_is_refused() -> None:
    """IMAP-119, IMAP-146"""
    for text in ("a SEARCH " + "(" * 5000, "a SEARCH " + "NOT " * 2000 + "SEEN", "a SEARCH" + " SEEN" * 1001):
        event = bad(text)
        assert (event.condition, event.code) == ("NO", "LIMIT")
    assert isinstance(one("a SEARCH" + " SEEN" * 1000), c.Search)


def test_qresync_and_uidonly_change_the_grammar() -> None:
    """IMAP-5, IMAP-78, IMAP-81, IMAP-84"""
    assert one("a SELECT x (QRESYNC (1 20 1:5 (1,3 2,9)))", qresync=True) == c.Select(
        "x",
        qresync=c.Qresync(
            1, 20, SequenceSet(((1, 5),)), (SequenceSet(((1, 1), (3, 3))), SequenceSet(((2, 2), (9, 9))))
        ),
    )
    assert one("a SELECT x (QRESYNC (1 20 (1 2)))", qresync=True) == c.Select(
        "x", qresync=c.Qresync(1, 20, None, (ONE, SequenceSet(((2, 2),))))
    )
    for data in ("(1 2 (1 2,3))", "(1 2 (2,1 1,2))", "(1 2 (1 *))", "(0 2)", "(1)", "(1 2 (1:2 5:5))"):
        assert bad(f"a SELECT x (QRESYNC {data})", qresync=True).condition == "BAD"
    assert bad("a SELECT x (QRESYNC (1 2 1:*))", qresync=True, pedantic=True).condition == "BAD"
    assert one("a UID FETCH 1 FLAGS (VANISHED CHANGEDSINCE 5)", qresync=True).vanished  # type: ignore[union-attr]
    for text in (
        "FETCH 1 FLAGS",
        "STORE 1 FLAGS (x)",
        "COPY 1 x",
        "SEARCH ALL",
        "UID SEARCH 1",
        "SELECT x (QRESYNC (1 2 (1 2)))",
        "REPLACE 1 x {1+}\r\nx",
    ):
        assert bad("a " + text, uidonly=True, qresync=True).code == "UIDREQUIRED"
    assert isinstance(one("a UID SEARCH UID 1 $", uidonly=True), c.Search)


def test_names_are_utf8_once_that_is_enabled() -> None:
    """IMAP-32, IMAP-140"""
    assert one('a SELECT "été & co"', utf8=True) == c.Select("été & co")
    assert one("a SELECT &AOk-", utf8=True) == c.Select("&AOk-")
    assert one('a SELECT "été"') == c.Select("été")


# --- literals, APPEND


def test_append_streams_its_messages_in_chunks_of_one_size() -> None:
    """IMAP-3, IMAP-88"""
    events = decode(
        b'a APPEND {1}\r\nx (\\Seen $y) " 1-Jan-2020 10:00:00 -0130" {70000}\r\n'
        + b"m" * 70000
        + b" UTF8 (~{3+}\r\nabc)\r\n"
    )
    head = events[1]
    assert isinstance(head, LiteralRequest)
    assert head.command_head is not None
    assert (head.command_head.mailbox, head.command_head.flags, head.size, head.sync) == (
        "x",
        (r"\Seen", "$y"),
        70000,
        True,
    )
    assert events[2:5] == [LiteralChunk(b"m" * 65536), LiteralChunk(b"m" * 4464), LiteralEnd()]
    second = events[5]
    assert isinstance(second, LiteralRequest)
    assert (second.sync, second.binary) == (False, True)
    date = dt.datetime(2020, 1, 1, 10, tzinfo=dt.timezone(-dt.timedelta(hours=1, minutes=30)))
    assert events[8] == Command(
        "a", c.Append("x", (c.AppendMessage(70000, (r"\Seen", "$y"), date), c.AppendMessage(3, utf8=True)))
    )


def test_replace_and_catenate_are_read_to_the_end() -> None:
    """IMAP-91, IMAP-92"""
    events = decode(b"a UID REPLACE 5 x {2}\r\nab\r\n")
    assert events[-2] == Command("a", c.Replace(SequenceSet(((5, 5),)), "x", c.AppendMessage(2), True))
    events = decode(b'a APPEND x CATENATE (URL "/y" TEXT {2}\r\nab URL {1}\r\nz)\r\n')
    parts = (c.CatenateUrl("/y"), None, c.CatenateUrl("z"))
    assert events[-2] == Command("a", c.Append("x", (c.AppendMessage(2, catenate=parts),)))


def test_each_literal_says_to_which_message_and_part_it_belongs() -> None:
    """IMAP-88, IMAP-91: with all that was read of the message before it."""
    second = b'(\\Seen) " 1-Jan-2020 10:00:00 +0000" CATENATE (URL "/y" TEXT {2}\r\nab TEXT {3}\r\nabc)'
    events = decode(b"a APPEND x {1}\r\na " + second + b" UTF8 (~{1}\r\nd)\r\n")
    heads = [event.command_head for event in events if isinstance(event, LiteralRequest) and event.command_head]
    moment = dt.datetime(2020, 1, 1, 10, tzinfo=dt.UTC)
    assert heads == [
        AppendHead("x"),
        AppendHead("x", 1, (r"\Seen",), moment, part=1, catenate=True, before=(c.CatenateUrl("/y"),)),
        AppendHead("x", 1, (r"\Seen",), moment, part=2, catenate=True, before=(c.CatenateUrl("/y"), None)),
        AppendHead("x", 2, utf8=True),
    ]


def test_a_command_appends_a_thousand_messages_and_no_more() -> None:
    """IMAP-88, IMAP-30"""
    one_message = b" {1+}\r\nx"
    events = decode(b"a APPEND x" + one_message * MAX_MESSAGES + b"\r\n")
    (command,) = [event.command for event in events if isinstance(event, Command)]
    assert isinstance(command, c.Append)
    assert len(command.messages) == MAX_MESSAGES
    events = decode(b"a APPEND x" + one_message * (MAX_MESSAGES + 1) + b"\r\n")
    assert [event.code for event in events if isinstance(event, BadCommand)] == ["LIMIT"]


def test_a_rejected_message_is_not_read_or_thrown_away() -> None:
    """IMAP-3, IMAP-30, IMAP-85"""
    for octets in (b"a APPEND x {5}\r\nb NOOP\r\n", b"a APPEND x {5+}\r\nhello {3+}\r\nabc\r\nb NOOP\r\n"):
        events = decode(octets, accept=False)
        assert events[1:] == [Rejected(State("NO", "no", tag="a"), "APPEND"), Command("b", c.Noop()), Closed(True)]


def test_literals_are_bounded() -> None:
    """IMAP-29, IMAP-30, IMAP-144"""
    assert bad("a LOGIN {102401}").code == "TOOBIG"
    assert bad("a LOGIN {4097}", authenticated=False).code == "TOOBIG"
    assert isinstance(decode(b"a LOGIN {4096}\r\n", authenticated=False)[0], LiteralRequest)
    assert bad("a LOGIN {99999999999999999999}").code == "TOOBIG"
    fatal = bad("a LOGIN {1000001+}")
    assert (fatal.fatal, fatal.code) == (True, "TOOBIG")
    events = decode(b"a LOGIN {102401+}\r\n" + b"x" * 102401 + b" {2+}\r\nab\r\nb NOOP\r\n")
    assert events[0] == BadCommand("a", "literal too large", "TOOBIG", word="LOGIN")
    assert events[1] == Command("b", c.Noop())
    many = b"a ID (" + b" ".join(b"{1+}\r\nx" for _ in range(1001)) + b")\r\nb NOOP\r\n"
    events = decode(many)
    assert next(e for e in events if isinstance(e, BadCommand)).code == "TOOBIG"
    assert bad("a SEARCH TEXT ~{3}").condition == "BAD"


def test_an_unknown_command_takes_its_literals_with_it() -> None:
    """IMAP-30"""
    events = decode(b"a FROB {3+}\r\nabc {2+}\r\nxy z\r\nb NOOP\r\n")
    assert events[:2] == [BadCommand("a", "unknown command FROB", word="FROB"), Command("b", c.Noop())]
    events = decode(b"a FROB {3}\r\nb NOOP\r\n")
    assert events[:2] == [BadCommand("a", "unknown command FROB", word="FROB"), Command("b", c.Noop())]


@pytest.mark.parametrize("name", ["&", "&AAA", "&Jjo!", "&AGE-", "&AOk-&AOk-", "\xff", '"\xff"', "{1+}\r\n\xff"])
def test_octets_that_are_no_name_are_a_name_that_no_mailbox_can_have(name: str) -> None:
    """IMAP-32: whether there is such a mailbox is no question of syntax."""
    command = one(f"a SELECT {name}".encode("latin-1"))
    assert isinstance(command, c.Select)
    with pytest.raises(BadMailboxName):
        check_name(command.mailbox)


def test_a_pedantic_listener_takes_no_name_that_is_no_string() -> None:
    """IMAP-31, IMAP-32"""
    assert one("a SELECT été") == c.Select("été")
    for name in (b'"\xff"', b"\xff", "été".encode()):
        assert bad(b"a SELECT " + name, pedantic=True).condition == "BAD"
        assert bad(b"a APPEND " + name + b" {1+}\r\nx", pedantic=True).condition == "BAD"
    assert isinstance(one(b'a LIST "" "\xff*"'), c.List)
    assert bad(b'a LIST "" "\xff*"', pedantic=True).condition == "BAD"


def test_id_may_be_as_long_as_its_limits_allow() -> None:
    """IMAP-28, IMAP-134: 30 fields of 30 and 1,024 octets, all of them escaped."""
    fields = " ".join(f'"{number:030}" "{chr(92) * 2048}"' for number in range(30))
    command = one(f"a ID ({fields})")
    assert isinstance(command, c.Id)
    assert {len(value or "") for _, value in command.pairs} == {1024}
    assert bad(f'a ID ("name" "{"é" * 513}")').text == "ID field is too long"


def test_lines_are_bounded_also_those_without_an_end() -> None:
    """IMAP-28, IMAP-143"""
    assert isinstance(one("a SEARCH" + " SEEN" * 900), c.Search)
    for octets, known in (
        (b"a NOOP" + b" " * 70000 + b"\r\n", False),
        (b"x" * 65538, True),
        (b"a " + b"y" * 1_100_000, True),
    ):
        event = decode(octets, authenticated=known)[-1]
        assert isinstance(event, BadCommand)
        assert (event.fatal, event.code) == (True, "TOOBIG")


@pytest.mark.parametrize(
    "octets",
    [
        b"a NOOP" + b" " * 70_000,
        b"a SEARCH " + b"(" * 60_000 + b"ALL" + b")" * 60_000,
        b"a LOGIN {1+}\r\nx " + b"y" * 65_538,
        b"a LOGIN " + b"y" * 65_538 + b" {5+}\r\nb NO\n {3+}\r\nxyz",
        b"a LOGIN " + b"y" * 65_538 + b" {5}",
    ],
)
def test_a_line_that_is_too_long_costs_a_user_one_command(octets: bytes) -> None:
    """IMAP-28, IMAP-30: it is dropped with the literals that come with it, and the session goes on."""
    events = [one for one in decode(octets + b"\r\nb NOOP\r\n") if isinstance(one, BadCommand | Command)]
    word = octets.split()[1].decode()
    saves = word == "SEARCH"
    bad = BadCommand("a", "command line too long", "LIMIT", "NO", word=word, saves=saves)
    assert events == [bad, Command("b", c.Noop())]


def test_octets_behind_a_line_with_a_bare_lf_are_no_commands() -> None:
    """IMAP-30: of a literal that a line announces which is refused for its end."""
    events = decode(b"a LOGIN mia {10+}\nb LOGOUT\r\n\r\nc NOOP\r\n", pedantic=True)
    assert [one.tag for one in events if isinstance(one, BadCommand | Command)] == ["a", "c"]


def test_a_bare_lf_ends_a_line_unless_pedantic() -> None:
    """IMAP-28"""
    assert decode(b"a NOOP\n")[0] == Command("a", c.Noop())
    assert isinstance(decode(b"a NOOP\n", pedantic=True)[0], BadCommand)
    assert bad("a FETCH 1 FLAGS (CHANGEDSINCE 0)", pedantic=True).condition == "BAD"


@pytest.mark.parametrize(
    ("octets", "pedantic"),
    [
        (b"a Select\r\n", False),
        (b"a SELECT\tx\r\n", False),
        (b"a  SELECT x\r\n", True),
        (b" SELECT x\r\n", False),
        (b"+ SELECT x\r\n", False),
        (b"a" * 129 + b" SELECT x\r\n", False),
        (b"a SELECT x\n", True),
        (b"a SELECT " + b"x" * 70_000 + b"\r\n", False),
        (b"a SELECT {3+}\r\nabc" + b"x" * 70_000 + b"\r\n", False),
        (b"a SELECT {200000}\r\n", False),
        (b"a SELECT {200000+}\r\n" + b"x" * 200_000 + b"\r\n", True),
        (b"a SELECT {3+}\r\na\0c\r\n", True),
        (b"a SELECT ~{3+}\r\nabc\r\n", False),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else "",
)
def test_a_command_that_fails_keeps_its_word(octets: bytes, pedantic: bool) -> None:
    """IMAP-73: a failing SELECT has an effect. The next command begins without the word."""
    events = [event for event in decode(octets + b"b\r\n", pedantic=pedantic) if isinstance(event, BadCommand)]
    assert [event.word for event in events] == ["SELECT", ""]
    rejected = [event for event in decode(octets, accept=False, pedantic=pedantic) if isinstance(event, Rejected)]
    assert {event.word for event in rejected} <= {"SELECT"}


def test_sasl_and_idle_have_their_own_lines() -> None:
    """IMAP-3, IMAP-43, IMAP-128"""
    decoder = ServerDecoder()
    decoder.expect = "sasl"
    decoder.feed(b"YWI=\r\n\r\n*\r\n!\r\n" + b"A" * 12289 + b"\r\n")
    assert decoder.next_event() == SaslLine(b"ab")
    assert decoder.next_event() == SaslLine(b"")
    assert decoder.next_event() == SaslLine(None)
    assert isinstance(decoder.next_event(), BadCommand)
    assert decoder.next_event() == BadCommand(None, "line too long", "TOOBIG", fatal=True)
    decoder = ServerDecoder()
    decoder.expect = "idle"
    decoder.feed(b"done\r\nx NOOP\r\n")
    assert decoder.next_event() == IdleDone()
    assert decoder.next_event() == BadCommand(None, "expected DONE", "CLIENTBUG", fatal=True)


def test_the_end_of_input_is_told_once_all_is_read() -> None:
    """IMAP-3"""
    assert decode(b"a NOOP\r\n")[-1] == Closed(True)
    for octets in (b"a NO", b"a LOGIN {3}\r\nab", b"a APPEND x {3}\r\nab", b"a APPEND x {1}\r\na"):
        assert decode(octets)[-1] == Closed(False)
