"""The IMAP client over memory streams: with our own server, and with servers that lie (IMAP-136)."""

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing

from moxlite.ledger import Hold, begin, own
from moxlite.net.imapclient import (
    BrokenServer,
    Client,
    ConnectionLost,
    Credentials,
    LoginFailed,
    Refused,
    TLSFailed,
    log_in,
)
from moxlite.net.imapclient.connect import checker
from moxlite.net.tls.certificates import KeyPair, Trust, self_signed
from moxlite.net.tls.handshake import ClientTLS, ServerTLS
from moxlite.processor import act_for, off_loop
from moxlite.proto.imap import commands as c, responses as r
from moxlite.proto.imap.fetchitems import Attribute, Body, Section
from moxlite.proto.imap.seqset import SequenceSet
from moxlite.proto.imap.writing.write import Appended
from tests.session.imapd_harness import PASSWORD, Imap, imap

pytestmark = pytest.mark.served

__all__ = ["imap"]

USER = "mia@example.org"
MAIL = b"Message-ID: <1@example.org>\r\nSubject: hi\r\n\r\nhello\r\n"
CLEAR = Credentials(USER, PASSWORD, allow_clear=True)


@asynccontextmanager
async def session(imap: Imap) -> AsyncIterator[Client]:
    """A client of our server, which takes the connection for one over TLS; strict, so that each response is known."""
    ours, theirs = trio.testing.memory_stream_pair()
    ended = trio.Event()
    imap.nursery.start_soon(imap.serve, theirs, imap.info(), imap.context, ended)
    client = Client(ours, strict=True)
    try:
        await client.greet()
        yield client
    finally:
        await client.logout()
        with trio.fail_after(30):
            await ended.wait()


Script = Callable[[trio.abc.Stream], Awaitable[None]]


@asynccontextmanager
async def server(script: Script, *, strict: bool = False, seconds: float = 60.0) -> AsyncIterator[Client]:
    """A client of a server that is played by `script`; it isn't greeted yet."""
    ours, theirs = trio.testing.memory_stream_pair()

    async def play() -> None:
        try:
            await script(theirs)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        client = Client(ours, strict=strict, seconds=seconds)
        yield client
        await client.aclose()
        nursery.cancel_scope.cancel()


async def line(stream: trio.abc.Stream) -> bytes:
    """One line of the client."""
    data = b""
    while not data.endswith(b"\n"):
        octet = await stream.receive_some(1)
        if not octet:
            raise trio.BrokenResourceError("the client has gone")
        data += octet
    return data


def talk(*answers: bytes, greeting: bytes = b"* OK [CAPABILITY IMAP4rev1] hi\r\n") -> Script:
    """A server that greets, and answers each line with the next octets; ``@`` stands for the tag. Then it is silent."""

    async def play(stream: trio.abc.Stream) -> None:
        await stream.send_all(greeting)
        for answer in answers:
            tag = (await line(stream)).split(b" ")[0]
            await stream.send_all(answer.replace(b"@", tag))
        await trio.sleep_forever()

    return play


async def _slowly(octets: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(octets), 10):
        yield octets[start : start + 10]


# --- with our own server


