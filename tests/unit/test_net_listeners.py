"""Accepting connections: one task each, orderly end, PROXY protocol, full descriptor table."""

import contextlib
import errno
import os
import socket
import sys
from collections.abc import AsyncIterator
from functools import partial
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import trio
import trio.testing
from hypothesis import given, strategies as st

from moxlite.net import listeners
from moxlite.net.admission import Admission, ConnectionInfo, Gate, Shutdown
from moxlite.net.exposition import REGISTRY
from moxlite.net.limits import OpenConnections
from moxlite.net.listeners import (
    GRACE_SECONDS,
    SIGNATURE,
    BindError,
    Handler,
    ProxyAddresses,
    ProxyError,
    bind,
    listen,
    read_proxy_header,
    serve_listener,
)
from moxlite.net.sockets import QuickStream
from moxlite.net.tls.certificates import self_signed
from moxlite.net.tls.handshake import ClientTLS, ServerTLS
from moxlite.supervision import FailurePolicy, Supervisor, open_supervisor

LOOPBACK = ip_address("127.0.0.1")


def open_gate(limit: int = 1000) -> Gate:
    """A protocol that takes so many connections of one address."""
    return Gate(None, OpenConnections((limit, limit, limit)))


@contextlib.asynccontextmanager
async def serving(
    handler: Handler, grace: float = GRACE_SECONDS, **options: object
) -> AsyncIterator[tuple[int, Shutdown, trio.Event]]:
    """A listener with `handler`: its port, the shutdown event, and an event set when it has ended."""
    sock = bind(LOOPBACK, 0)
    port = sock.getsockname()[1]
    shutdown, ended = Shutdown(), trio.Event()

    async def run(tree: Supervisor) -> None:
        """As the server does it."""
        async with listen(sock) as listener, trio.open_nursery() as connections:
            accept = partial(
                serve_listener,
                listener,
                handler,
                pkg="net",
                name="public",
                shutdown=shutdown,
                connections=connections,
                **({"admission": Admission(1000), "gate": open_gate()} | options),  # type: ignore[arg-type]  # the tests' own keyword arguments
            )
            tree.start("net.listener", accept)
            await shutdown.wait()
            await tree.stop("net.listener")
            await listener.aclose()
            connections.cancel_scope.deadline = trio.current_time() + grace
        ended.set()

    async with open_supervisor("test") as tree:
        tree.start("net.run", partial(run, tree), FailurePolicy.END)
        yield port, shutdown, ended


@pytest.mark.served
async def test_handler_learns_who_connected() -> None:
    """SMTP-140: addresses, ports, listener, an id of its own per connection."""
    infos: list[ConnectionInfo] = []

    async def handler(stream: trio.abc.Stream, info: ConnectionInfo) -> None:
        infos.append(info)
        await stream.send_all(b"hello")

    async with serving(handler) as (port, _, _):
        for _ in range(2):
            client = await trio.open_tcp_stream("127.0.0.1", port)
            assert await client.receive_some() == b"hello"
            assert await client.receive_some() == b""
    first, second = infos
    assert first.remote == first.local == LOOPBACK
    assert (first.local_port, first.listener, first.tls) == (port, "public", None)
    assert first.remote_port != second.remote_port
    assert first.cid < second.cid


