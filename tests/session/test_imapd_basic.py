"""IMAP sessions from greeting to log-out, states, and the commands that need no mailbox."""

from ipaddress import ip_address

import msgspec
import pytest
import trio

from moxlite import processor
from moxlite.imapd import Context
from moxlite.imapd.session.sessions import SessionFacts
from tests.session.imapd_harness import Imap, imap

pytestmark = pytest.mark.served

__all__ = ["imap"]


async def test_a_session_from_greeting_to_log_out(imap: Imap) -> None:
    """IMAP-17, IMAP-21, IMAP-38"""
    async with imap.connect() as c:
        assert c.greeting.startswith(b"* OK [CAPABILITY IMAP4rev2 IMAP4rev1 ")
        assert c.greeting.endswith(b"] moxlite imap\r\n")
        responses = await c.say('a LOGIN mia@example.org "correct horse"')
        assert responses[0].startswith("a OK [CAPABILITY IMAP4rev2")
        assert await c.say("b NOOP") == ["b OK NOOP completed"]
        assert await c.say("c LOGOUT") == ["* BYE logging out", "c OK logged out"]
        assert await c.line() == b""


async def test_only_what_works_is_announced_and_the_same_before_and_after_login(imap: Imap) -> None:
    """IMAP-36"""
    async with imap.connect() as c:
        before = await c.ok("a CAPABILITY")
        await c.login()
        assert await c.ok("b CAPABILITY") == before
        words = before[0].split()[2:]
        assert {"IMAP4rev2", "IMAP4rev1", "QRESYNC", "AUTH=PLAIN", "AUTH=SCRAM-SHA-256", "MULTIAPPEND"} <= set(words)
        assert "APPENDLIMIT=104857600" in words
        assert not {"STARTTLS", "LOGINDISABLED", "AUTH=LOGIN", "AUTH=EXTERNAL", "XLIST"} & set(words)


async def test_without_tls_there_is_no_login(imap: Imap) -> None:
    """IMAP-36, IMAP-42"""
    async with imap.connect(tls=None) as c:
        words = (await c.ok("a CAPABILITY"))[0].split()
        assert "LOGINDISABLED" in words
        assert not any(word.startswith("AUTH=") for word in words)
        for command in ("LOGIN mia x", "AUTHENTICATE PLAIN AGEAYg==", "AUTHENTICATE CRAM-MD5"):
            assert await c.tagged(f"b {command}") == "NO [PRIVACYREQUIRED] use STARTTLS first"


async def test_commands_need_their_state(imap: Imap) -> None:
    """IMAP-52"""
    async with imap.connect() as c:
        assert await c.tagged("a SELECT Inbox") == "NO log in first"
        assert await c.tagged("a FETCH 1 FLAGS") == "NO log in first"
        await c.login()
        assert await c.tagged("b LOGIN mia x") == "NO already logged in"
        assert await c.tagged("b AUTHENTICATE PLAIN") == "NO already logged in"
        assert await c.tagged("b EXPUNGE") == "NO select a mailbox first"
        assert (await c.tagged("b FROB")).startswith("BAD ")
        for name in ("NOOP", "CAPABILITY", "ID NIL"):
            await c.ok(f"b {name}")


async def test_pipelined_commands_are_carried_out_in_order(imap: Imap) -> None:
    """IMAP-8, IMAP-39"""
    async with imap.connect() as c:
        await c.login()
        await c.send('a CREATE b&AOk-\r\nb ENABLE UTF8=ACCEPT\r\nc STATUS "b\u00e9" (MESSAGES)\r\nd NOOP\r\n')
        assert (await c.until("a"))[0].startswith("a OK [MAILBOXID (F")
        assert await c.until("b") == ["* ENABLED UTF8=ACCEPT", "b OK enabled"]
        assert await c.until("c") == ['* STATUS "b\u00e9" (MESSAGES 0)', "c OK STATUS completed"]
        assert await c.until("d") == ["d OK NOOP completed"]


