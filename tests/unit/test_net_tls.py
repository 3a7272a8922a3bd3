"""The TLS stream: handshakes, names, client certificates, channel bindings, endings."""

import hashlib
import ssl
from collections.abc import Callable

import pytest
import trio
import trio.testing
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from OpenSSL import SSL
from OpenSSL._util import lib as _lib

from moxlite.net.exposition import REGISTRY
from moxlite.net.tls.certificates import CertificateError, KeyPair, ProblemKind, Trust, name_matches, self_signed
from moxlite.net.tls.errors import TLSError
from moxlite.net.tls.handshake import ClientTLS, ServerTLS
from moxlite.net.tls.stream import TLSStream
from tests.certs import Authority

LOCALHOST = self_signed(["localhost", "*.example.org"])
OTHER = self_signed(["other.example"])


async def connected(
    server: ServerTLS, client: ClientTLS | None = None, name: str | None = "localhost", leftover: bytes = b""
) -> tuple[TLSStream, TLSStream]:
    """Both ends after their handshake: server, client."""
    ends: dict[str, TLSStream] = {}
    client_side, server_side = trio.testing.memory_stream_pair()

    async def accept() -> None:
        ends["server"] = await server.accept(server_side, leftover=leftover)

    async def connect() -> None:
        ends["client"] = await (client or ClientTLS()).connect(client_side, name)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        nursery.start_soon(connect)
    return ends["server"], ends["client"]


def tls12(client: ClientTLS) -> ClientTLS:
    client._context.set_max_proto_version(SSL.TLS1_2_VERSION)
    return client


async def receive_exactly(stream: trio.abc.ReceiveStream, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        more = await stream.receive_some()
        assert more, "stream ended early"
        data += more
    return bytes(data)


async def test_large_data_passes_both_ways_at_once() -> None:
    """SMTP-4: full duplex without deadlock, nothing lost or out of order."""
    server, client = await connected(ServerTLS([LOCALHOST]))
    down, up = (bytes([n]) * 3 + hashlib.sha256(bytes([n])).digest() * 40_000 for n in (1, 2))
    got: dict[str, bytes] = {}

    async def receive(name: str, stream: TLSStream, count: int) -> None:
        got[name] = await receive_exactly(stream, count)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.send_all, down)
        nursery.start_soon(client.send_all, up)
        nursery.start_soon(receive, "client", client, len(down))
        nursery.start_soon(receive, "server", server, len(up))
    assert got == {"client": down, "server": up}


async def test_the_key_exchange_is_post_quantum() -> None:
    """QUEUE-54, SMTP-79: between two of us by default; metrics tell the group of each side, and an older group of a
    peer that knows no other.
    """

    def counted(side: str, group: str) -> float:
        return REGISTRY.get_sample_value("moxlite_tls_group_total", {"side": side, "group": group}) or 0

    before = counted("server", "X25519MLKEM768"), counted("client", "X25519MLKEM768")
    server, client = await connected(ServerTLS([LOCALHOST]))
    assert server.facts.group == client.facts.group == "X25519MLKEM768"
    assert server.facts.suite == f"{server.facts.cipher} X25519MLKEM768"
    assert (counted("server", "X25519MLKEM768"), counted("client", "X25519MLKEM768")) == (before[0] + 1, before[1] + 1)
    old = ClientTLS()
    _lib.SSL_CTX_set1_curves_list(old._context._context, b"P-256")
    server, _ = await connected(ServerTLS([LOCALHOST]), old)
    assert server.facts.group in ("secp256r1", "prime256v1", "P-256")


async def test_server_name_chooses_the_certificate() -> None:
    """SMTP-34, WEB-118: by name, by wildcard, and the first certificate for unknown or absent names."""
    tls = ServerTLS([OTHER, LOCALHOST])
    for name, expected in [
        ("localhost", LOCALHOST),
        ("a.example.org", LOCALHOST),
        ("a.b.example.org", OTHER),
        ("other.example", OTHER),
        ("unknown.example", OTHER),
        (None, OTHER),
    ]:
        server, client = await connected(tls, name=name)
        assert client.peer_chain()[0] == expected.leaf
        assert server.facts.server_name == name


