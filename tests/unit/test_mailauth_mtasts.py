"""MTA-STS: records, policies, and fetching them from a real server (AUTH-70..72, AUTH-106)."""

import ssl
from pathlib import Path

import pytest
import trio
from cryptography.hazmat.primitives.serialization import Encoding

from moxlite.mailauth.mtasts import (
    Fetch,
    NoPolicy,
    Policy,
    PolicyError,
    Reason,
    fetch_policy,
    find_record,
    matches,
    parse_policy,
    parse_record,
)
from moxlite.net.httpclient import HTTPClient, HTTPError, NoHost, Roots
from moxlite.net.resolver import FakeResolver
from moxlite.net.tls.certificates import self_signed
from moxlite.proto.address import Domain
from moxlite.queue.tls.policies import fetcher

DOMAIN = Domain.parse("remote.example")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("v=STSv1; id=20160831085700Z;", "20160831085700Z"),
        ("v=STSv1;id=1", "1"),
        ("v=STSv1 ; id=a ; more=b;", "a"),
        ("v=STSv1; id=a; id=b", "a"),
        ("v=spf1 -all", None),
    ],
)
def test_records(text: str, found: str | None) -> None:
    """AUTH-70."""
    assert parse_record(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "v=STSv1",
        "v=STSv1;",
        "v=STSv1; id=",
        "v=STSv1; id=a-b",
        "v=STSv1; id=" + "a" * 33,
        "v=STSv12; id=a",
        "v=STSv1; id=a;;",
    ],
)
def test_broken_records(text: str) -> None:
    """AUTH-70."""
    with pytest.raises(PolicyError) as caught:
        parse_record(text)
    assert caught.value.reason is Reason.RECORD_SYNTAX


GOOD = b"version: STSv1\r\nmode: enforce\r\nmx: mail.remote.example\r\nmx: *.Backup.example\r\nmax_age: 604800\r\n"


def test_policies() -> None:
    """AUTH-72."""
    policy = Policy("enforce", 604800, ("mail.remote.example", "*.backup.example"))
    assert parse_policy(GOOD) == policy
    assert parse_policy(GOOD.replace(b"\r\n", b"\n").rstrip()) == policy
    assert parse_policy(GOOD + b"mode: none\nfuture: thing\n") == policy
    assert parse_policy(b"version: STSv1\nmode: none\nmax_age: 9999999999") == Policy("none", 31_557_600)
    assert matches(policy, "MAIL.remote.example.")
    assert matches(policy, "a.backup.example")
    assert not matches(policy, "a.b.backup.example")
    assert not matches(policy, "backup.example")


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        GOOD.replace(b"STSv1", b"STSv2"),
        GOOD.replace(b"enforce", b"hard"),
        GOOD.replace(b"604800", b"-1"),
        GOOD.replace(b"604800", b"12345678901"),
        GOOD.replace(b"mx: ", b"host: "),
        GOOD.replace(b"mail.remote", b"m\xc3\xa4il.remote"),
        GOOD.replace(b"mail.remote", b"mail..remote"),
        GOOD.replace(b"*.Backup", b"a.*.Backup"),
        GOOD + b"\nleftover",
        GOOD + b"x" * 65536,
    ],
)
def test_broken_policies(octets: bytes) -> None:
    """AUTH-72."""
    with pytest.raises(PolicyError) as caught:
        parse_policy(octets)
    assert caught.value.reason is Reason.POLICY_SYNTAX


async def test_finding_the_record() -> None:
    """AUTH-70: errors have names."""
    name = "_mta-sts.remote.example"
    assert await find_record(FakeResolver({"TXT": {name: ["other", "v=STSv1; id=1"]}}), DOMAIN) == "1"
    followed = FakeResolver({"TXT": {"h.example": ["v=STSv1; id=2"]}, "CNAME": {name: ["h.example"]}})
    assert await find_record(followed, DOMAIN) == "2"
    with pytest.raises(NoPolicy):
        await find_record(FakeResolver(), DOMAIN)
    with pytest.raises(PolicyError) as several:
        await find_record(FakeResolver({"TXT": {name: ["v=STSv1; id=1", "v=STSv1; id=2"]}}), DOMAIN)
    assert several.value.reason is Reason.SEVERAL_RECORDS
    with pytest.raises(PolicyError) as failing:
        await find_record(FakeResolver(failing=[name]), DOMAIN)
    assert (failing.value.reason, failing.value.temporary) == (Reason.LOOKUP, True)