@pytest.mark.served
async def test_a_vanished_client_is_noticed_by_probes() -> None:
    """IMAP-13: a connection has the options of its listening socket."""
    options: list[int] = []

    async def handler(stream: trio.abc.Stream, info: ConnectionInfo) -> None:
        assert isinstance(stream, QuickStream)
        sock, tcp = stream.transport, socket.IPPROTO_TCP
        options.append(sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
        options.extend(
            sock.getsockopt(tcp, getattr(socket, f"TCP_KEEP{option}")) for option in ("IDLE", "INTVL", "CNT")
        )

    async with serving(handler) as (port, _, _):
        client = await trio.open_tcp_stream("127.0.0.1", port)
        assert await client.receive_some() == b""
    assert options == [1, 300, 60, 5]


@pytest.mark.served
@pytest.mark.parametrize("tls", [False, True])
async def test_last_words_reach_a_client_that_still_sends(tls: bool) -> None:
    """SMTP-6, IMAP-18: what it pipelined is not read, and yet no reset swallows the refusal."""

    async def handler(stream: trio.abc.Stream, info: ConnectionInfo) -> None:
        await stream.send_all(b"421 go away\r\n")

    server_tls = ServerTLS([self_signed(["localhost"])]) if tls else None
    async with serving(handler, tls=server_tls) as (port, _, _):
        client: trio.abc.Stream = await trio.open_tcp_stream("127.0.0.1", port)
        if tls:
            client = await ClientTLS().connect(client, "localhost")
        await client.send_all(b"EHLO x\r\n" * 1000)
        await trio.sleep(0.02)
        assert await client.receive_some() == b"421 go away\r\n"
        assert await client.receive_some() == b""


@pytest.mark.served
async def test_crash_of_one_session_leaves_the_others_running() -> None:
    """SMTP-17: counted, that connection closed, the rest goes on."""
    before = REGISTRY.get_sample_value("moxlite_panic_total", {"pkg": "net"}) or 0

    async def handler(stream: trio.abc.Stream, info: ConnectionInfo) -> None:
        if await stream.receive_some() == b"crash":
            raise RuntimeError("bug")
        await stream.send_all(b"fine")

    async with serving(handler) as (port, _, _):
        good = await trio.open_tcp_stream("127.0.0.1", port)
        bad = await trio.open_tcp_stream("127.0.0.1", port)
        await bad.send_all(b"crash")
        assert await bad.receive_some() == b""
        await good.send_all(b"hi")
        assert await good.receive_some() == b"fine"
    assert REGISTRY.get_sample_value("moxlite_panic_total", {"pkg": "net"}) == before + 1


@pytest.mark.served
async def test_tls_listener_hands_over_the_finished_handshake() -> None:
    """SMTP-6, IMAP-14: TLS comes first, its facts are in the info; who does not speak TLS never reaches the session."""
    infos: list[ConnectionInfo] = []

    async def handler(stream: trio.abc.Stream, info: ConnectionInfo) -> None:
        infos.append(info)
        await stream.send_all(b"220 hi\r\n")

    async with serving(handler, tls=ServerTLS([self_signed(["localhost"])], alpn=["smtp"])) as (port, _, _):
        plain = await trio.open_tcp_stream("127.0.0.1", port)
        await plain.send_all(b"EHLO x\r\n")
        with contextlib.suppress(trio.BrokenResourceError):
            while await plain.receive_some():
                pass
        client = await ClientTLS(alpn=["smtp"]).connect(await trio.open_tcp_stream("127.0.0.1", port), "localhost")
        assert await client.receive_some() == b"220 hi\r\n"
    assert [info.tls.alpn if info.tls else None for info in infos] == ["smtp"]


@pytest.mark.served
async def test_shutdown_stops_accepting_and_sessions_may_say_goodbye() -> None:
    """ADMIN-39, SMTP-16: no new connections; running sessions learn it and end; then the listener ends."""

    async def handler(stream: trio.abc.Stream, info: ConnectionInfo) -> None:
        await stream.send_all(b"hello")
        await info.shutdown.wait()
        await stream.send_all(b"421 bye")

    async with serving(handler) as (port, shutdown, ended):
        client = await trio.open_tcp_stream("127.0.0.1", port)
        assert await client.receive_some() == b"hello"
        shutdown.set()
        assert await client.receive_some() == b"421 bye"
        await ended.wait()
        with pytest.raises(OSError):
            await trio.open_tcp_stream("127.0.0.1", port)


@pytest.mark.served
async def test_sessions_that_do_not_end_are_cut_off_after_the_grace_time() -> None:
    """ADMIN-39: 3 s, here less."""

    async def handler(stream: trio.abc.Stream, info: ConnectionInfo) -> None:
        await stream.send_all(b"hello")
        await trio.sleep_forever()

    async with serving(handler, grace=0.05) as (port, shutdown, ended):
        client = await trio.open_tcp_stream("127.0.0.1", port)
        assert await client.receive_some() == b"hello"
        shutdown.set()
        with trio.fail_after(60):
            await ended.wait()


class FullListener(trio.abc.Listener[trio.SocketStream]):
    """Fails twice as the kernel does with a full descriptor table."""

    def __init__(self, listener: trio.SocketListener) -> None:
        self.listener = listener
        self.failures = 2

    async def accept(self) -> trio.SocketStream:
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return await self.listener.accept()

    async def aclose(self) -> None:
        await self.listener.aclose()


@pytest.mark.served
async def test_full_descriptor_table_is_waited_out() -> None:
    """SMTP-135: the listener survives EMFILE."""

    async def handler(stream: trio.abc.Stream, info: ConnectionInfo) -> None:
        await stream.send_all(b"hello")

    sock = bind(LOOPBACK, 0)
    port = sock.getsockname()[1]
    listener = FullListener(listen(sock))
    async with listener, trio.open_nursery() as nursery:
        accept = partial(
            serve_listener,
            listener,
            handler,
            pkg="net",
            name="x",
            shutdown=Shutdown(),
            connections=nursery,
            admission=Admission(1000),
            gate=open_gate(),
        )
        nursery.start_soon(accept)
        client = await trio.open_tcp_stream("127.0.0.1", port)
        assert await client.receive_some() == b"hello"
        nursery.cancel_scope.cancel()


def test_taken_port_is_named_with_the_fix() -> None:
    """ADMIN-66: one line that says what to do."""
    ours = rf"127\.0\.0\.1:\d+ is already used by \S+ \(process {os.getpid()}\)$"
    with bind(LOOPBACK, 0) as sock, pytest.raises(BindError, match=ours):
        bind(LOOPBACK, sock.getsockname()[1])
    with pytest.raises(BindError, match=r"the address 192\.0\.2\.1"):
        bind(ip_address("192.0.2.1"), 0)


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux")
@pytest.mark.parametrize("ip", ["192.0.2.1", "2001:db8::1"])
def test_an_absent_address_is_bound_if_asked(ip: str) -> None:
    """ADMIN-66: with a lease the other machine has it, or it comes later."""
    with bind(ip_address(ip), 0, absent=True) as sock:
        assert sock.getsockname()[0] == ip


@pytest.mark.skipif(sys.platform != "linux" or not socket.has_ipv6, reason="of Linux")
@pytest.mark.parametrize(("flags", "bound"), [("40", True), ("c0", True), ("80", False), ("48", False)])
def test_a_tentative_address_is_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str, bound: bool) -> None:
    """ADMIN-66: the kernel refuses it as one that is not there; an address that another machine has stays refused."""
    known = tmp_path / "if_inet6"
    known.write_text(f"20010db8000000000000000000000001 02 40 00 {flags} eth0\n")
    monkeypatch.setattr(listeners, "IF_INET6", known)
    if not bound:
        with pytest.raises(BindError, match="the address 2001:db8::1"):
            bind(ip_address("2001:db8::1"), 0)
        return
    with bind(ip_address("2001:db8::1"), 0) as sock:
        assert sock.getsockname()[0] == "2001:db8::1"