async def test_unknown_names_are_refused_where_asked() -> None:
    """WEB-118: HTTPS refuses unknown names by an alert; an absent one stands for the host, where that has a
    certificate.
    """
    for tls in (
        ServerTLS([LOCALHOST], refuse_unknown=True),
        ServerTLS([OTHER], refuse_unknown=True, unnamed="localhost"),
    ):
        for name, reason in (
            ("unknown.example", "no certificate for unknown.example"),
            (None, "the client didn't send a server name"),
        ):
            with pytest.RaisesGroup(TLSError) as found:
                await connected(tls, name=name)
            assert reason in str(found.value.exceptions[0])
    tls = ServerTLS([OTHER, LOCALHOST], refuse_unknown=True, unnamed="localhost")
    server, _ = await connected(tls, name="localhost")
    assert server.facts.server_name == "localhost"
    server, client = await connected(tls, name=None)
    assert (server.facts.server_name, client.peer_chain()[0]) == (None, LOCALHOST.leaf)
    with pytest.RaisesGroup(TLSError):
        await connected(tls, name="unknown.example")


async def test_replaced_certificates_serve_the_next_handshake() -> None:
    """WEB-116: without restart."""
    tls = ServerTLS([OTHER])
    old, _ = await connected(tls)
    tls.replace([LOCALHOST])
    _, client = await connected(tls)
    assert client.peer_chain() == [LOCALHOST.leaf]
    await old.send_all(b"still works")


async def test_acme_challenge_is_answered_on_an_ordinary_port() -> None:
    """WEB-19: ALPN acme-tls/1 swaps the certificate, for the challenged name only, until it is taken away."""
    tls = ServerTLS([LOCALHOST], alpn=["h2", "http/1.1"])
    tls.set_challenge("localhost", OTHER)
    asking = ClientTLS(alpn=["acme-tls/1"])
    server, client = await connected(tls, asking)
    assert client.peer_chain() == [OTHER.leaf]
    assert server.facts.alpn == "acme-tls/1"
    tls.set_challenge("localhost", None)
    server, client = await connected(tls, asking)
    assert client.peer_chain() == [LOCALHOST.leaf]
    assert server.facts.alpn is None


async def test_alpn_takes_the_servers_preference() -> None:
    """WEB-19: the callback is in force on every certificate's context."""
    tls = ServerTLS([OTHER, LOCALHOST], alpn=["imap", "http/1.1"])
    server, client = await connected(tls, ClientTLS(alpn=["http/1.1", "imap"]))
    assert server.facts.alpn == client.facts.alpn == "imap"


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
async def test_any_client_certificate_is_accepted_and_known_by_its_key(version: str) -> None:
    """SMTP-4, IMAP-13: self-signed, unknown, even expired; and none at all."""
    key = ed25519.Ed25519PrivateKey.generate()
    expired = self_signed(["me"], days=-0.01, key=key)
    client = ClientTLS(certificate=expired)
    server, _ = await connected(ServerTLS([LOCALHOST]), tls12(client) if version == "TLSv1.2" else client)
    assert server.facts.version == version
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert server.facts.peer_key == hashlib.sha256(spki).digest()
    assert server.peer_chain()[0] == expired.leaf
    server, _ = await connected(ServerTLS([LOCALHOST]))
    assert server.facts.peer_key is None


async def test_no_client_certificate_is_asked_for_where_it_is_off() -> None:
    """IMAP-11: tls.client_auth = false."""
    client = ClientTLS(certificate=OTHER)
    server, _ = await connected(ServerTLS([LOCALHOST], client_auth=False), client)
    assert server.facts.peer_key is None


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
async def test_channel_bindings_are_equal_on_both_ends(version: str) -> None:
    """SMTP-4: tls-exporter, tls-server-end-point, and tls-unique on TLS 1.2 with extended master secret."""
    client = ClientTLS()
    server_end, client_end = await connected(
        ServerTLS([OTHER, LOCALHOST]), tls12(client) if version == "TLSv1.2" else client
    )
    kinds = client_end.channel_bindings()
    assert set(kinds) == {"tls-exporter", "tls-server-end-point"} | ({"tls-unique"} if version == "TLSv1.2" else set())
    for kind in kinds:
        assert server_end.channel_binding(kind) == client_end.channel_binding(kind) != b""
    assert client_end.channel_binding("tls-server-end-point") == LOCALHOST.leaf.fingerprint(hashes.SHA256())


