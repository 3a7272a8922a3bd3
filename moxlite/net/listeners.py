"""Binding ports and serving them: one task per connection, and an orderly end (architecture §5, ADMIN-39).

`serve_listener` is the accept loop of one port, a task of the server's supervisor. The connections are tasks of another
nursery, so that they outlive a failure of that loop; after a shutdown they have `GRACE_SECONDS`.
"""

import errno
import logging
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
import trio

from moxlite.net import metrics
from moxlite.net.admission import Admission, ConnectionInfo, Gate, RateLimitedLog, Seat, Shutdown, guard, visit_from
from moxlite.net.holders import holder_of
from moxlite.net.limits import IPAddress, IPNetwork, unmap
from moxlite.net.log import bind_cid, new_cid
from moxlite.net.sockets import QuickStream
from moxlite.net.tls.errors import TLSError, log_level
from moxlite.net.tls.handshake import ServerTLS
from moxlite.net.tls.stream import TLSStream

logger = logging.getLogger("moxlite.net.listeners")

Handler: TypeAlias = Callable[[trio.abc.Stream, ConnectionInfo], Awaitable[None]]
"""Function that serves one client. It need not close the stream or catch unexpected exceptions."""

Bind: TypeAlias = Callable[[IPAddress, int], socket.socket]
Listen: TypeAlias = Callable[[socket.socket], trio.abc.Listener[trio.SocketStream]]
"""Function that listens on a bound socket: `listen`, or a replacement in tests."""

IF_INET6: Final = Path("/proc/net/if_inet6")
"""The IPv6 addresses of a Linux machine: address, index, length of the prefix, scope, flags, name; all in hex."""

IFA_F_DADFAILED: Final = 0x08
IFA_F_TENTATIVE: Final = 0x40
"""The flag "tentative" in that file (linux/if_addr.h)."""

IP_FREEBIND: Final = 15
IPV6_FREEBIND: Final = 78
"""Options to bind an address that the machine does not have (ip(7); linux/in6.h, Linux 4.15), not in Python."""

BACKLOG: Final = 1024
"""Connections that the kernel holds until we accept them; it caps this at net.core.somaxconn."""

GRACE_SECONDS: Final = 3.0
"""Seconds that running transactions get after a shutdown began (ADMIN-39)."""

PROXY_SECONDS: Final = 10.0
"""Seconds for the PROXY protocol header, which the proxy sends with its first packet."""

NO_RESOURCES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
"""Errors of accept that mean a lack of descriptors or memory, not a broken listener."""

NO_RESOURCES_SECONDS: Final = 0.1
"""Seconds to wait after such an error: short enough to serve at once when a descriptor is free again, long enough to
use little processor time.
"""

PART_SECONDS: Final = 0.5
PART_OCTETS: Final = 256 * 1024
PART_CHUNK: Final = 8192
"""Maximum seconds, octets in all, and octets per read, for reading from a client after the last reply."""

KEEPALIVE_IDLE_SECONDS: Final = 300
KEEPALIVE_INTERVAL_SECONDS: Final = 60
KEEPALIVE_PROBES: Final = 5
"""Idle seconds before TCP keepalive probes (IMAP-13), seconds between them, and their number: a client that vanished is
noticed within 10 minutes.
"""


class BindError(Exception):
    """A port cannot be bound; the text names it and what to do (ADMIN-66). `taken`: another program has it, which the
    text names without advice: the caller knows which. `absent`: this machine doesn't have the address, or no addresses
    of its kind.
    """

    def __init__(self, text: str, *, taken: bool = False, absent: bool = False) -> None:
        super().__init__(text)
        self.taken = taken
        self.absent = absent


def bind(ip: IPAddress, port: int, *, absent: bool = False, backlog: int = BACKLOG) -> socket.socket:
    """Bind a non-blocking TCP socket and listen on it. May be called before Trio runs and while still root.

    IPv6 sockets take IPv6 only, so that ``0.0.0.0`` and ``::`` go together. `absent`: on Linux an address that this
    machine does not have is bound, too. Raises BindError.
    """
    family = socket.AF_INET6 if isinstance(ip, IPv6Address) else socket.AF_INET
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as exc:
        text = f"can't create a socket for {_endpoint(ip, port)}: {exc.strerror}"
        raise BindError(text, absent=exc.errno == errno.EAFNOSUPPORT) from exc
    try:
        # Without it a restart fails for a minute: connections of the last run are in TIME_WAIT at this port.
        if sys.platform != "win32":  # there it would let another program take the port over
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        _bind(sock, ip, port, absent=absent)
        sock.listen(backlog)
        sock.setblocking(False)
    except OSError as exc:
        sock.close()
        taken, gone = exc.errno == errno.EADDRINUSE, exc.errno == errno.EADDRNOTAVAIL
        raise BindError(_bind_problem(exc, ip, port), taken=taken, absent=gone) from exc
    return sock


