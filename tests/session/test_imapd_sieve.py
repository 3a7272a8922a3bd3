"""ManageSieve sessions (RFC 5804; IMAP-141)."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import trio
import trio.testing

from moxlite.imapd import Context
from moxlite.imapd.session import sessions
from moxlite.imapd.sieve.connection import serve_managesieve
from moxlite.ledger import Hold, begin
from moxlite.net.admission import TLSFacts, guard
from moxlite.operations.access import AppPasswordAdd
from moxlite.store.delivery.scripts import MAX_SCRIPTS
from tests.session.imapd_harness import PASSWORD, TLS, Imap, imap
from tests.session.test_imapd_operator import operator

pytestmark = pytest.mark.served

__all__ = ["imap"]

PLAIN = base64.b64encode(f"\0mia@example.org\0{PASSWORD}".encode()).decode()


class Client:
    """A client that speaks by transcript."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.buffer = b""

    async def read(self, size: int) -> bytes:
        while len(self.buffer) < size:
            octets = await self.stream.receive_some(65536)
            if not octets:
                raise EOFError
            self.buffer += octets
        read, self.buffer = self.buffer[:size], self.buffer[size:]
        return read

    async def line(self) -> bytes:
        """A line with its literals."""
        line = b""
        while not line.endswith(b"\r\n"):
            line += await self.read(1)
        if line.endswith(b"}\r\n"):
            size = int(line.rpartition(b"{")[2][:-3])
            return line + await self.read(size) + await self.line()
        return line

    async def response(self) -> list[bytes]:
        """Lines up to OK, NO or BYE."""
        lines = [await self.line()]
        while not lines[-1].startswith((b"OK", b"NO", b"BYE")):
            lines.append(await self.line())
        return lines

    async def say(self, text: str | bytes) -> list[bytes]:
        await self.stream.send_all((text.encode() if isinstance(text, str) else text) + b"\r\n")
        return await self.response()

    async def last(self, text: str | bytes) -> str:
        return (await self.say(text))[-1].decode().strip()

    async def login(self) -> None:
        assert await self.last(f'AUTHENTICATE "PLAIN" "{PLAIN}"') == 'OK "logged in"'


@asynccontextmanager
async def connect(imap: Imap, tls: TLSFacts | None = TLS, context: Context | None = None) -> AsyncIterator[Client]:
    ours, theirs = trio.testing.memory_stream_pair()
    ended = trio.Event()
    served = msgspec.structs.replace(context or imap.context, service="managesieve")

    async def serve() -> None:
        try:
            with guard("imapd"):
                await serve_managesieve(theirs, imap.info(tls), served)
        finally:
            await trio.aclose_forcefully(theirs)
            ended.set()

    imap.nursery.start_soon(serve)
    client = Client(ours)
    try:
        yield client
    finally:
        await ours.aclose()
        with trio.fail_after(30):
            await ended.wait()


@asynccontextmanager
async def user(imap: Imap) -> AsyncIterator[Client]:
    async with connect(imap) as client:
        await client.response()
        await client.login()
        yield client


def put(name: str, text: str) -> str:
    return f'PUTSCRIPT "{name}" {{{len(text.encode())}+}}\r\n{text}'


