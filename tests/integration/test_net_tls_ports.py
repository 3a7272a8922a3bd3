"""Ports with TLS of a running server, as other programs meet them: versions, tickets, names, and what is no TLS."""

import socket
import ssl
from collections.abc import Iterator

import pytest

from tests.running import ServedServer
from tests.tools import free_port, until

pytestmark = [pytest.mark.served, pytest.mark.integration]

STRICT = "127.0.0.2"

STATIC = """\
account_https = {{ enabled = true, port = {https} }}
[listeners.strict]
ips = ["127.0.0.2"]
tls = {{ min_version = "TLSv1.3", session_tickets = false, key_certs = [{{ cert_file = "cert.pem", \
key_file = "key.pem" }}] }}
account_https = {{ enabled = true, port = {https} }}
"""


@pytest.fixture(scope="module")
def https() -> int:
    """The port of https, at both addresses."""
    return free_port()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, https: int) -> Iterator[ServedServer]:
    """Two listeners, one of which takes TLS 1.3 alone and gives no tickets."""
    with ServedServer(tmp_path_factory.mktemp("tls") / "server", static=STATIC.format(https=https)) as server:
        yield server


def context_of(*, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    """A client that trusts every certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = newest
    return context


def connected(
    https: int,
    ip: str = "127.0.0.1",
    *,
    context: ssl.SSLContext | None = None,
    session: ssl.SSLSession | None = None,
) -> ssl.SSLSocket:
    """A connection that has got an answer, with which tickets come. `session`: to go on with."""
    plain = socket.create_connection((ip, https), timeout=60)
    stream = (context or context_of()).wrap_socket(plain, server_hostname="localhost", session=session)
    stream.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert stream.recv(1000).startswith(b"HTTP/1.1 ")
    return stream


def test_versions_and_tickets_are_those_of_the_listener(server: ServedServer, https: int) -> None:
    """WEB-122: a session goes on by its ticket, unless the listener gives none."""
    older = context_of(newest=ssl.TLSVersion.TLSv1_2)
    with connected(https, context=older) as stream:
        assert stream.version() == "TLSv1.2"
    with pytest.raises(ssl.SSLError):
        connected(https, STRICT, context=older)
    for ip, tickets in (("127.0.0.1", True), (STRICT, False)):
        context = context_of()
        with connected(https, ip, context=context) as stream:
            assert stream.version() == "TLSv1.3"
            session = stream.session
        with connected(https, ip, context=context, session=session) as stream:
            assert stream.session_reused is tickets, ip


def said(https: int, octets: bytes, *, piece: int = 0) -> bytes:
    """All that comes back until the connection ends, `octets` being sent by pieces of a size."""
    found = b""
    with socket.create_connection(("127.0.0.1", https), timeout=60) as stream:
        try:
            for start in range(0, len(octets), piece or len(octets)):
                stream.sendall(octets[start : start + (piece or len(octets))])
            while data := stream.recv(4096):
                found += data
        except (ConnectionResetError, BrokenPipeError):
            pass  # it was closed with octets of ours unread
    return found


def test_a_browser_without_tls_is_told_so(server: ServedServer, https: int) -> None:
    """WEB-139: in plain, at a port of https; a mail port says nothing of HTTP."""
    answer = said(https, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"use https://" in body
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"HTTP" not in said(server.ports["imaps"], b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")


GARBAGE = {
    "SSLv2": b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + b"\x01\x00\x80" * 7 + b"\x00" * 16,
    "a hello of 64 KiB": b"\x16\x03\x01\xff\xff\x01\x00\xff\xfb\x03\x03" + b"\x00" * 65_000,
    "zeros": b"\x00" * 5000,
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n" * 20,
    "records of one octet": b"\x16\x03\x01\x00\x01\xff" * 300,
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_what_is_no_tls_is_closed(server: ServedServer, https: int, kind: str) -> None:
    """WEB-139: at once or by the limit of the handshake; the server goes on."""
    answer = said(https, GARBAGE[kind], piece=1000)
    assert b"HTTP" not in answer
    with connected(https):
        pass


def test_a_hello_in_many_records_is_taken_or_closed(server: ServedServer, https: int) -> None:
    """WEB-139: a hello that is right but for its records of a few octets each, and is never finished, ends with its
    client.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    hello = outgoing.read()[5:]
    pieces = [hello[start : start + 7] for start in range(0, len(hello) - 7, 7)]
    records = b"".join(b"\x16\x03\x01" + len(piece).to_bytes(2, "big") + piece for piece in pieces)
    with socket.create_connection(("127.0.0.1", https), timeout=60) as stream:
        stream.sendall(records)
        with connected(https):
            pass

    def answered() -> bool:
        connected(https).close()
        return True

    until(answered, what="an answer after that")