def is_here(ip: IPAddress) -> bool:
    """Whether this machine has an address: whether the kernel lets a port of it be bound."""
    try:
        bind(ip, 0).close()
    except BindError as error:
        return not error.absent
    return True


def _bind(sock: socket.socket, ip: IPAddress, port: int, *, absent: bool) -> None:
    """Bind, also to an absent address if asked, and to a tentative address of this machine. The kernel refuses a
    tentative address for a second or two after the start of an interface, while it asks the network whether another
    machine has it (RFC 4862 §5.4).
    """
    try:
        sock.bind((str(ip), port))
    except OSError as exc:
        if exc.errno != errno.EADDRNOTAVAIL or sys.platform != "linux" or not (absent or _is_tentative(ip)):
            raise
        if ip.version == 6:
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        sock.bind((str(ip), port))


def _is_tentative(ip: IPAddress) -> bool:
    """Whether Linux lists the address as tentative. On other systems False."""
    try:
        lines = IF_INET6.read_text("ascii").splitlines()
    except OSError:
        return False
    wanted = f"{int(ip):032x}"
    flags = [int(fields[4], 16) for line in lines if len(fields := line.split()) > 4 and fields[0] == wanted]
    return ip.version == 6 and any(flag & IFA_F_TENTATIVE and not flag & IFA_F_DADFAILED for flag in flags)


def _endpoint(ip: IPAddress, port: int) -> str:
    return f"[{ip}]:{port}" if ip.version == 6 else f"{ip}:{port}"


def _bind_problem(exc: OSError, ip: IPAddress, port: int) -> str:
    where = _endpoint(ip, port)
    if exc.errno == errno.EADDRINUSE:
        return (
            f"{where} is already used by"
            f" {holder_of(ip, port) or 'another program (to see which, run `ss -ltnp` as root)'}"
        )
    if exc.errno == errno.EADDRNOTAVAIL:
        return f"can't bind {where}: this machine doesn't have the address {ip}; correct the listener's `ips`"
    if exc.errno in (errno.EACCES, errno.EPERM):
        return f"this user can't bind {where}; start as root, or grant CAP_NET_BIND_SERVICE"
    return f"can't bind {where}: {exc.strerror}"


def listen(sock: socket.socket) -> trio.SocketListener:
    """The Trio listener of a socket from `bind` (or handed over by a parent or systemd)."""
    sock.setblocking(False)
    _keep_alive(sock)
    return trio.SocketListener(trio.socket.from_stdlib_socket(sock))


async def serve_listener(
    listener: trio.abc.Listener[trio.SocketStream],
    handler: Handler,
    *,
    pkg: str,
    name: str,
    shutdown: Shutdown,
    connections: trio.Nursery,
    admission: Admission,
    gate: Gate,
    tls: ServerTLS | None = None,
    proxies: Sequence[IPNetwork] = (),
) -> None:
    """Accept connections and speak with each in its own task of `connections`, until cancelled.

    Args:
      listener: stays open; the caller closes it.
      handler: the session.
      pkg: the package whose metric counts crashes of the handler.
      name: of the configured listener, for logs and `ConnectionInfo`.
      shutdown: sessions see it in their info.
      connections: outlives this task. To end them in order, cancel this task, close the listener, set `shutdown`, and
        give the nursery a deadline `GRACE_SECONDS` from then.
      admission: the seats of all ports.
      gate: the limits of the protocol. A connection that they refuse is closed where TLS would come first; elsewhere
        the session finds the refusal in `info.seat`, and says it.
      tls: shake hands before the handler is called (submissions, imaps, https).
      proxies: networks from which every connection must begin with a PROXY protocol header (SMTP-18); from others
        none is read.

    Errors: an error of one connection ends that connection only. Without descriptors or memory for a new connection,
    the one that has been silent for longest is closed, and the loop waits 0.1 s. Any other error of accept is raised
    and leaves all connections as they are: the function can be called again.
    """
    serve_one = partial(
        _serve_one, handler=handler, pkg=pkg, name=name, shutdown=shutdown, gate=gate, tls=tls, proxies=proxies
    )

    def take(stream: trio.SocketStream) -> None:
        # No await between accept and here: the connection has a seat, or is closed, before any other task runs. So a
        # flood cannot hold more descriptors than there are seats.
        seat = admission.take(stream.socket.fileno())
        if seat is None:
            stream.socket.close()
        else:
            connections.start_soon(_serve_seated, partial(serve_one, stream, seat), admission, seat)

    await accept_loop(listener, name, take, short=admission.make_room)