async def test_without_extended_master_secret_only_the_end_point_binds() -> None:
    """SMTP-4: RFC 7627: on TLS 1.2 without it, exporter and tls-unique can be equal on two connections."""
    client = tls12(ClientTLS())
    client._context.set_options(1)  # SSL_OP_NO_EXTENDED_MASTER_SECRET
    server_end, _ = await connected(ServerTLS([LOCALHOST]), client)
    assert server_end.channel_bindings() == ("tls-server-end-point",)
    with pytest.raises(ValueError, match="tls-unique"):
        server_end.channel_binding("tls-unique")


async def test_resumption_keeps_the_client_key_and_changes_the_exporter() -> None:
    """SMTP-34: session tickets, where they are on."""
    tls = ServerTLS([LOCALHOST])
    client = tls12(ClientTLS(certificate=OTHER))
    server, first = await connected(tls, client)
    session = first._ssl.get_session()
    assert session is not None
    ends = trio.testing.memory_stream_pair()
    connection = SSL.Connection(client._context, None)
    connection.set_connect_state()
    connection.set_tlsext_host_name(b"localhost")
    connection.set_session(session)
    again = TLSStream(ends[0], connection, server_side=False)
    accepted: list[TLSStream] = []

    async def accept() -> None:
        accepted.append(await tls.accept(ends[1]))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        nursery.start_soon(again.do_handshake)
    assert accepted[0].facts.resumed
    assert accepted[0].facts.peer_key == server.facts.peer_key
    assert "tls-unique" not in accepted[0].channel_bindings()
    assert accepted[0].channel_binding("tls-exporter") != server.channel_binding("tls-exporter")


async def test_ticket_keys_are_renewed_each_day() -> None:
    """SMTP-34: a port makes itself new contexts, and with them new ticket keys."""
    now = 0.0
    tls = ServerTLS([LOCALHOST], clock=lambda: now)
    base = tls._base
    await connected(tls)
    assert tls._base is base
    now = 25 * 3600
    await connected(tls)
    assert tls._base is not base


async def test_octets_behind_starttls_never_reach_the_session() -> None:
    """SMTP-145, QUEUE-61: a command injected behind STARTTLS is garbage in the handshake."""
    transport = trio.testing.memory_stream_pair()[1]
    with pytest.raises(TLSError) as caught:
        await ServerTLS([LOCALHOST]).accept(transport, leftover=b"MAIL FROM:<evil@example.org>\r\n")
    assert caught.value.kind in ("nottls", "other")


async def test_hello_that_came_early_is_used() -> None:
    """SMTP-145: a client that sends its hello right behind STARTTLS is served."""
    hello = SSL.Connection(ClientTLS()._context, None)
    hello.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        hello.do_handshake()
    first = hello.bio_read(65536)
    client_side, server_side = trio.testing.memory_stream_pair()
    client = TLSStream(client_side, hello, server_side=False)
    accepted: list[TLSStream] = []

    async def accept() -> None:
        accepted.append(await ServerTLS([LOCALHOST]).accept(server_side, leftover=first))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        nursery.start_soon(client.do_handshake)
    await client.send_all(b"hi")
    assert await accepted[0].receive_some() == b"hi"


async def test_silent_client_is_dropped_after_the_handshake_limit(autojump_clock: trio.testing.MockClock) -> None:
    """SMTP-6: 60 s."""
    transport = trio.testing.memory_stream_pair()[1]
    start = trio.current_time()
    with pytest.raises(TLSError) as caught:
        await ServerTLS([LOCALHOST]).accept(transport)
    assert caught.value.kind == "timeout"
    assert trio.current_time() - start == pytest.approx(60)
    with pytest.raises(trio.ClosedResourceError):
        await transport.send_all(b"x")


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "nottls"),
        (b"EHLO example.org\r\n", "nottls"),
        (b"\x00" * 100, "nottls"),
        (b"", "eof"),
    ],
)
async def test_what_is_not_tls_is_named(octets: bytes, kind: str) -> None:
    """SMTP-139: reasons of failed handshakes."""
    client_side, server_side = trio.testing.memory_stream_pair()
    await client_side.send_all(octets)
    await client_side.send_eof()
    with pytest.raises(TLSError) as caught:
        await ServerTLS([LOCALHOST]).accept(server_side)
    assert caught.value.kind == kind