# A real server


class Web:
    """An HTTPS server on loopback that answers each request with fixed octets."""

    def __init__(self, nursery: trio.Nursery, tmp_path: Path) -> None:
        self.nursery = nursery
        pair = self_signed(["mta-sts.remote.example", "127.0.0.1"])
        (tmp_path / "web.pem").write_bytes(pair.certificate_pem() + pair.key_pem())
        self.server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.server.load_cert_chain(tmp_path / "web.pem")
        self.roots = Roots([pair.leaf.public_bytes(Encoding.DER)], system=False)
        self.requests: list[bytes] = []
        self.answer = b""
        self.hang = False

    async def start(self) -> int:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.nursery.start_soon(trio.serve_listeners, self._serve, listeners)
        return int(listeners[0].socket.getsockname()[1])

    async def _serve(self, raw: trio.SocketStream) -> None:
        stream = trio.SSLStream(raw, self.server, server_side=True, https_compatible=True)
        try:
            got = b""
            while b"\r\n\r\n" not in got:
                if not (more := bytes(await stream.receive_some())):
                    return
                got += more
            self.requests.append(got)
            await stream.send_all(self.answer)
            if self.hang:
                await trio.sleep_forever()
            await stream.aclose()
        except (trio.BrokenResourceError, ssl.SSLError):
            pass


def answer(body: bytes, status: str = "200 OK", extra: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{extra}\r\n".encode() + body


@pytest.mark.served
async def test_a_policy_is_fetched_and_nothing_else(tmp_path: Path) -> None:
    """AUTH-71, AUTH-106, QUEUE-160: name and certificate, status, size, time; addresses of the inner network are no
    hosts.
    """
    async with trio.open_nursery() as nursery:
        web = Web(nursery, tmp_path)
        port = await web.start()
        dns = FakeResolver({"A": {"mta-sts.remote.example": ["127.0.0.1"], "other.example": ["127.0.0.1"]}})
        client = HTTPClient(dns, allow_internal=True, roots=web.roots)

        def fetch_by(made: HTTPClient = client, *, seconds: float = 10) -> Fetch:
            own = fetcher(made, seconds=seconds)

            async def fetch(url: str) -> bytes:
                return await own(url.replace("remote.example/", f"remote.example:{port}/"))

            return fetch

        web.answer = answer(GOOD)
        assert (await fetch_policy(fetch_by(), DOMAIN)).mode == "enforce"
        assert web.requests[-1].startswith(b"GET /.well-known/mta-sts.txt HTTP/1.1\r\n")
        for reply, reason in (
            (answer(b"", "404 Not Found"), Reason.NOT_SERVED),
            (answer(b"", "302 Found", "location: https://elsewhere.example/\r\n"), Reason.CANNOT_FETCH),
            (answer(b"x" * 70_000), Reason.CANNOT_FETCH),
            (b"SSH-2.0-x\r\n\r\n", Reason.CANNOT_FETCH),
            (b"", Reason.CANNOT_FETCH),
            (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000, Reason.CANNOT_FETCH),
        ):
            web.answer = reply
            with pytest.raises(PolicyError) as caught:
                await fetch_policy(fetch_by(), DOMAIN)
            assert caught.value.reason is reason

        web.answer, web.hang = b"HTTP/1.1 200 OK\r\n", True
        with pytest.raises(PolicyError):
            await fetch_policy(fetch_by(seconds=0.3), DOMAIN)
        before = len(web.requests)
        for made, reason in (
            (HTTPClient(dns, roots=web.roots), Reason.CANNOT_FETCH),
            (HTTPClient(dns, allow_internal=True), Reason.NOT_TRUSTED),
        ):
            with pytest.raises(PolicyError) as refused:  # an inner address; a certificate of no known authority
                await fetch_policy(fetch_by(made), DOMAIN)
            assert refused.value.reason is reason
        with pytest.raises(HTTPError, match="TLS"):
            await client.request("GET", f"https://other.example:{port}/")
        assert len(web.requests) == before
        with pytest.raises(NoHost):
            await client.request("GET", "https://nothing.example/")
        for url in ("ftp://x.example/", "https:///x", "https://x.example:99999/", "https://x\n.example/"):
            with pytest.raises(HTTPError, match=r"bad URL|invalid URL"):
                await client.request("GET", url)
        nursery.cancel_scope.cancel()