async def test_long_strings_are_in_the_ledger(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-141, STORE-198a: from before they come until the command is done; what has no room in time ends with BYE."""
    book = begin(64 << 20)
    async with user(imap) as client:
        await client.stream.send_all(b'PUTSCRIPT "long" {60000+}\r\n#')
        await trio.testing.wait_all_tasks_blocked()
        assert 4 * 60_000 < book.held["command"] < 4 * 61_000
        assert await client.last(b" " * 59_997 + b"\r\n") == "OK"
        assert book.held["command"] == 0
        monkeypatch.setattr(Hold.take, "__defaults__", (0.1,))
        others = book.hold()
        others.count("answer", 64 << 20)
        assert await client.last('PUTSCRIPT "short" ""') == "OK", "what is short needs no room"
        assert (await client.last(b'PUTSCRIPT "long" {60000+}\r\n#')).startswith("BYE (TRYLATER)")
    assert book.held["command"] == 0


async def test_an_app_password_for_reading_changes_no_script(imap: Imap, tmp_path: Path) -> None:
    """IMAP-141, IMAP-158: a script could send all mail on; looking at scripts is allowed."""
    async with user(imap) as owner:
        assert (await owner.last(put("mine", "keep;"))).startswith("OK")
    async with operator(imap, tmp_path) as ctl:
        args = AppPasswordAdd("archive", ["imap"], read_only=True, account="mia")
        password = await ctl.call("account app-password add", args, str)
    async with connect(imap) as client:
        await client.response()
        plain = base64.b64encode(f"\0mia@example.org\0{password}".encode()).decode()
        assert (await client.last(f'AUTHENTICATE "PLAIN" "{plain}"')).startswith("OK")
        refused = 'NO "this app password is read-only"'
        assert await client.last(put("other", "discard;")) == refused
        for command in ('SETACTIVE "mine"', 'RENAMESCRIPT "mine" "x"', 'DELETESCRIPT "mine"'):
            assert await client.last(command) == refused
        assert await client.say("LISTSCRIPTS") == [b'"mine"\r\n', b"OK\r\n"]
        assert (await client.last('GETSCRIPT "mine"')).startswith("OK")


async def test_too_many_sessions_of_an_account_are_refused(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-15, IMAP-141: sessions of IMAP and ManageSieve count together; the connection goes on."""
    monkeypatch.setattr(sessions, "MAX_SESSIONS", 1)
    async with user(imap), connect(imap) as second:
        await second.response()
        answer = await second.last(f'AUTHENTICATE "PLAIN" "{PLAIN}"')
        assert answer == 'NO (TRYLATER) "too many connections for this account"'
        assert (await second.last("NOOP")).startswith("OK")


async def test_the_greeting_tells_capabilities(imap: Imap) -> None:
    """IMAP-141: extensions, mechanisms; after log-in the owner, and no mechanisms."""
    async with connect(imap) as client:
        greeting = b"".join(await client.response()).decode()
        assert '"SASL" "PLAIN SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-1-PLUS' in greeting
        assert " fileinto " in greeting
        assert " vacation " in greeting
        assert '"VERSION" "1.0"' in greeting
        assert '"MAXREDIRECTS" "5"' in greeting
        await client.login()
        told = b"".join(await client.say("CAPABILITY")).decode()
        assert '"OWNER" "mia"' in told
        assert '"SASL"' not in told


async def test_scripts_are_stored_listed_and_read(imap: Imap) -> None:
    """IMAP-141."""
    async with user(imap) as client:
        assert await client.last('HAVESPACE "a" 100') == "OK"
        assert await client.last(put("a", "keep;\r\n")) == "OK"
        assert await client.last(put("b", "discard;")) == "OK"
        assert await client.last('SETACTIVE "a"') == "OK"
        assert await client.say("LISTSCRIPTS") == [b'"a" ACTIVE\r\n', b'"b"\r\n', b"OK\r\n"]
        assert await client.say('GETSCRIPT "a"') == [b"{7}\r\nkeep;\r\n\r\n", b"OK\r\n"]
        assert await client.last('RENAMESCRIPT "a" "c"') == "OK"
        assert await client.say("LISTSCRIPTS") == [b'"b"\r\n', b'"c" ACTIVE\r\n', b"OK\r\n"]
        assert await client.last('SETACTIVE ""') == "OK"
        assert await client.last('DELETESCRIPT "c"') == "OK"
        assert await client.say("LISTSCRIPTS") == [b'"b"\r\n', b"OK\r\n"]
        assert await client.last("LOGOUT") == 'OK "bye"'


async def test_refusals_have_their_codes(imap: Imap) -> None:
    """IMAP-141: RFC 5804 §1.3."""
    async with user(imap) as client:
        await client.say(put("a", "keep;"))
        await client.say(put("b", "keep;"))
        await client.say('SETACTIVE "a"')
        assert (await client.last('GETSCRIPT "none"')).startswith("NO (NONEXISTENT)")
        assert (await client.last('SETACTIVE "none"')).startswith("NO (NONEXISTENT)")
        assert (await client.last('DELETESCRIPT "a"')).startswith("NO (ACTIVE)")
        assert (await client.last('RENAMESCRIPT "a" "b"')).startswith("NO (ALREADYEXISTS)")
        assert (await client.last('HAVESPACE "c" 70000')).startswith("NO (QUOTA/MAXSIZE)")
        assert (await client.last('GETSCRIPT ""')).startswith("NO ")
        assert (await client.last("HAVESPACE")).startswith("NO ")
        assert (await client.last("NONSENSE")).startswith("NO ")
        for number in range(MAX_SCRIPTS - 2):
            assert await client.last(put(f"n{number}", "keep;")) == "OK"
        assert (await client.last(put("more", "keep;"))).startswith("NO (QUOTA/MAXSCRIPTS)")
        assert (await client.last('HAVESPACE "more" 5')).startswith("NO (QUOTA/MAXSCRIPTS)")
        assert await client.last(put("a", "stop;")) == "OK"


async def test_a_script_with_faults_is_refused_with_their_places(imap: Imap) -> None:
    """IMAP-141: and the one before stays."""
    async with user(imap) as client:
        await client.say(put("a", "keep;"))
        refused = b"".join(await client.say(put("a", 'fileinto "x";\nnothing;'))).decode()
        assert refused.startswith("NO {")
        assert "line 1, column 1:" in refused
        assert 'line 2, column 1: unknown command "nothing"' in refused
        assert (await client.say('GETSCRIPT "a"'))[0] == b"{5}\r\nkeep;\r\n"
        assert (await client.last("CHECKSCRIPT {5+}\r\nkeep;")) == "OK"
        assert (await client.last("CHECKSCRIPT {4+}\r\nkeep")).startswith("NO ")


async def test_a_script_of_pigeonhole_is_refused_with_the_names(imap: Imap) -> None:
    """IMAP-141, IMAP-142: each extension that is not there, with its place; behind ihave it may be named."""
    script = 'require ["fileinto", "vnd.dovecot.pipe", "editheader", "enotify"];\npipe "x";\naddheader "X" "y";'
    guarded = 'require ["ihave", "fileinto"];\nif ihave "vnd.dovecot.pipe" { pipe "x"; } else { fileinto "A"; }'
    async with user(imap) as client:
        refused = b"".join(await client.say(put("a", script))).decode()
        for name in ("vnd.dovecot.pipe", "editheader", "enotify"):
            assert f'line 1, column 9: the extension "{name}" isn\'t supported' in refused
        assert 'the extension "fileinto"' not in refused
        assert await client.last(put("a", guarded)) == "OK"


async def test_regular_expressions_are_announced_and_checked(imap: Imap) -> None:
    """IMAP-142e: each faulty one has its place; one of a variable is known when it is run."""
    faulty = 'require ["regex", "variables"];\nif header :regex "subject" ["a", "(b"] { discard; }\n'
    async with connect(imap) as client:
        assert b" regex " in b"".join(await client.response())
        await client.login()
        refused = b"".join(await client.say(put("a", faulty))).decode()
        assert "line 2, column 28: unsupported regular expression '(b'" in refused
        assert await client.last(put("a", faulty.replace('"(b"', '"(b)", "${c}"'))) == "OK"
        many = "".join(f'if header :regex "subject" "a{at}" {{ stop; }}\n' for at in range(201))
        refused = b"".join(await client.say(put("a", f'require "regex";\n{many}'))).decode()
        assert "too many regular expressions in script (limit 200)" in refused


async def test_nothing_but_log_in_before_log_in(imap: Imap) -> None:
    """IMAP-141: and no secrets without TLS."""
    async with connect(imap) as client:
        await client.response()
        assert await client.last("LISTSCRIPTS") == 'NO "log in first"'
        assert (await client.last('NOOP "x"')).startswith("OK (TAG {1}")
        assert await client.last('NOOP "é"') == 'OK (TAG {2}\r\né) "done"'
        assert await client.last(b"NOOP {1+}\r\n\xff") == 'NO "strings must be UTF-8"'
        wrong = base64.b64encode(b"\0mia@example.org\0wrong").decode()
        assert (await client.last(f'AUTHENTICATE "PLAIN" "{wrong}"')).startswith("NO ")
        assert (await client.last('AUTHENTICATE "NONE"')).startswith("NO ")
    async with connect(imap, tls=None) as client:
        assert b'"SASL" ""' in b"".join(await client.response())
        assert (await client.last(f'AUTHENTICATE "PLAIN" "{PLAIN}"')).startswith("NO (ENCRYPT-NEEDED)")


async def test_plain_after_a_challenge_and_unauthenticate(imap: Imap) -> None:
    """IMAP-141: the initial response may come later; UNAUTHENTICATE ends the log-in, not the connection."""
    async with connect(imap) as client:
        await client.response()
        await client.stream.send_all(b'AUTHENTICATE "PLAIN"\r\n')
        assert await client.line() == b"{0}\r\n\r\n"
        assert await client.last(f'"{PLAIN}"') == 'OK "logged in"'
        assert await client.last("UNAUTHENTICATE") == "OK"
        assert await client.last("LISTSCRIPTS") == 'NO "log in first"'
        await client.login()


async def test_too_much_nonsense_ends_the_connection(imap: Imap) -> None:
    """IMAP-141."""
    async with connect(imap) as client:
        await client.response()
        for _ in range(19):
            assert (await client.last("?")).startswith("NO ")
        await client.stream.send_all(b"?\r\n")
        assert (await client.line()).startswith(b"NO ")
        assert (await client.line()).startswith(b"BYE ")


async def test_a_shutdown_says_bye(imap: Imap) -> None:
    """IMAP-141."""
    async with user(imap) as client:
        imap.shutdown.set()
        assert (await client.line()).startswith(b"BYE")
