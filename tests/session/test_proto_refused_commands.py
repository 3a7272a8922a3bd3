"""The state that a refused command leaves behind, in SMTP, submission, IMAP and ManageSieve (SMTP-20, IMAP-181).

Each protocol has a table with all of its commands. A command fails in every way that is refused early, by the reader of
the codec, and in the ways that its row names. Then questions to the session show what it has kept.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
import pytest

from moxlite.imapd.sieve.session import _HANDLERS
from moxlite.net.resolver import MX, FakeResolver
from moxlite.proto.imap.reading.parse import COMMANDS
from moxlite.proto.smtp.commands import PARSERS
from tests.session.imapd_harness import Client as ImapClient, Imap, imap
from tests.session.smtpd_harness import MESSAGE, Client as SmtpClient, Smtp, clock, smtp
from tests.session.test_imapd_sieve import PLAIN, Client as SieveClient, connect, put

pytestmark = pytest.mark.served

__all__ = ["clock", "imap", "smtp"]


# --- SMTP and submission


class Row(msgspec.Struct, frozen=True):
    """A command. `valid`: its arguments, as in a command that's accepted; `late`: arguments that are well-formed, but
    refused; `any`: any arguments are accepted.
    """

    valid: bytes = b""
    late: tuple[bytes, ...] = ()
    any: bool = False


SMTP: Final[Mapping[str, Row]] = {
    "EHLO": Row(b" there.example", any=True),
    "HELO": Row(b" there.example", any=True),
    "STARTTLS": Row(),
    "AUTH": Row(b" PLAIN", (b" PLAIN AG1pYUBvdXJzLmV4YW1wbGUAeA==", b" NONE", b" PLAIN !", b" SCRAM-SHA-256-PLUS")),
    "MAIL": Row(b" FROM:<mia@ours.example>", (b" FROM:<mia@ours.example> SIZE=9999999", b" FROM:<x@y.example>")),
    "RCPT": Row(b" TO:<bo@ours.example>", (b" TO:<nobody@ours.example>", b" TO:<never@ours.example>", b" TO:<>")),
    "DATA": Row(),
    "BDAT": Row(b" 3"),
    "RSET": Row(),
    "NOOP": Row(any=True),
    "HELP": Row(any=True),
    "QUIT": Row(),
    "VRFY": Row(b" mia", any=True),
    "EXPN": Row(b" mia", any=True),
}
"""Commands of `PARSERS`."""

STEPS: Final = ("greeted", "sender", "recipient")
SMTP_LEFT: Final = {"RSET": "greeted", "BDAT": "closed"}
"""The state after refused commands that don't leave the one before (RFC 5321 §4.1.4). With RSET the client gives up its
transaction (§4.1.1.5). BDAT has octets behind it whatever the answer is (RFC 3030 §2), here of an unknown number.
"""

BEGINNING: Final = {
    "greeted": "",
    "sender": "C: MAIL FROM:<mia@ours.example>\nS: 250",
    "recipient": "C: MAIL FROM:<mia@ours.example>\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250",
}


def smtp_failures(verb: str) -> list[bytes]:
    """The lines that fail: a bad octet, NUL, a control character, too much, too little, and the lines of the table."""
    row, word = SMTP[verb], verb.encode()
    lines = [word + b" \xff", word + row.valid + b" \xff", word + row.valid + b" \0", word + row.valid + b" a\x01b"]
    lines += [word + arguments for arguments in row.late]
    if not row.any:
        lines.append(word + row.valid + b" <>junk")
        lines += [word] if row.valid else []
    return lines


async def smtp_state(client: SmtpClient) -> str:
    """How far the session is; a message in it is sent."""
    if (reply := await client.say("MAIL FROM:<mia@ours.example>")).startswith(("250", "530")):
        return "greeted"
    assert reply.startswith("503"), reply
    if (reply := await client.say("DATA")).startswith("354"):
        await client.send(MESSAGE.replace(b"ann@remote", b"mia@ours") + b".\r\n")
        assert (await client.reply()).startswith("250")
        return "recipient"
    assert reply.startswith("503"), reply
    return "sender" if (await client.say("RCPT TO:<bo@ours.example>")).startswith("250") else "connected"


def test_the_smtp_table_has_all_commands() -> None:
    """SMTP-20"""
    assert set(SMTP) == set(PARSERS)


@pytest.mark.parametrize("service", ["smtp", "submission"])
@pytest.mark.parametrize("verb", SMTP)
async def test_a_refused_smtp_command_leaves_the_state_that_its_rfc_says(smtp: Smtp, verb: str, service: str) -> None:
    """SMTP-20: before MAIL, after it, and after RCPT."""
    wrong = []
    for before in STEPS:
        for line in smtp_failures(verb):
            submission = service == "submission"
            async with smtp.user() if submission else smtp.connect(trusted=True) as client:
                await client.play(BEGINNING[before])
                await client.send(line + b"\r\n")
                reply = await client.reply()
                if reply.startswith("334"):
                    reply = await client.say("*")
                if reply[:1] == "2" or reply.startswith("221"):
                    continue  # accepted at this port and in this state, as is a foreign sender of incoming mail
                closed = verb == "BDAT" and not await client.reply()
                state = "closed" if closed else await smtp_state(client)
                if state != SMTP_LEFT.get(verb, before):
                    wrong.append((before, line, reply, state))
    assert not wrong


async def test_a_hello_that_is_refused_late_leaves_the_transaction(smtp: Smtp) -> None:
    """SMTP-20: as one that the codec refuses, by RFC 5321 §4.1.4."""
    names = FakeResolver({"MX": {"good.example": [MX(10, "mx.good.example")]}})
    async with smtp.connect(context=smtp.with_context(resolver=names)) as client:
        await client.play("C: MAIL FROM:<a@good.example>\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250")
        await client.play("C: HELO none.example\nS: 550 5.5.0\nC: DATA\nS: 354")
        await client.send(MESSAGE + b".\r\n")
        assert (await client.reply()).startswith("250")
    await smtp.one()


# --- IMAP


class ImapRow(msgspec.Struct, frozen=True):
    """A command. `valid`: its arguments in a command that's accepted; `late`: arguments that are refused by what is
    there, not by their form.
    """

    valid: bytes = b""
    late: tuple[bytes, ...] = ()


IMAP: Final[Mapping[str, ImapRow]] = {
    "CAPABILITY": ImapRow(),
    "NOOP": ImapRow(),
    "LOGOUT": ImapRow(),
    "ID": ImapRow(b' ("name" "x")', (b' ("a" "b" "A" "c")',)),
    "STARTTLS": ImapRow(late=(b"",)),
    "AUTHENTICATE": ImapRow(b" PLAIN AAAA", (b" PLAIN AAAA", b" NONE")),
    "LOGIN": ImapRow(b" bo@example.org x", (b" bo@example.org x",)),
    "ENABLE": ImapRow(b" CONDSTORE"),
    "SELECT": ImapRow(b" Other", (b" None", b" Other (QRESYNC (1 1))", b" a%b", b" {200000}")),
    "EXAMINE": ImapRow(b" Other", (b" None", b" Other (QRESYNC (1 1))", b" a%b", b" {200000}")),
    "CREATE": ImapRow(b" New", (b" Other", b" a//b", b" New (USE (\\None))")),
    "DELETE": ImapRow(b" Other", (b" Inbox", b" None")),
    "RENAME": ImapRow(b" Other New", (b" None New", b" Other Sent")),
    "SUBSCRIBE": ImapRow(b" Fresh", (b" a//b",)),
    "UNSUBSCRIBE": ImapRow(b" Other"),
    "LIST": ImapRow(b' "" *', (b' (NONE) "" *', b' "" * RETURN (NONE)')),
    "LSUB": ImapRow(b' "" *'),
    "NAMESPACE": ImapRow(),
    "GETJMAPACCESS": ImapRow(late=(b"",)),
    "STATUS": ImapRow(b" Other (MESSAGES)", (b" None (MESSAGES)", b" Other (NONE)")),
    "APPEND": ImapRow(b" Other {1}", (b" None {1}", b" Other (\\None) {1}", b" Other {9999999999}", b' Other "x" {1}')),
    "IDLE": ImapRow(),
    "GETQUOTA": ImapRow(b' ""', (b" None",)),
    "GETQUOTAROOT": ImapRow(b" Inbox"),
    "SETQUOTA": ImapRow(b' "" (STORAGE 1)', (b' "" (STORAGE 1)',)),
    "GETMETADATA": ImapRow(b" Other /private/comment", (b" None /private/comment", b" Other /none")),
    "SETMETADATA": ImapRow(
        b' Other (/private/comment "new")',
        (b' Other (/private/comment "new" /none "x")', b' None (/private/comment "new")'),
    ),
    "NOTIFY": ImapRow(b" NONE", (b" SET (selected (None))", b" SET (selected (MessageNew))")),
    "ESEARCH": ImapRow(b" RETURN (SAVE) 1", (b" IN (mailboxes Other) RETURN (SAVE) ALL",)),
    "SETACL": ImapRow(b" Other bo lr", (b" None bo lr", b" Other nobody lr", b" Other bo QQ")),
    "DELETEACL": ImapRow(b" Other bo", (b" None bo",)),
    "GETACL": ImapRow(b" Other", (b" None",)),
    "LISTRIGHTS": ImapRow(b" Other bo", (b" None bo",)),
    "MYRIGHTS": ImapRow(b" Other", (b" None",)),
    "COMPRESS": ImapRow(b" DEFLATE", (b" NONE",)),
    "UIDBATCHES": ImapRow(b" 500", (b" 1",)),
    "CHECK": ImapRow(),
    "CLOSE": ImapRow(),
    "UNSELECT": ImapRow(),
    "EXPUNGE": ImapRow(),
    "UID EXPUNGE": ImapRow(b" 1:*"),
    "SEARCH": ImapRow(b" RETURN (SAVE) 1", (b" RETURN (SAVE NONE) 1", b" RETURN (SAVE) NONE", b" CHARSET x ALL")),
    "UID SEARCH": ImapRow(b" RETURN (SAVE) UID 1", (b" RETURN (SAVE) LARGER x",)),
    "SORT": ImapRow(b" RETURN (SAVE) (DATE) UTF-8 1", (b" RETURN (SAVE) (NONE) UTF-8 1", b" (DATE) x 1")),
    "UID SORT": ImapRow(b" RETURN (SAVE) (DATE) UTF-8 UID 1", (b" RETURN (SAVE) (DATE) UTF-8 LARGER x",)),
    "THREAD": ImapRow(b" REFERENCES UTF-8 ALL", (b" NONE UTF-8 ALL",)),
    "UID THREAD": ImapRow(b" REFERENCES UTF-8 ALL", (b" NONE UTF-8 ALL",)),
    "FETCH": ImapRow(b" 1 BODY[]", (b" 0 BODY[]", b" 1 NONE", b" 1:9 BODY[0]")),
    "UID FETCH": ImapRow(b" 1 BODY[]", (b" 0 BODY[]", b" 1 NONE", b" 1 BODY[] (VANISHED)")),
    "STORE": ImapRow(b" 1 +FLAGS (\\Deleted)", (b" 1 +FLAGS (\\Recent)", b" 9 +FLAGS (x)", b" 1 +FLAGS (x y]z)")),
    "UID STORE": ImapRow(b" 1 +FLAGS (\\Deleted)", (b" 1 +FLAGS (\\Recent)", b" 1 +FLAGS (x y]z)")),
    "COPY": ImapRow(b" 1 Other", (b" 1 None", b" 9 Other")),
    "UID COPY": ImapRow(b" 1 Other", (b" 1 None",)),
    "MOVE": ImapRow(b" 1 Other", (b" 1 None", b" 9 Other")),
    "UID MOVE": ImapRow(b" 1 Other", (b" 1 None",)),
    "REPLACE": ImapRow(b" 1 Other {1}", (b" 9 Other {1}", b" 1 None {1}", b" 1:2 Other {1}")),
    "UID REPLACE": ImapRow(b" 1 Other {1}", (b" 9 Other {1}", b" 1 None {1}")),
}
"""Commands of `COMMANDS`, with those whose literals are streamed. Here Inbox has two messages and is selected."""


def imap_failures(word: str) -> list[bytes]:
    """The lines that fail: too much, a bad octet, a control character, a literal and a line that are too long, too
    little, and the lines of the table.
    """
    row, verb = IMAP[word], word.encode()
    begin = verb + row.valid
    lines = [begin + rest for rest in (b" (junk", b' "\xfc"', b" \x01", b" {2000000}", b" " + b"x" * 70_000)]
    lines += [verb] if row.valid else []
    return lines + [verb + arguments for arguments in row.late]


QUESTIONS: Final = (
    "UID SEARCH ALL",
    "UID SEARCH UID $",
    "UID FETCH 1:* (UID FLAGS)",
    'LIST "" *',
    'LSUB "" *',
    "STATUS Other (MESSAGES UIDNEXT)",
    "STATUS Sent (MESSAGES)",
    "GETMETADATA Other /private/comment",
    "GETACL Other",
)
"""Their answers are what a session is and has: the mailbox that is selected, the saved result, flags, mailboxes,
subscriptions, messages, annotations and rights.
"""


async def imap_state(client: ImapClient) -> list[list[str]]:
    return [sorted(await client.say(f"q {question}")) for question in QUESTIONS]


async def begin_imap(client: ImapClient) -> None:
    """Inbox with two messages, the second saved; Other with one."""
    await client.login()
    for mailbox in ("Inbox", "Inbox", "Other"):
        await client.say(f"c CREATE {mailbox}")
        assert (await client.append("Subject: x\r\n\r\n", mailbox)).startswith("OK")
    await client.ok('m SETMETADATA Other (/private/comment "old")')
    await client.select()
    await client.ok("s SEARCH RETURN (SAVE) 2")


def test_the_imap_table_has_all_commands() -> None:
    """IMAP-181"""
    assert set(IMAP) == set(COMMANDS) | {"APPEND", "REPLACE", "UID REPLACE"}


@pytest.mark.parametrize("word", [word for word in IMAP if word not in ("SELECT", "EXAMINE")])
async def test_a_refused_imap_command_leaves_session_and_account_as_they_were(imap: Imap, word: str) -> None:
    """IMAP-181"""
    wrong = []
    async with imap.connect() as client:
        await begin_imap(client)
        before = await imap_state(client)
        for line in imap_failures(word):
            answer = await client.say(b"x " + line)
            assert answer[-1].startswith(("x NO", "x BAD")), (line[:80], answer)
            if word.endswith(("SEARCH", "SORT")) and answer[-1].startswith("x NO"):
                await client.ok("s SEARCH RETURN (SAVE) 2")  # as IMAP-124 says
            if (after := await imap_state(client)) != before:
                wrong.append((line[:80], answer, after))
    assert not wrong


@pytest.mark.parametrize("word", ["SELECT", "EXAMINE"])
async def test_a_refused_select_leaves_no_mailbox_selected(imap: Imap, word: str) -> None:
    """IMAP-73, IMAP-181"""
    async with imap.connect() as client:
        await begin_imap(client)
        for line in imap_failures(word):
            await client.select()
            answer = await client.say(b"x " + line)
            assert answer[-1].startswith(("x NO", "x BAD")), (line[:80], answer)
            assert (await client.tagged("q UID FETCH 1:* FLAGS")).startswith("NO"), line[:80]


DEEP: Final = "(" * 40 + "ALL" + ")" * 40


@pytest.mark.parametrize("key", ["CHARSET x ALL", DEEP])
@pytest.mark.parametrize("word", ["SEARCH", "UID SEARCH", "SORT", "UID SORT", "ESEARCH"])
async def test_a_search_that_should_save_and_ends_in_no_leaves_nothing_saved(imap: Imap, word: str, key: str) -> None:
    """IMAP-124: the parser refuses it; without SAVE the result stays."""
    if word.endswith("SORT"):
        key = "(DATE) x ALL" if key.startswith("CHARSET") else f"(DATE) UTF-8 {key}"
    async with imap.connect() as client:
        await begin_imap(client)
        assert (await client.tagged(f"x {word} {key}")).startswith("NO")
        assert await client.ok("q UID SEARCH UID $") == ["* SEARCH 2"]
        assert (await client.tagged(f"x {word} RETURN (SAVE) {key}")).startswith("NO")
        assert await client.ok("q UID SEARCH UID $") == ["* SEARCH"]


# --- ManageSieve


SIEVE: Final[Mapping[str, tuple[bytes, ...]]] = {
    "AUTHENTICATE": (b' "NONE"', b' "PLAIN" "AAAA"'),
    "STARTTLS": (b"",),
    "LOGOUT": (),
    "CAPABILITY": (),
    "HAVESPACE": (b' "x" 99999999', b' "x" "y"', b" 5"),
    "PUTSCRIPT": (b' "mine" "redirect;"', b' "" "keep;"', b" mine {5+}\r\nkeep;", b' "mine"'),
    "LISTSCRIPTS": (),
    "SETACTIVE": (b' "none"', b" 5", b""),
    "GETSCRIPT": (b' "none"', b""),
    "DELETESCRIPT": (b' "mine"', b' "none"', b""),
    "RENAMESCRIPT": (b' "mine" "other"', b' "none" "new"', b' "mine"'),
    "CHECKSCRIPT": (b' "redirect;"', b""),
    "NOOP": (b" 5", b' "\xff"'),
    "UNAUTHENTICATE": (),
}
"""Commands of `_HANDLERS`: arguments that are refused."""


async def sieve_state(client: SieveClient) -> list[list[bytes]]:
    """The scripts, and that the user is logged in."""
    questions = ("LISTSCRIPTS", 'GETSCRIPT "mine"', 'GETSCRIPT "other"', "CAPABILITY")
    return [await client.say(question) for question in questions]


async def begin_sieve(client: SieveClient) -> None:
    await client.response()
    await client.login()
    for text in (put("mine", "keep;"), put("other", "discard;"), 'SETACTIVE "mine"'):
        assert (await client.last(text)).startswith("OK")


def test_the_managesieve_table_has_all_commands() -> None:
    """IMAP-141"""
    assert set(SIEVE) == set(_HANDLERS)


@pytest.mark.parametrize("verb", SIEVE)
async def test_a_refused_managesieve_command_leaves_login_and_scripts_as_they_were(imap: Imap, verb: str) -> None:
    """IMAP-141"""
    async with connect(imap) as client:
        await begin_sieve(client)
        before = await sieve_state(client)
        for arguments in (b' "a" "b" "c"', b" junk", b' "a\\b"', b" \x01", *SIEVE[verb]):
            answer = await client.last(verb.encode() + arguments)
            assert answer.startswith("NO"), (arguments, answer)
            assert await sieve_state(client) == before, arguments


async def test_a_script_behind_a_line_that_cant_be_read_is_not_taken_for_commands(imap: Imap) -> None:
    """IMAP-141: where the next command begins isn't known."""
    script = b'DELETESCRIPT "other"\r\n'
    async with connect(imap) as client:
        await begin_sieve(client)
        assert (await client.last(b'PUTSCRIPT "a\\b" {%d+}\r\n%b' % (len(script), script))).startswith("BYE")
    async with connect(imap) as client:
        await client.response()
        assert await client.last(f'AUTHENTICATE "PLAIN" "{PLAIN}"') == 'OK "logged in"'
        assert b'"other"\r\n' in await client.say("LISTSCRIPTS")
