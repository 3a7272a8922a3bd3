"""What hosts answer, and where they fall silent: whole attempts, a host for each case, all of a table at once.

What became of a message: ``delivered``; ``waits`` or ``failed`` with the code and the command of its failure.
"""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import TypedDict

import pytest

from moxlite.net.dial import Dialed, DialError, LocalAddresses
from moxlite.net.resolver import RecordType
from moxlite.queue.sending import session
from tests.queue_rig import DRIP, HANG, MESSAGE, Rig, Server, rig_at

pytestmark = pytest.mark.served

KEEP = 'keep_retired_message_period = "72h"'

POINTS = ("greeting", "EHLO", "MAIL", "RCPT", "DATA", "final")
"""Where a host may misbehave, by the keys of `Server.replies`."""

Replies = Mapping[str, str | Sequence[str | None] | None]


async def play(rig: Rig, cases: Mapping[str, Replies]) -> dict[str, Server]:
    """A message to a host for each case; returns when each has been tried once."""
    servers = {}
    for number, (name, replies) in enumerate(cases.items(), 1):
        domain = f"case{number}.example"
        servers[name] = rig.remote(Server(replies), domain, f"192.0.2.{number}")
        await rig.submit(f"bob@{domain}", extra={"case": name})
    await rig.settle()
    return servers


async def found(rig: Rig) -> dict[str, str]:
    """What became of the message of each case."""
    words = {}
    for waiting in await rig.queue.listings.list_messages():
        assert waiting.attempts == 1
        words[waiting.extra["case"]] = told("waits", waiting.results[-1].code, waiting.results[-1].error)
    for row in await rig.queue.listings.list_retired():
        result = row.results[-1]
        words[row.extra["case"]] = "delivered" if row.success else told("failed", result.code, result.error)
    return words


def told(state: str, code: int, error: str) -> str:
    return f"{state} {code} {error.partition(':')[0]}"


async def test_every_code_at_every_point(tmp_path: Path) -> None:
    """QUEUE-61, QUEUE-62, QUEUE-68, QUEUE-69, QUEUE-70: 2xx goes on, 4xx waits, 5xx fails with a DSN; a code that has
    no place there, a broken reply, and a class of its own are no refusal: they wait.
    """
    cases: dict[str, Replies] = {}
    expected = {}
    for point in POINTS:
        command = {"final": "data"}.get(point, point.lower())
        for reply, becomes in (
            ("451 4.3.0 later", "waits 451"),
            ("421 4.3.2 closing", "waits 421"),
            ("554 5.7.1 never", "failed 554"),
            ("550 never", "failed 550"),
            ("199 what", "waits 0"),
            ("354 what" if point != "DATA" else "250 what", "waits 0"),
            ("999 what", "waits 0"),
            ("hello", "waits 0"),
            ("250-one\r\n550 other", "waits 0"),
        ):
            name = f"{point} {reply}"
            cases[name] = {point: reply}
            expected[name] = f"{becomes} {command}"
    for point, reply in (
        ("greeting", "220-one\r\n220 two"),
        ("EHLO", "502 5.5.1 unknown"),
        ("MAIL", "250"),
        ("RCPT", "251 2.1.5 will forward"),
        ("final", "250-2.0.0 one\r\n250 2.0.0 two"),
    ):
        cases[f"{point} {reply}"] = {point: reply}
        expected[f"{point} {reply}"] = "delivered"
    async with rig_at(tmp_path, account=KEEP) as rig:
        servers = await play(rig, cases)
        assert await found(rig) == expected
        delivered = [name for name, becomes in expected.items() if becomes == "delivered"]
        assert [servers[name].messages for name in delivered] == [[MESSAGE]] * len(delivered)
        assert len(await rig.inbox()) == sum(one.startswith("failed") for one in expected.values())


