"""The verbs about TLS of mail hosts: ``mtasts``, ``tlsrpt``, ``dane`` (AUTH-64, AUTH-70..74, AUTH-90, ADMIN-19)."""

import hashlib
import json
from functools import partial
from pathlib import Path

import pytest
import trio
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from moxlite.cli import run
from moxlite.net.tls.certificates import KeyPair, self_signed
from moxlite.net.tls.errors import TLSError
from moxlite.net.tls.handshake import ServerTLS
from tests.dnstable import dns_of
from tests.queue_rig import Server

pytestmark = pytest.mark.served

MX = "mx.good.example"
POLICY = b"version: STSv1\nmode: enforce\nmx: mx.good.example\nmax_age: 86400\n"


def spki(pair: KeyPair) -> str:
    data = pair.leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(data).hexdigest()


async def ask(capsys: pytest.CaptureFixture[str], server: str, *words: str) -> tuple[int, dict[str, object]]:
    """Exit code, and the JSON object."""
    code = await trio.to_thread.run_sync(run, [*words[:2], "--json", "--resolver", server, *words[2:]])
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return code, found


async def test_mtasts_lookup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """AUTH-70, AUTH-71, AUTH-90: record and policy, fetched by https from a server that the system trusts."""
    pair = self_signed(["mta-sts.good.example"])
    ca = tmp_path / "ca.pem"
    ca.write_bytes(pair.certificate_pem())
    monkeypatch.setenv("SSL_CERT_FILE", str(ca))
    tls = ServerTLS([pair])

    async def web(stream: trio.SocketStream) -> None:
        try:
            secure = await tls.accept(stream)
        except TLSError:
            return
        await secure.receive_some()
        await secure.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(POLICY), POLICY))
        await secure.aclose()

    zone = {
        ("_mta-sts.good.example.", "TXT"): ['"v=STSv1; id=7"'],
        ("mta-sts.good.example.", "A"): ["127.0.0.1"],
        ("_mta-sts.wrong.example.", "TXT"): ['"v=STSv1; id=7"'],
        ("mta-sts.wrong.example.", "A"): ["127.0.0.1"],
        ("plain.example.", "A"): ["192.0.2.1"],
    }
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, web, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        monkeypatch.setattr("moxlite.net.httpclient.DEFAULT_PORTS", {"https": port})
        with dns_of(zone) as server:
            code, found = await ask(capsys, server, "mtasts", "lookup", "good.example")
            assert (code, found["status"], found["record_id"]) == (0, "pass", "7")
            assert found["policy"] == {"mode": "enforce", "max_age": 86400, "mx": [MX]}
            for domain, expected, status, word in (
                ("plain.example", 1, "none", "no TXT records found"),
                ("wrong.example", 75, "temperror", "certificate"),
                ("fail.example", 75, "temperror", "SERVFAIL"),
                ("bad..example", 1, "permerror", "isn't a valid domain"),
            ):
                code, found = await ask(capsys, server, "mtasts", "lookup", domain)
                assert (code, found["status"]) == (expected, status)
                assert word in str(found["problem"])
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("domain", "code", "status", "rua"),
    [
        ("good.example", 0, "pass", ["mailto:a@good.example", "https://r.example/x"]),
        ("none.example", 1, "none", []),
        ("two.example", 1, "none", []),
        ("norua.example", 1, "permerror", []),
        ("bang.example", 1, "permerror", []),
        ("fail.example", 75, "temperror", []),
        ("bad..example", 1, "permerror", []),
    ],
)
async def test_tlsrpt_lookup(
    capsys: pytest.CaptureFixture[str], domain: str, code: int, status: str, rua: list[str]
) -> None:
    """AUTH-74, AUTH-90: one record with addresses."""
    zone = {
        ("_smtp._tls.good.example.", "TXT"): [
            '"v=TLSRPTv1; rua=mailto:a@good.example , https://r.example/x; more=b;"',
            '"v=spf1 -all"',
        ],
        ("_smtp._tls.two.example.", "TXT"): [
            '"v=TLSRPTv1; rua=mailto:a@x.example"',
            '"v=TLSRPTv1;rua=mailto:b@x.example"',
        ],
        ("_smtp._tls.norua.example.", "TXT"): ['"v=TLSRPTv1; other=x"'],
        ("_smtp._tls.bang.example.", "TXT"): ['"v=TLSRPTv1; rua=mailto:a@x.example!10m"'],
    }
    with dns_of(zone) as server:
        got, found = await ask(capsys, server, "tlsrpt", "lookup", domain)
    assert (got, found["status"], found["rua"]) == (code, status, rua)