async def test_it_logs_in_with_the_strongest_mechanism_and_reads_what_it_wrote(imap: Imap) -> None:
    """IMAP-136: mechanisms, typed responses, APPEND of several messages, raw commands."""
    async with session(imap) as client:
        assert await log_in(client, CLEAR) == "SCRAM-SHA-256"
        await client.enable("UTF8=ACCEPT")
        date = dt.datetime(2020, 2, 29, 12, 0, tzinfo=dt.timezone(dt.timedelta(hours=1)))
        first = Appended(len(MAIL), (r"\Seen", "work"), date)
        done = await client.append("Inbox", [(first, _slowly(MAIL)), (Appended(len(MAIL)), MAIL)])
        assert done.state.code is not None
        assert done.state.code.name == "APPENDUID"
        found = await client.examine("Inbox")
        assert (found.exists, found.uidnext, found.modseq > 0) == (2, 3, True)
        fetch = c.Fetch(
            SequenceSet.of([1, 2]),
            (Attribute.UID, Attribute.FLAGS, Attribute.INTERNALDATE, Body(Section(), peek=True)),
            uid=True,
        )
        messages = [dict(one.items) async for one in client.stream(fetch) if isinstance(one, r.FetchData)]
        assert [one["BODY[]"] for one in messages] == [MAIL, MAIL]
        assert messages[0]["FLAGS"] == (r"\Recent", r"\Seen", "work")
        assert messages[0]["INTERNALDATE"] == date
        raw = await client.run(b"UID SEARCH KEYWORD work")
        assert [one.numbers for one in raw.of(r.SearchData)] == [(1,)]
        with pytest.raises(Refused, match="rejected EXAMINE: NO"):
            await client.examine("nowhere")


async def test_all_mechanisms_work_and_each_only_where_it_may(imap: Imap) -> None:
    """IMAP-136: each mechanism of proto/sasl; a password goes in clear only if that is told."""
    for name in ("SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"):
        async with session(imap) as client:
            assert await log_in(client, Credentials(USER, PASSWORD, mechanisms=(name,), allow_clear=True)) == name
    async with session(imap) as client:
        with pytest.raises(LoginFailed, match="doesn't offer a login method that protects"):
            await log_in(client, Credentials(USER, PASSWORD, mechanisms=("PLAIN",)))
    async with session(imap) as client:
        with pytest.raises(LoginFailed, match="invalid-proof"):
            await log_in(client, Credentials(USER, "wrong"))


async def test_compression_and_pipelined_commands(imap: Imap) -> None:
    """IMAP-136: COMPRESS, several commands under way."""
    async with session(imap) as client:
        await log_in(client, CLEAR)
        await client.compress()
        await client.append("Inbox", [(Appended(len(MAIL)), MAIL)])
        await client.select("Inbox")
        statuses = [c.Status(name, ("MESSAGES",)) for name in ("Sent", "Junk", "Trash")]
        found = [one.mailbox async for one in client.stream(*statuses) if isinstance(one, r.StatusData)]
        assert found == ["Sent", "Junk", "Trash"]


async def test_idle_ends_when_something_arrives(imap: Imap) -> None:
    """IMAP-136."""
    async with session(imap) as client, session(imap) as other:
        await log_in(client, CLEAR)
        await log_in(other, CLEAR)
        await client.examine("Inbox")
        told: list[bool] = []
        async with trio.open_nursery() as nursery:

            async def wait() -> None:
                told.append(await client.idle(60))

            nursery.start_soon(wait)
            await other.append("Inbox", [(Appended(len(MAIL)), MAIL)])
        assert told == [True]
        assert client.selected is not None
        assert client.selected.exists == 1


async def test_idle_has_heard_what_is_told_before_it_begins(autojump_clock: trio.testing.MockClock) -> None:
    """IMAP-136: a message that came after EXAMINE; the same number once more is no news."""
    script = talk(
        b"* 1 EXISTS\r\n@ OK\r\n",
        *(b"* 2 EXISTS\r\n+ idling\r\n", b"A2 OK\r\n"),
        *(b"* 2 EXISTS\r\n+ idling\r\n", b"A3 OK\r\n"),
        greeting=b"* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hi\r\n",
    )
    async with server(script, strict=True) as client:
        await client.greet()
        await client.examine("INBOX")
        assert await client.idle(30.0)
        assert trio.current_time() < 1
        assert not await client.idle(30.0)


# --- TLS


def _pair() -> KeyPair:
    return self_signed(["imap.example.org"])


@pytest.fixture(scope="module")
def pair() -> KeyPair:
    """A certificate."""
    return _pair()