@pytest.mark.served
async def test_connections_have_keepalive_and_no_delay() -> None:
    """IMAP-13: dead clients are noticed."""
    seen: list[tuple[int, int, int]] = []

    async def handler(stream: trio.abc.Stream, info: ConnectionInfo) -> None:
        assert isinstance(stream, QuickStream)
        tcp = stream.transport
        seen.append(
            (
                int(tcp.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)),
                int(tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)),
                int(tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)),
            )
        )

    async with serving(handler) as (port, _, _):
        client = await trio.open_tcp_stream("127.0.0.1", port)
        await client.receive_some()
    assert seen == [(1, 300, 1)]


# PROXY protocol


async def parse(octets: bytes) -> tuple[ProxyAddresses | None, bytes]:
    """The header's meaning, and what follows it."""
    client, server = trio.testing.memory_stream_pair()
    await client.send_all(octets)
    await client.send_eof()
    result = await read_proxy_header(server)
    return result, bytes(await server.receive_some())


def version_2(family: int, addresses: bytes, *, command: int = 0x21, extra: bytes = b"") -> bytes:
    body = addresses + extra
    return SIGNATURE + bytes([command, family]) + len(body).to_bytes(2, "big") + body


V4 = ip_address("192.0.2.7").packed + LOOPBACK.packed + (1234).to_bytes(2, "big") + (25).to_bytes(2, "big")
V6 = ip_address("2001:db8::7").packed + ip_address("::1").packed + (1234).to_bytes(2, "big") + (25).to_bytes(2, "big")