async def test_old_versions_are_refused_with_an_alert() -> None:
    """SMTP-34, QUEUE-54: TLS 1.2 at least."""
    client = ClientTLS(min_version="TLSv1.0")
    client._context.set_max_proto_version(SSL.TLS1_1_VERSION)
    seen: list[TLSError] = []
    client_side, server_side = trio.testing.memory_stream_pair()

    async def run(function: Callable[[], object]) -> None:
        try:
            await function()  # type: ignore[misc]  # either of two coroutine functions
        except TLSError as exc:
            seen.append(exc)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, lambda: ServerTLS([LOCALHOST]).accept(server_side))
        nursery.start_soon(run, lambda: client.connect(client_side, "localhost"))
    assert {exc.kind for exc in seen} == {"unsupportedversions", "alert-70-protocol_version"}
    assert {exc.alert for exc in seen} == {None, "protocol_version"}


async def test_end_without_closing_alert_is_an_end_of_stream() -> None:
    """SMTP-14: mail clients just close."""
    server, client = await connected(ServerTLS([LOCALHOST]))
    await client.send_all(b"QUIT\r\n")
    await client.transport.aclose()
    assert await server.receive_some() == b"QUIT\r\n"
    assert await server.receive_some() == b""
    assert await server.receive_some() == b""


async def test_garbage_instead_of_a_record_breaks_the_stream() -> None:
    """SMTP-4: tampering is an error, not data."""
    server, client = await connected(ServerTLS([LOCALHOST]))
    await client.transport.send_all(b"\x17\x03\x03\x00\x20" + b"x" * 32)
    with pytest.raises(trio.BrokenResourceError) as caught:
        await server.receive_some()
    assert isinstance(caught.value.__cause__, TLSError)


async def test_closing_says_so_and_never_waits_for_a_dead_peer(autojump_clock: trio.testing.MockClock) -> None:
    """SMTP-14: the closing alert must not block."""
    server, client = await connected(ServerTLS([LOCALHOST]))
    await server.aclose()
    assert await client.receive_some() == b""
    with pytest.raises(trio.ClosedResourceError):
        await server.send_all(b"x")
    with pytest.raises(trio.ClosedResourceError):
        await server.receive_some()

    server, client = await connected(ServerTLS([LOCALHOST]))

    async def never() -> None:
        await trio.sleep_forever()

    server.transport.send_stream.send_all_hook = never  # type: ignore[attr-defined]  # a memory stream
    start = trio.current_time()
    await server.aclose()
    assert trio.current_time() - start <= 1.0


async def test_cancelled_send_breaks_the_stream(autojump_clock: trio.testing.MockClock) -> None:
    """SMTP-4: octets of a record are lost then, so nothing more may be sent."""
    server, _ = await connected(ServerTLS([LOCALHOST]))

    async def never() -> None:
        await trio.sleep_forever()

    server.transport.send_stream.send_all_hook = never  # type: ignore[attr-defined]  # a memory stream
    with trio.move_on_after(1) as scope:
        await server.send_all(b"x" * 100)
    assert scope.cancelled_caught
    with pytest.raises(trio.BrokenResourceError):
        await server.send_all(b"more")


async def test_two_receivers_are_a_programming_error() -> None:
    """SMTP-4: as on every Trio stream."""
    server, _ = await connected(ServerTLS([LOCALHOST]))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.receive_some)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(trio.BusyResourceError):
            await server.receive_some()
        nursery.cancel_scope.cancel()