async def test_starttls_forgets_what_was_announced_and_looks_at_the_certificate(pair: KeyPair) -> None:
    """IMAP-136: STARTTLS; capabilities of before count no more; a certificate that is refused ends it. A self-signed
    one, as old servers have them, is refused with the setting that trusts it.
    """

    async def play(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN] hi\r\n")
        tag = (await line(stream)).split()[0]
        await stream.send_all(tag + b" OK go\r\n")
        secure = await ServerTLS([pair]).accept(stream)
        tag = (await line(secure)).split()[0]
        await secure.send_all(b"* CAPABILITY IMAP4rev1 AUTH=SCRAM-SHA-1\r\n" + tag + b" OK\r\n")
        await trio.sleep_forever()

    async with server(play) as client:
        await client.greet()
        await client.start_tls(ClientTLS(), "imap.example.org")
        assert client.tls_stream is not None
        assert client.capabilities == {"IMAP4REV1", "AUTH=SCRAM-SHA-1"}

    def refuse(_: object) -> None:
        raise TLSFailed("not this one")

    async with server(play) as client:
        await client.greet()
        with pytest.raises(TLSFailed, match="not this one"):
            await client.start_tls(ClientTLS(), "imap.example.org", refuse)

    async with server(play) as client:
        await client.greet()
        with pytest.raises(TLSFailed, match=r"to trust it, add its file to tls\.ca\.cert_files in moxlite\.toml"):
            await client.start_tls(ClientTLS(), "imap.example.org", checker(Trust(system=False), "imap.example.org"))


async def test_nothing_said_before_tls_is_believed() -> None:
    """IMAP-136: injected answers behind STARTTLS, and a greeting that says we are logged in (RFC 9051 §11.1)."""
    async with server(talk(b"@ OK go\r\n* CAPABILITY IMAP4rev1\r\n")) as client:
        await client.greet()
        with pytest.raises(BrokenServer, match="after its response to STARTTLS"):
            await client.start_tls(ClientTLS(), "imap.example.org")
    async with server(talk(greeting=b"* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n")) as client:
        await client.greet()
        with pytest.raises(BrokenServer, match="before TLS started"):
            await client.start_tls(ClientTLS(), "imap.example.org")


async def test_a_token_is_shown_by_oauthbearer_and_a_refusal_is_explained() -> None:
    """IMAP-136: OAUTHBEARER (RFC 7628): one message, and the dummy answer to an error in JSON."""
    greeting = b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=OAUTHBEARER AUTH=XOAUTH2] hi\r\n"
    heard: list[bytes] = []

    async def play(stream: trio.abc.Stream) -> None:
        await stream.send_all(greeting)
        heard.append(await line(stream))
        await stream.send_all(b"+ eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=\r\n")
        heard.append(await line(stream))
        await stream.send_all(heard[0].split()[0] + b" NO [AUTHENTICATIONFAILED] no\r\n")

    async with server(play) as client:
        await client.greet()
        with pytest.raises(LoginFailed, match=r'token was rejected: \{"status":"invalid_token"\}'):
            await log_in(client, Credentials(USER, token="tok.en", allow_clear=True), host="h", port=993)
    assert heard[0].startswith(b"A1 AUTHENTICATE OAUTHBEARER ")
    assert heard[1] == b"AQ==\r\n"


async def test_a_client_certificate_is_used_where_the_server_knows_external() -> None:
    """IMAP-136: client certificates: EXTERNAL comes before everything else (RFC 4422 appendix A)."""
    greeting = b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=SCRAM-SHA-256 AUTH=EXTERNAL] hi\r\n"
    heard: list[bytes] = []

    async def play(stream: trio.abc.Stream) -> None:
        await stream.send_all(greeting)
        for _ in range(2):
            heard.append(await line(stream))
            await stream.send_all(heard[-1].split()[0] + b" OK\r\n")

    async with server(play) as client:
        await client.greet()
        assert await log_in(client, Credentials(USER, PASSWORD, certificate=True)) == "EXTERNAL"
    assert heard == [b"A1 AUTHENTICATE EXTERNAL =\r\n", b"A2 CAPABILITY\r\n"]