@pytest.mark.served
@pytest.mark.parametrize(
    ("header", "remote"),
    [
        (b"PROXY TCP4 192.0.2.7 127.0.0.1 1234 25\r\n", "192.0.2.7"),
        (b"PROXY TCP6 2001:db8::7 ::1 1234 25\r\n", "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n", None),
        (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", None),
        (version_2(0x11, V4), "192.0.2.7"),
        (version_2(0x21, V6, extra=b"\x04\x00\x03abc"), "2001:db8::7"),
        (version_2(0x00, b"", command=0x20), None),
    ],
)
async def test_proxy_header_names_the_client_and_takes_nothing_more(header: bytes, remote: str | None) -> None:
    """SMTP-18: both versions; what follows stays in the stream."""
    result, rest = await parse(header + b"EHLO x\r\n")
    assert (result and str(result.remote)) == remote
    assert rest == b"EHLO x\r\n"
    if result:
        assert (result.remote_port, result.local_port) == (1234, 25)


@pytest.mark.served
@pytest.mark.parametrize(
    "octets",
    [
        b"EHLO example.org\r\n",
        b"PROXY TCP4 192.0.2.7\r\nxxxxxxxxxxxxxxx",
        b"PROXY TCP4 2001:db8::7 ::1 1234 25\r\n",
        b"PROXY TCP4 192.0.2.7 127.0.0.1 99999 25\r\n",
        b"PROXY TCP4 192.0.2.7 127.0.0.1 -1 25\r\n",
        b"PROXY UDP4 192.0.2.7 127.0.0.1 1 25\r\n",
        b"PROXY " + b"x" * 200,
        version_2(0x12, V4),
        version_2(0x11, V4[:8]),
        version_2(0x11, V4, command=0x31),
        version_2(0x11, b"x" * 5000),
        SIGNATURE,
        b"PRO",
        b"",
    ],
)
async def test_bad_proxy_headers_are_refused(octets: bytes) -> None:
    """SMTP-18: a connection without a valid header is nobody's."""
    with pytest.raises(ProxyError):
        await parse(octets)


@given(st.binary(max_size=300))
def test_no_octets_crash_the_proxy_reader(octets: bytes) -> None:
    """SMTP-18: only ProxyError comes out."""

    async def run() -> None:
        with contextlib.suppress(ProxyError):
            await parse(octets)
        with contextlib.suppress(ProxyError):
            await parse(SIGNATURE + octets)

    trio.run(run)


@pytest.mark.served
async def test_proxied_address_is_used_only_from_configured_networks() -> None:
    """SMTP-18: required from them, ignored (and so a syntax error later) from others."""
    infos: list[ConnectionInfo] = []

    async def handler(stream: trio.abc.Stream, info: ConnectionInfo) -> None:
        infos.append(info)
        await stream.send_all(bytes(await stream.receive_some()))

    async with serving(handler, proxies=[ip_network("127.0.0.0/8")]) as (port, _, _):
        client = await trio.open_tcp_stream("127.0.0.1", port)
        await client.send_all(b"PROXY TCP4 192.0.2.7 192.0.2.1 1234 25\r\nEHLO")
        assert await client.receive_some() == b"EHLO"
        without = await trio.open_tcp_stream("127.0.0.1", port)
        await without.send_all(b"EHLO example.org\r\n")
        with contextlib.suppress(trio.BrokenResourceError):
            assert await without.receive_some() == b""
    assert [str(info.remote) for info in infos] == ["192.0.2.7"]
    async with serving(handler, proxies=[ip_network("192.0.2.0/24")]) as (port, _, _):
        client = await trio.open_tcp_stream("127.0.0.1", port)
        await client.send_all(b"PROXY")
        assert await client.receive_some() == b"PROXY"