async def _serve_seated(serve: Callable[[], Awaitable[None]], admission: Admission, seat: Seat) -> None:
    """Serve one connection until it ends or loses its seat."""
    try:
        with seat.scope:
            await serve()
    finally:
        admission.give_back(seat)


async def accept_loop(
    listener: trio.abc.Listener[trio.SocketStream],
    name: str,
    take: Callable[[trio.SocketStream], None],
    *,
    short: Callable[[], object] = bool,
) -> None:
    """Hand each connection to `take`, until cancelled. When descriptors or memory are short, `short` is called before
    the wait for them.

    Errors: as `serve_listener`.
    """
    failures = RateLimitedLog("no resources to accept a connection", logger.error)
    while True:
        try:
            stream = await listener.accept()
        except OSError as exc:
            if exc.errno not in NO_RESOURCES:
                raise
            failures.add(err=exc, listener=name)
            short()
            await trio.sleep(NO_RESOURCES_SECONDS)
            continue
        take(stream)


async def _serve_one(
    stream: trio.SocketStream,
    seat: Seat,
    *,
    handler: Handler,
    pkg: str,
    name: str,
    shutdown: Shutdown,
    gate: Gate,
    tls: ServerTLS | None,
    proxies: Sequence[IPNetwork],
) -> None:
    """Serve one connection from accept to close. Raises only cancellation."""
    cid = new_cid()
    with bind_cid(cid), guard(pkg), metrics.connections.track_inprogress():
        open_stream: trio.abc.Stream = QuickStream(stream)
        info: ConnectionInfo | None = None
        try:
            try:
                info = _describe(stream, cid, name, shutdown, seat)
            except OSError:  # gone between accept and now
                return
            if any(info.remote in network for network in proxies):
                info = await _proxied(stream, info)
            refusal = seat.enter(gate, info.remote)
            visit_from(info.remote)
            if tls is not None:
                if refusal is not None:
                    return
                open_stream = tls_stream = await tls.accept(open_stream)
                info = info.with_tls(tls_stream.facts)
            await handler(open_stream, info)
            if stream.socket.fileno() >= 0:  # else the handler has closed it
                await _part(open_stream, stream)
        except (TLSError, ProxyError) as exc:
            level = log_level(exc, info) if info is not None and isinstance(exc, TLSError) else logging.INFO
            logger.log(
                level,
                "connection rejected before the session",
                extra={"kv": {"err": exc, "listener": name, "remote": info.remote if info is not None else ""}},
            )
        finally:
            if info is not None:
                seat.leave(info.remote)
            if stream.socket.fileno() >= 0:
                await trio.aclose_forcefully(open_stream)


async def _part(open_stream: trio.abc.Stream, stream: trio.SocketStream) -> None:
    """Shut down sending, and read for a moment what the client still sends.

    Closing with unread octets would reset the connection, and the client might never receive the last reply, such as
    the reason of a refusal. The connection counts for its network meanwhile.
    """
    try:
        with trio.move_on_after(PART_SECONDS):
            if isinstance(open_stream, TLSStream):
                await open_stream.send_closing_alert()
            await stream.send_eof()
            taken = 0
            while taken < PART_OCTETS and (data := await stream.receive_some(PART_CHUNK)):
                taken += len(data)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass  # the client has closed it


def _describe(stream: trio.SocketStream, cid: int, name: str, shutdown: Shutdown, seat: Seat) -> ConnectionInfo:
    remote, local = stream.socket.getpeername(), stream.socket.getsockname()
    return ConnectionInfo(
        cid=cid,
        remote=unmap(ip_address(remote[0].partition("%")[0])),
        remote_port=remote[1],
        local=unmap(ip_address(local[0].partition("%")[0])),
        local_port=local[1],
        listener=name,
        shutdown=shutdown,
        seat=seat,
    )