@pytest.mark.parametrize("seconds", [-1.0, 1e9])
async def test_others_have_their_turn_during_many_small_commands_in_one_piece(
    imap: Imap, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """IMAP-172: after some milliseconds; none of the commands gives them one by itself."""
    monkeypatch.setattr(processor, "STRETCH", seconds)
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with imap.user() as c, trio.open_nursery() as nursery:
        nursery.start_soon(other)
        await c.ok("a STATUS Inbox (MESSAGES)")
        turns = 0
        await c.send("".join([f"a{n} STATUS Inbox (MESSAGES)\r\n" for n in range(500)]))
        for n in range(500):
            await c.until(f"a{n}")
        nursery.cancel_scope.cancel()
    assert (turns >= 450) == (seconds < 0)


async def test_enable_lists_what_is_new(imap: Imap) -> None:
    """IMAP-39, IMAP-40"""
    async with imap.connect() as c:
        await c.login()
        assert await c.ok("a ENABLE X QRESYNC condstore") == ["* ENABLED QRESYNC CONDSTORE"]
        assert await c.ok("a ENABLE QRESYNC") == ["* ENABLED"]
        assert await c.ok("a ENABLE IMAP4rev2 UIDONLY") == ["* ENABLED IMAP4rev2 UIDONLY"]


async def test_id_tells_the_version_to_users_only(imap: Imap) -> None:
    """IMAP-134"""
    async with imap.connect() as c:
        assert await c.ok('a ID ("name" "x")') == ['* ID ("name" "moxlite")']
        await c.login()
        assert (await c.ok("a ID NIL"))[0].startswith('* ID ("name" "moxlite" "version" "')
        assert await c.ok("a NAMESPACE") == ['* NAMESPACE (("" "/")) NIL NIL']


async def test_scanners_are_sent_away_after_one_line(imap: Imap) -> None:
    """IMAP-18, IMAP-143"""
    for octets in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\n", b"\r\n"):
        async with imap.connect() as c:
            await c.send(octets)
            assert await c.line() == b"* BYE this is an IMAP server\r\n"
            assert await c.line() == b""
    async with imap.connect() as c:
        await c.send(b"x" * 66000)
        assert await c.line() == b"* BYE [TOOBIG] command line too long\r\n"


async def test_a_row_of_bad_commands_ends_the_session(imap: Imap) -> None:
    """IMAP-18"""
    async with imap.connect() as c:
        await c.ok("a NOOP")
        for _ in range(2):
            await c.tagged("a FROB")
        await c.send("a FROB\r\n")
        assert (await c.response()).startswith("a BAD")
        assert await c.response() == "* BYE [CLIENTBUG] too many invalid commands"
    async with imap.connect() as c:
        await c.login()
        for _ in range(19):
            await c.tagged("a FROB")
        await c.ok("a NOOP")
        for _ in range(19):
            await c.tagged("a FROB")
        assert (await c.tagged("a FROB")).startswith("BAD")
        assert await c.response() == "* BYE [CLIENTBUG] too many invalid commands"


async def test_shutdown_says_bye_to_idle_sessions_at_once(imap: Imap) -> None:
    """IMAP-21"""
    async with imap.user() as c, imap.user() as d:
        await d.idle()
        imap.shutdown.set()
        assert await c.line() == b"* BYE [UNAVAILABLE] shutting down\r\n"
        assert await d.line() == b"* BYE [UNAVAILABLE] shutting down\r\n"
        assert await c.line() == await d.line() == b""
    async with imap.connect() as c:
        assert c.greeting == b"* BYE [UNAVAILABLE] shutting down\r\n"


async def test_sessions_of_an_account_can_be_ended_from_outside(imap: Imap) -> None:
    """IMAP-23"""
    async with imap.user() as c:
        assert imap.context.sessions.count("mia") == imap.context.sessions.count() == 1
        imap.context.sessions.end_account("mia", "password changed")
        with trio.fail_after(60):
            assert await c.line() == b"* BYE [UNAVAILABLE] password changed\r\n"
    assert imap.context.sessions.count() == 0


async def test_an_account_has_a_limited_number_of_sessions(imap: Imap) -> None:
    """IMAP-15"""
    for _ in range(100):
        imap.context.sessions.join("mia", _Ender(), _nobody)
    async with imap.connect() as c:
        assert (
            await c.tagged('a LOGIN mia@example.org "correct horse"')
            == "NO [LIMIT] too many connections for this account"
        )


def _nobody() -> SessionFacts:
    """What is told of a session that isn't there."""
    raise AssertionError("nobody asks")


class _Ender:
    """The end of a session that isn't there."""

    def __call__(self, text: str) -> None:
        """Nothing to end."""


async def test_new_and_open_connections_are_limited_by_network(imap: Imap) -> None:
    """IMAP-14, IMAP-15"""
    for _ in range(30):
        assert imap.context.gate.at_once.acquire(ip_address("203.0.113.5"))
    async with imap.connect(remote="203.0.113.5") as c:
        assert c.greeting == b"* BYE [UNAVAILABLE] too many open connections\r\n"
    rate = imap.context.gate.rate
    assert rate is not None
    for _ in range(300):
        rate.add(ip_address("203.0.113.6"))
    async with imap.connect(remote="203.0.113.6") as c:
        assert c.greeting == b"* BYE [UNAVAILABLE] too many new connections; try again later\r\n"


async def test_capabilities_can_be_switched_off_per_account(imap: Imap) -> None:
    """IMAP-37"""
    holder = imap.context.config
    accounts = dict(holder.current.domains.accounts)
    accounts["mia"] = msgspec.structs.replace(
        accounts["mia"], imap_capabilities_disabled=("UIDONLY", "IDLE", "IMAP4REV1")
    )
    domains = msgspec.structs.replace(holder.current.domains, accounts=accounts)
    holder._current = msgspec.structs.replace(holder.current, domains=domains)
    async with imap.connect() as c:
        assert b" UIDONLY" in c.greeting
        await c.login()
        words = (await c.ok("a CAPABILITY"))[0].split()
        assert not {"UIDONLY", "IDLE"} & set(words)
        assert "IMAP4rev1" in words
        assert await c.ok("a ENABLE UIDONLY IMAP4rev2") == ["* ENABLED IMAP4rev2"]
        assert await c.tagged("a IDLE") == "BAD command isn't supported"


@pytest.mark.parametrize(
    ("name", "gone", "command"),
    [
        ("QUOTA", {"QUOTA", "QUOTA=RES-STORAGE"}, 'GETQUOTA ""'),
        ("METADATA", {"METADATA", "LIST-METADATA"}, 'GETMETADATA "" /private/x'),
        ("LIST-METADATA", {"LIST-METADATA"}, 'LIST "" * RETURN (METADATA (/private/x))'),
        ("COMPRESS=DEFLATE", {"COMPRESS=DEFLATE"}, "COMPRESS DEFLATE"),
        ("SORT", {"SORT", "SORT=DISPLAY", "ESORT"}, "SORT (DATE) UTF-8 ALL"),
        ("SORT=DISPLAY", {"SORT=DISPLAY"}, "SORT (DISPLAYFROM) UTF-8 ALL"),
        ("ESORT", {"ESORT"}, "SORT RETURN () (DATE) UTF-8 ALL"),
        ("THREAD=REFERENCES", {"THREAD=REFERENCES"}, "THREAD REFERENCES UTF-8 ALL"),
        ("MULTISEARCH", {"MULTISEARCH"}, "ESEARCH ALL"),
        ("CATENATE", {"CATENATE"}, "APPEND Inbox CATENATE (URL /x)"),
        ("NOTIFY", {"NOTIFY"}, "NOTIFY NONE"),
    ],
)
async def test_what_is_switched_off_is_neither_announced_nor_known(
    imap: Imap, name: str, gone: set[str], command: str
) -> None:
    """IMAP-37"""
    holder = imap.context.config
    accounts = dict(holder.current.domains.accounts)
    async with imap.user() as c:
        words = set((await c.ok("a CAPABILITY"))[0].split())
    accounts["mia"] = msgspec.structs.replace(accounts["mia"], imap_capabilities_disabled=(name,))
    domains = msgspec.structs.replace(holder.current.domains, accounts=accounts)
    holder._current = msgspec.structs.replace(holder.current, domains=domains)
    async with imap.user() as c:
        assert words - set((await c.ok("a CAPABILITY"))[0].split()) == gone
        assert (await c.tagged(f"b {command}")).startswith("BAD")


async def test_a_new_account_has_its_first_mailboxes(imap: Imap) -> None:
    """IMAP-35, IMAP-69"""
    async with imap.user() as c:
        names = [line.split()[-1] for line in await c.ok('a LIST (SUBSCRIBED) "" *')]
        assert names == ["INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"]
        assert await c.ok("a NAMESPACE") == ['* NAMESPACE (("" "/")) NIL NIL']


async def test_a_noop_without_news_asks_the_database_nothing(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-169"""
    async with imap.account() as account, imap.user() as c:

        async def read(*args: object, **options: object) -> None:
            raise AssertionError("a read")

        with monkeypatch.context() as patched:
            patched.setattr(account, "read", read)
            patched.setattr(account, "scan", read)
            assert await c.ok("a NOOP") == []


async def test_jmap_is_found_by_imap(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-164a: where it is served, and nothing of it elsewhere."""
    async with imap.connect() as c:
        assert "JMAPACCESS" not in c.greeting.decode()
        await c.login()
        assert (await c.tagged("a GETJMAPACCESS")).startswith("NO")
    monkeypatch.setattr(Context, "jmap_url", "https://mail.example.org/.well-known/jmap")
    async with imap.connect() as c:
        assert "JMAPACCESS" in c.greeting.decode()
        await c.login()
        assert await c.ok("a GETJMAPACCESS") == ['* JMAPACCESS "https://mail.example.org/.well-known/jmap"']