async def test_dane_dial(capsys: pytest.CaptureFixture[str]) -> None:
    """AUTH-64, AUTH-90, ADMIN-19: TLS at once; the usages that count can be chosen, 0 and 1 want PKIX too."""
    pair = self_signed(["host.example"])
    tls = ServerTLS([pair])

    async def serve(stream: trio.SocketStream) -> None:
        secure = await tls.accept(stream)
        await secure.receive_some()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        zone = {
            (f"{name}.example.", kind): values
            for name in ("good", "wrong", "pkix", "none")
            for kind, values in {"A": ["127.0.0.1"]}.items()
        }
        zone |= {
            (f"_{port}._tcp.good.example.", "TLSA"): [f"3 1 1 {spki(pair)}"],
            (f"_{port}._tcp.wrong.example.", "TLSA"): [f"3 1 1 {'00' * 32}"],
            (f"_{port}._tcp.pkix.example.", "TLSA"): [f"1 1 1 {spki(pair)}"],
        }
        with dns_of(zone) as server:
            for host, options, code, status, word in (
                ("good", (), 0, "pass", ""),
                ("good", ("--usages", "2"), 1, "fail", "no usable TLSA records"),
                ("wrong", (), 1, "fail", "dane-no-match"),
                ("pkix", (), 1, "fail", "certificate-not-trusted"),
                ("none", (), 1, "none", "no TLSA records"),
                ("gone", (), 1, "none", ""),
                ("fail", (), 75, "temperror", ""),
            ):
                got, found = await ask(capsys, server, "dane", "dial", *options, f"{host}.example:{port}")
                assert (got, found["status"]) == (code, status), host
                assert word in str(found["problem"])
            assert await trio.to_thread.run_sync(run, ["dane", "dial", "good.example:0"]) == 2
            assert await trio.to_thread.run_sync(run, ["dane", "dial", "--usages", "9", "good.example:1"]) == 2
        nursery.cancel_scope.cancel()


async def test_dane_dialmx(capsys: pytest.CaptureFixture[str]) -> None:
    """AUTH-65, AUTH-90, ADMIN-19: each mail host by STARTTLS, as a sender verifies it."""
    pair = self_signed(["good.example"])
    smtp = Server(tls=pair)
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, smtp._serve, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        zone = {
            ("good.example.", "MX"): [f"10 {MX}.", "20 b.good.example."],
            (f"{MX}.", "A"): ["127.0.0.1"],
            ("b.good.example.", "A"): ["127.0.0.1"],
            (f"_{port}._tcp.{MX}.", "TLSA"): [f"2 1 1 {spki(pair)}"],
            (f"_{port}._tcp.b.good.example.", "TLSA"): [f"3 1 1 {'00' * 32}"],
        }
        with dns_of(zone) as server:
            code, found = await ask(capsys, server, "dane", "dialmx", "--port", str(port), "good.example", MX)
            assert code == 0
            assert isinstance(found["hosts"], list)
            assert [(one["host"], one["status"]) for one in found["hosts"]] == [(MX, "pass")]
            code, found = await ask(capsys, server, "dane", "dialmx", "--port", str(port), "good.example")
            assert code == 1
            assert isinstance(found["hosts"], list)
            assert [one["status"] for one in found["hosts"]] == ["pass", "fail"]
            code, found = await ask(capsys, server, "dane", "dialmx", "good.example", "other.example")
            assert (code, found["hosts"]) == (1, [])
            assert (await ask(capsys, server, "dane", "dialmx", "fail.example"))[0] == 75
            assert (await ask(capsys, server, "dane", "dialmx", "bad..example"))[0] == 1
        nursery.cancel_scope.cancel()
    assert not any(line.startswith("MAIL") for line in smtp.lines)