async def _proxied(stream: trio.SocketStream, info: ConnectionInfo) -> ConnectionInfo:
    try:
        with trio.fail_after(PROXY_SECONDS):
            real = await read_proxy_header(stream)
    except trio.TooSlowError:
        raise ProxyError(f"no PROXY protocol header within {PROXY_SECONDS:.0f} s") from None
    if real is None:
        return info
    return info.behind(real.remote, real.remote_port, real.local)


def _keep_alive(sock: socket.socket) -> None:
    """Set TCP keepalive for all connections of a listening socket, which have its options from their beginning."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_IDLE_SECONDS),
        ("TCP_KEEPINTVL", KEEPALIVE_INTERVAL_SECONDS),
        ("TCP_KEEPCNT", KEEPALIVE_PROBES),
    ):
        if hasattr(socket, option):  # not on every system
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


# The PROXY protocol, versions 1 and 2: the address of the client behind a load balancer (SMTP-18).
#
# https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt. The header is read to its last octet and no further, so
# that all that follows (TLS, a command) is still in the stream.


SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
"""First octets of version 2. No protocol served here begins with them."""

MAX_V1: Final = 107
"""Octets of the longest version 1 line, with CRLF (§2.1)."""

MAX_V2: Final = 2048
"""Maximum octets of addresses and extensions in version 2. Senders use far fewer (§2.2 recommends 536 in all)."""


class ProxyError(Exception):
    """The proxy sent no valid header, so the client's address is unknown."""


class ProxyAddresses(msgspec.Struct, frozen=True):
    """Addresses of client and server of a proxied connection."""

    remote: IPAddress
    remote_port: int
    local: IPAddress
    local_port: int


async def read_proxy_header(stream: trio.abc.ReceiveStream) -> ProxyAddresses | None:
    """Read the header. Returns None if the proxy connects for itself (a health check), so that the socket's own
    addresses hold.

    Raises ProxyError; limit its time from outside.
    """
    start = await _exactly(stream, len(SIGNATURE))
    if start == SIGNATURE:
        return await _read_version_2(stream)
    if start.startswith(b"PROXY "):
        return await _read_version_1(stream, start)
    raise ProxyError("no PROXY protocol header")


async def _exactly(stream: trio.abc.ReceiveStream, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = await stream.receive_some(count - len(data))
        if not more:
            raise ProxyError("connection closed in the PROXY protocol header")
        data += more
    return data


async def _read_version_1(stream: trio.abc.ReceiveStream, line: bytes) -> ProxyAddresses | None:
    # One octet at a time: nothing behind the line may be taken from the stream.
    while not line.endswith(b"\r\n"):
        if len(line) >= MAX_V1:
            raise ProxyError("PROXY protocol line too long")
        line += await _exactly(stream, 1)
    words = line[:-2].decode("ascii", "replace").split(" ")
    if words[1] == "UNKNOWN":
        return None
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6"):
        raise ProxyError("bad PROXY protocol line")
    try:
        remote, local = ip_address(words[2]), ip_address(words[3])
    except ValueError as exc:
        raise ProxyError("bad address in PROXY protocol line") from exc
    version = 4 if words[1] == "TCP4" else 6
    if remote.version != version or local.version != version:
        raise ProxyError("address family mismatch in PROXY protocol line")
    return ProxyAddresses(unmap(remote), _port(words[4]), unmap(local), _port(words[5]))


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 5 or int(text) > 65535:
        raise ProxyError("bad port in PROXY protocol line")
    return int(text)


async def _read_version_2(stream: trio.abc.ReceiveStream) -> ProxyAddresses | None:
    version_command, family, length = struct.unpack("!BBH", await _exactly(stream, 4))
    if version_command >> 4 != 2 or version_command & 0xF > 1:
        raise ProxyError("unknown PROXY protocol version or command")
    if length > MAX_V2:
        raise ProxyError("PROXY protocol header too long")
    body = await _exactly(stream, length)
    if version_command & 0xF == 0:  # LOCAL
        return None
    if family == 0x11 and length >= 12:  # TCP over IPv4
        return ProxyAddresses(IPv4Address(body[0:4]), _number(body, 8), IPv4Address(body[4:8]), _number(body, 10))
    if family == 0x21 and length >= 36:  # TCP over IPv6
        remote, local = IPv6Address(body[0:16]), IPv6Address(body[16:32])
        return ProxyAddresses(unmap(remote), _number(body, 32), unmap(local), _number(body, 34))
    raise ProxyError("PROXY protocol header must be for TCP over IP")


def _number(body: bytes, offset: int) -> int:
    return int.from_bytes(body[offset : offset + 2], "big")