async def test_a_host_that_closes_the_connection_gets_the_message_later(tmp_path: Path) -> None:
    """QUEUE-45, QUEUE-69, QUEUE-70: at each point; once, when it is well again, and without a DSN. One that closes
    after it has refused the recipient has refused.
    """
    cases: dict[str, Replies] = {point: {point: None} for point in POINTS}
    cases["QUIT"] = {"QUIT": None}
    cases["DATA after a refusal"] = {"RCPT": "550 5.1.1 no", "DATA": None}
    expected = {point: f"waits 0 {'data' if point == 'final' else point.lower()}" for point in POINTS}
    async with rig_at(tmp_path, account=KEEP) as rig:
        servers = await play(rig, cases)
        assert await found(rig) == expected | {"QUIT": "delivered", "DATA after a refusal": "failed 550 rcpt"}
        assert len(await rig.inbox()) == 1
        await get_well(rig, servers)


async def get_well(rig: Rig, servers: Mapping[str, Server]) -> None:
    """The hosts answer as they should; each that has not got its message, nor refused it, gets it."""
    waiting = {row.extra["case"] for row in await rig.queue.listings.list_messages()}
    for server in servers.values():
        server.release.set()
        server.replies.clear()
    await rig.pass_time(900)
    assert await rig.queue.listings.list_messages() == []
    assert {name: servers[name].messages for name in waiting} == {name: [MESSAGE] for name in waiting}


@pytest.mark.parametrize("how", [HANG, DRIP])
async def test_a_host_that_gives_no_answer_is_left_and_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """QUEUE-60, QUEUE-150: silence, or an octet now and then, which begins no new time, at each point: a temporary
    failure after the time of a session; the message arrives later, once.
    """
    async with rig_at(tmp_path, account=KEEP) as rig:
        with monkeypatch.context() as patch:
            patch.setattr(session, "SESSION_SECONDS", 1.0)
            servers = await play(rig, {point: {point: how} for point in POINTS})
            good = rig.remote(Server(), "good.example", "192.0.2.99")
            assert await found(rig) == dict.fromkeys(POINTS, "waits 0 session")
            for row in await rig.queue.listings.list_messages():
                assert row.results[0].error == "session: 4.4.2 session timed out"
        await rig.submit("bob@good.example")
        await rig.settle()
        assert len(good.messages) == 1
        assert await rig.inbox() == []
        await get_well(rig, servers)


async def test_addresses_that_swallow_packets_are_passed_by(tmp_path: Path) -> None:
    """QUEUE-45, QUEUE-48, QUEUE-169: a blackhole before a good host; one alone is a temporary failure that says so."""
    holes = {"192.0.2.1", "192.0.2.2"}

    async def dial(
        addresses: Sequence[IPv4Address | IPv6Address],
        port: int,
        *,
        inside: bool,
        local: LocalAddresses | None = None,
        seconds: float = 30,
    ) -> Dialed:
        if lost := [ip for ip in addresses if str(ip) in holes]:
            raise DialError([(ip, "timed out") for ip in lost])
        return await Rig.dial(rig, addresses, port, inside=inside, local=local, seconds=seconds)

    async with rig_at(tmp_path, account=KEEP, dial=dial) as rig:
        rig.resolver.set("remote.example", RecordType.MX, ["10 a.remote.example", "20 b.remote.example"])
        rig.resolver.set("a.remote.example", RecordType.A, ["192.0.2.1"])
        rig.resolver.set("b.remote.example", RecordType.A, ["192.0.2.3"])
        good = rig.serve("192.0.2.3", Server())
        dead = rig.remote(Server(), "dead.example", "192.0.2.2")
        await rig.submit("bob@remote.example")
        await rig.submit("bob@dead.example")
        await rig.settle()
        assert len(good.messages) == 1
        [waiting] = await rig.queue.listings.list_messages()
        assert (waiting.rcpt_domain, waiting.attempts) == ("dead.example", 1)
        assert "timed out" in waiting.results[0].error
        holes.clear()
        await rig.pass_time(900)
        assert len(dead.messages) == 1


ALL = ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN")
"""What a smarthost may offer, the best first."""


class Configuration(TypedDict):
    """Keywords of `rig_at`."""

    static: str
    domains: str
    account: str