def test_trusted_chain_is_good_for_its_names_only() -> None:
    """QUEUE-54, SMTP-120: PKIX with names, each failure in the words of RFC 8460."""
    trust = Trust([LOCALHOST.leaf], system=False)
    assert trust.check(LOCALHOST.chain, "localhost") is None
    assert trust.check(LOCALHOST.chain, "mx1.example.org") is None
    kinds = {
        "host": trust.check(LOCALHOST.chain, "example.org"),
        "root": trust.check(OTHER.chain, "other.example"),
        "none": trust.check([], "localhost"),
    }
    assert {name: problem and problem.kind for name, problem in kinds.items()} == {
        "host": ProblemKind.HOST_MISMATCH,
        "root": ProblemKind.NOT_TRUSTED,
        "none": ProblemKind.NOT_TRUSTED,
    }
    expired = self_signed(["localhost"], days=-0.01)
    problem = Trust([expired.leaf], system=False).check(expired.chain, "localhost")
    assert problem is not None
    assert problem.kind == ProblemKind.EXPIRED


@pytest.mark.parametrize("chain", ["self-signed", "issued"])
async def test_clients_that_check_strictly_accept_our_certificates(chain: str) -> None:
    """ADMIN-84: a CA's extensions are as RFC 5280 §4.2.1 wants them, which Python checks from 3.13 on; also for the
    authority of the tests.
    """
    authority = Authority()
    pair = LOCALHOST if chain == "self-signed" else authority.issue("localhost")
    root = LOCALHOST.certificate_pem() if chain == "self-signed" else authority.pem
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    client_context.load_verify_locations(cadata=root.decode())
    client_side, server_side = trio.testing.memory_stream_pair()
    client = trio.SSLStream(client_side, client_context, server_hostname="localhost")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ServerTLS([pair]).accept, server_side)
        await client.do_handshake()
    assert client.getpeercert()["subject"] == ((("commonName", "localhost"),),)


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("mx.example.org", "MX.example.org.", True),
        ("*.example.org", "mx.example.org", True),
        ("*.example.org", "a.mx.example.org", False),
        ("*.example.org", "example.org", False),
        ("*.org", "example.org", False),
        ("m*.example.org", "mx.example.org", False),
    ],
)
def test_wildcards_stand_for_one_left_label(pattern: str, name: str, matches: bool) -> None:
    """QUEUE-54: RFC 9525 §6.3."""
    assert name_matches(pattern, name) is matches


def test_key_pairs_are_read_from_pem_and_checked() -> None:
    """WEB-120: a key that is not the certificate's is refused with a reason."""
    pair = self_signed(["a.example"], key=rsa.generate_private_key(65537, 2048))
    assert KeyPair.load(pair.certificate_pem(), pair.key_pem()).leaf == pair.leaf
    with pytest.raises(CertificateError, match="doesn't match the first"):
        KeyPair.load(pair.certificate_pem(), OTHER.key_pem())
    with pytest.raises(CertificateError, match="no PEM certificates"):
        KeyPair.load(b"", pair.key_pem())
    with pytest.raises(CertificateError, match="private key"):
        KeyPair.load(pair.certificate_pem(), b"-----BEGIN NONSENSE-----")
    assert isinstance(pair.leaf, x509.Certificate)


async def test_a_storm_of_handshakes_leaves_each_turn_of_the_loop_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-171: one step of a handshake in a turn, however many clients come at once; a client that says nothing holds
    up no other.
    """
    server, turn = ServerTLS([LOCALHOST]), 0
    steps: list[int] = []
    real = SSL.Connection.do_handshake

    def counted(connection: SSL.Connection) -> None:
        if connection.get_context() in contexts:
            steps.append(turn)
        real(connection)

    contexts = [server._base, server._default]
    monkeypatch.setattr(SSL.Connection, "do_handshake", counted)

    async def tick() -> None:
        nonlocal turn
        while True:
            await trio.lowlevel.checkpoint()
            turn += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tick)
        _, silent = trio.testing.memory_stream_pair()
        nursery.start_soon(server.accept, silent)
        with trio.fail_after(30):
            async with trio.open_nursery() as storm:
                for _ in range(60):
                    storm.start_soon(connected, server)
        nursery.cancel_scope.cancel()
    assert len(steps) >= 120
    assert max(steps.count(one) for one in set(steps)) <= 2  # the ticker may come first or last in a turn