async def test_a_wrong_password_is_tried_once() -> None:
    """IMAP-136: AUTHENTICATIONFAILED ends it, for servers count; other refusals lead to the next mechanism."""
    greeting = b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=CRAM-MD5 AUTH=PLAIN] hi\r\n"
    async with server(talk(b"@ NO [AUTHENTICATIONFAILED] no\r\n", greeting=greeting)) as client:
        await client.greet()
        with pytest.raises(LoginFailed, match="CRAM-MD5: NO"):
            await log_in(client, CLEAR)
    async with server(talk(b"@ NO not now\r\n", b"@ OK\r\n", b"@ OK\r\n", greeting=greeting)) as client:
        await client.greet()
        assert await log_in(client, CLEAR) == "PLAIN"


async def test_a_server_that_does_not_know_the_password_learns_it_not_by_another_way() -> None:
    """IMAP-136: SCRAM without a proof of the server ends the log-in."""
    greeting = b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256 AUTH=PLAIN] hi\r\n"
    async with server(talk(b"@ OK welcome\r\n", greeting=greeting)) as client:
        await client.greet()
        with pytest.raises(LoginFailed, match="didn't prove that it knows the password"):
            await log_in(client, CLEAR)


# --- servers that lie


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b'* LIST () "/" ' + b"x" * (2 << 20), "server line is too long"),
        (b"* LIST (" + b"a " * 40_000 + b'a) "/" x\r\n', "server line is too long"),
        (b"* OK [PERMANENTFLAGS (" + b"a " * 40_000 + b"a)] x\r\n", "server line is too long"),
        (b"* SEARCH " + b"1 " * 600_000 + b"1\r\n", "server line is too long"),
        (b"* 1 FETCH (BODY[] {4294967295}\r\n", "server response is too large"),
        (b"* 1 FETCH (BODY[] {99999999999999999999}\r\n", "server response is too large"),
        (b"A77 OK done\r\n", "sent an unexpected response"),
        (b"* OK what\r\n" * 20_000, "is too long"),
        (b"* LIST (((((\r\n" * 1_500, "unexpected response"),
        (b"* BYE gone\r\n", "closed the connection: gone"),
    ],
)
async def test_what_a_server_sends_is_bounded(answer: bytes, error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-136: endless lines, lying literals, foreign tags, untagged data without end, noise."""
    monkeypatch.setattr("moxlite.net.imapclient.client.MAX_DATA", 200_000 if b"OK what" in answer else 8 << 20)

    async def play(stream: trio.abc.Stream) -> None:
        await talk_until(stream, answer)

    async with server(play) as client:
        await client.greet()
        with pytest.raises((BrokenServer, ConnectionLost), match=error):
            await client.run(c.Noop())
        with pytest.raises(ConnectionLost, match="is no longer usable"):
            await client.run(c.Noop())


async def test_what_a_server_sends_is_held_as_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-136, STORE-198a: responses of `run` until the next command, those of `stream` one by one; long lines are
    parsed in a thread. Without room the connection is lost, and one command can't hold more than an account's share.
    """
    book = begin(64 << 20)
    numbers = b"* SEARCH" + b" 123456" * 100_000 + b"\r\n"
    flags = b"* 1 FETCH (FLAGS (%b))\r\n" % b" ".join([b"a"] * 2_000)
    threads = 0

    async def counted(fn: Callable[[], Any], *, kind: str) -> Any:
        nonlocal threads
        threads += 1
        return await off_loop(fn, kind=kind)

    monkeypatch.setattr("moxlite.net.imapclient.line.off_loop", counted)
    done = b"@ OK\r\n"
    async with server(talk(numbers + done, flags * 5 + done, flags * 5 + done, flags * 500 + done)) as client:
        await client.greet()
        act_for("mia")
        [found] = (await client.run(b"UID SEARCH ALL")).of(r.SearchData)
        assert (len(found.numbers), threads) == (100_000, 1)
        assert 10_000_000 < book.held["link"] < 20_000_000
        await client.run(b"NOOP")
        assert 400_000 < book.held["link"] < 600_000
        async with aclosing(client.stream(b"NOOP")) as responses:
            async for _ in responses:
                assert book.held["link"] < 200_000
        with pytest.raises(BrokenServer, match="response to NOOP is too long"):
            await client.run(b"NOOP")
    assert book.octets == 0
    own("")
    held = book.hold()
    await held.take("request", 64 << 20)
    act_for("bob")
    monkeypatch.setattr(Hold.take, "__defaults__", (0.1,))
    async with server(talk(numbers + done)) as client:
        with pytest.raises(ConnectionLost, match="out of memory"):
            await client.greet()
    held.close()


async def talk_until(stream: trio.abc.Stream, answer: bytes) -> None:
    """Greet, answer one line, and close after a BYE."""
    await stream.send_all(b"* OK [CAPABILITY IMAP4rev1] hi\r\n")
    await line(stream)
    for start in range(0, len(answer), 65536):
        await stream.send_all(answer[start : start + 65536])
    if answer.startswith(b"* BYE"):
        await stream.aclose()
    await trio.sleep_forever()


async def test_a_silent_server_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    """IMAP-136: each wait has a deadline."""
    async with server(talk(), seconds=30.0) as client:
        await client.greet()
        before = trio.current_time()
        with pytest.raises(ConnectionLost, match="didn't respond for 30 s"):
            await client.run(c.Noop())
        assert trio.current_time() - before == 30.0


async def test_a_server_that_drips_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    """IMAP-136: an answer may not take for ever, though something comes all the time."""

    async def play(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"* OK [CAPABILITY IMAP4rev1] hi\r\n")
        while True:
            await trio.sleep(20)
            await stream.send_all(b"* OK wait\r\n")

    async with server(play) as client:
        await client.greet()
        with pytest.raises(ConnectionLost, match=r"didn't respond to NOOP within 3600 s|didn't respond for"):
            await client.run(c.Noop())


async def test_what_is_unknown_is_passed_over_but_for_strict_clients() -> None:
    """IMAP-136: unknown responses and broken ones; strict mode fails on both."""
    odd = b'* 1 FETCH (FLAGS (a]b \\X) INTERNALDATE "never" X-GM-MSGID 18446744073709551615)'
    answer = b"* WEATHER fine\r\n* 1 FETCH (((\r\n" + odd + b"\r\n@ OK\r\n"
    async with server(talk(answer)) as client:
        await client.greet()
        done = await client.run(c.Noop())
        assert [one.text for one in done.of(r.Unknown)] == [b"WEATHER fine"]
        assert len(client.misunderstood) == 1
        items = dict(done.of(r.FetchData)[0].items)
        assert items == {"FLAGS": ("a]b", r"\X"), "INTERNALDATE": None, "X-GM-MSGID": (1 << 64) - 1}
    for wrong in (b"* WEATHER fine\r\n@ OK\r\n", b"* 1 FETCH (((\r\n@ OK\r\n"):
        async with server(talk(wrong), strict=True) as client:
            await client.greet()
            with pytest.raises(BrokenServer):
                await client.run(c.Noop())


async def test_a_command_left_in_the_middle_spoils_the_connection() -> None:
    """IMAP-136: an answer is never taken for another command's."""
    async with server(talk(b"* 1 EXISTS\r\n* 2 EXISTS\r\n@ OK\r\n")) as client:
        await client.greet()
        responses = client.stream(c.Noop())
        assert await anext(responses) == r.Exists(1)
        await responses.aclose()
        with pytest.raises(BrokenServer, match="NOOP is still in progress"):
            await client.run(c.Noop())