def smarthost(kind: str = "submission", mechanisms: Sequence[str] = (), more: str = "") -> Configuration:
    """The configuration of a server that sends everything by relay.example, as ``u`` with password ``pä``."""
    listed = f", mechanisms = {list(mechanisms)}" if mechanisms else ""
    auth = f'{{ username = "u", password = "pä"{listed} }}'
    static = f'[transports.relay]\n{kind} = {{ host = "relay.example", auth = {auth}{more} }}'
    return {"static": static, "domains": '[[routes]]\ntransport = "relay"', "account": KEEP}


def relay(rig: Rig, offered: Sequence[str], *, port: int = 587, tls: bool = True, password: str = "pä") -> Server:
    """A smarthost that takes mail after a log-in."""
    rig.resolver.set("relay.example", RecordType.A, ["192.0.2.9"])
    server = Server(
        tls=rig.certificate if tls else None,
        extensions=["PIPELINING", f"AUTH {' '.join(offered)}"],
        logins={"u": password},
    )
    return rig.serve("192.0.2.9", server, port)


@pytest.mark.parametrize("name", ALL[:-1])
async def test_a_smarthost_is_logged_in_at_by_each_mechanism(tmp_path: Path, name: str) -> None:
    """QUEUE-32, QUEUE-33, SMTP-123: over STARTTLS, by one that the smarthost offers alone; then the mail goes."""
    async with rig_at(tmp_path, **smarthost(mechanisms=["PLAIN"] if name == "PLAIN" else ())) as rig:
        server = relay(rig, [name])
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert server.logged_in == [(name, "u")]
        assert server.encrypted == [True]
        assert server.messages == [MESSAGE]
        [retired] = await rig.queue.listings.list_retired()
        assert (retired.success, retired.results[0].policy) == (True, "verified")


@pytest.mark.parametrize("best", range(5))
async def test_the_most_secure_mechanism_is_taken(tmp_path: Path, best: int) -> None:
    """QUEUE-33: of those that are offered, in whatever order."""
    async with rig_at(tmp_path, **smarthost()) as rig:
        server = relay(rig, ALL[best:][::-1])
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert server.logged_in == [(ALL[best], "u")]
        assert len(server.messages) == 1


@pytest.mark.parametrize(("name", "listed"), [("CRAM-MD5", ()), ("PLAIN", ("PLAIN",))])
async def test_a_smarthost_in_the_same_net_may_do_without_tls(
    tmp_path: Path, name: str, listed: tuple[str, ...]
) -> None:
    """QUEUE-32, QUEUE-33: with `no_starttls`; there is nothing to bind SCRAM to then."""
    async with rig_at(tmp_path, **smarthost("smtp", listed, ", no_starttls = true")) as rig:
        server = relay(rig, [name], port=25, tls=False)
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert server.logged_in == [(name, "u")]
        assert server.encrypted == [False]


@pytest.mark.parametrize(
    ("offered", "password", "code", "error"),
    [
        (["PLAIN", "LOGIN"], "pä", 0, "the server offers PLAIN, LOGIN"),
        (["SCRAM-SHA-256-PLUS"], "other", 535, "login failed"),
        (["SCRAM-SHA-1"], "other", 535, "login failed"),
        (["CRAM-MD5"], "other", 535, "wrong"),
    ],
)
async def test_mail_waits_while_the_smarthost_knows_no_log_in(
    tmp_path: Path, offered: list[str], password: str, code: int, error: str
) -> None:
    """QUEUE-33, QUEUE-35, QUEUE-180: PLAIN is not used unless it is listed; a wrong password is no reason to send mail
    back. The administrator reads what to mend, and then the mail goes, without having been shown.
    """
    async with rig_at(tmp_path, **smarthost()) as rig:
        server = relay(rig, offered, password=password)
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert not server.logged_in
        assert not server.messages
        assert not any(line.startswith("MAIL") for line in server.lines)
        [waiting] = await rig.queue.listings.list_messages()
        assert (waiting.attempts, waiting.results[0].code) == (1, code)
        assert error in waiting.results[0].error
        assert await rig.inbox() == []
        relay(rig, ALL)
        await rig.pass_time(900)
        assert await rig.queue.listings.list_messages() == []
