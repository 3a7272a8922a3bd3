"""A TLS connection as a Trio stream: OpenSSL over memory buffers (SMTP-34, IMAP-13). `handshake` makes them.

Theory of operation
-------------------
`TLSStream` wraps any Trio stream. Received octets go into OpenSSL's input buffer, and plaintext is read out of it.
OpenSSL's output is read from its output buffer and sent under a lock, in order. Receiving never sends: two peers that
are both blocked in sending would wait for ever, so answers to key updates go out with the next send. A send that is
cancelled has lost octets of a record, hence the stream is broken from then on. A record that the transport did not take
whole by `send_now` is kept, and goes out first by whatever is sent next.
"""

from typing import Final, Literal, TypeAlias

import trio
from cryptography import x509
from OpenSSL import SSL
from OpenSSL._util import lib as _lib

from moxlite.net.admission import TLSFacts
from moxlite.net.sockets import Prompt, send_now
from moxlite.net.tls.certificates import end_point_hash, key_fingerprint
from moxlite.net.tls.errors import TLSError, tls_error

ChannelBinding: TypeAlias = Literal["tls-exporter", "tls-unique", "tls-server-end-point"]

HANDSHAKE_SECONDS: Final = 60.0
"""Seconds for a handshake (QUEUE-54, SMTP-6, WEB-19)."""

CLOSE_SECONDS: Final = 1.0
"""Seconds for sending the closing alert: a peer that does not read must not hold the task (SMTP-14)."""

MIN_CHUNK: Final = 8192
"""Octets that an idle connection reads at once. Larger temporary buffers fragment the heap to 75 kB per connection
instead of 42.
"""
MAX_CHUNK: Final = 65536
"""Octets that a busy connection reads at once, reached by doubling: twice as fast as 8 kB."""
RECORD: Final = 16384
"""Maximum octets of plaintext in one TLS record (RFC 8446 §5.1)."""
FLUSH: Final = 131072
"""Octets of plaintext encrypted before they are sent."""
FLUSH_CHUNK: Final = FLUSH + FLUSH // RECORD * 256
"""Octets of its ciphertext: a record has up to 256 octets more than its plaintext (RFC 8446 §5.2)."""


_turn: Final = trio.Lock()
"""Held for a step of a server's handshake and one turn of the loop: keys take 1 ms, on small machines 10, and hundreds
of clients that come at once must not hold all others up (WEB-171). It is never held while a client is waited for.
"""


class TLSStream(Prompt):
    """An established TLS connection over `transport`. Made by `ServerTLS.accept` and `ClientTLS.connect`.

    Several tasks may send (each `send_all` stays whole); one may receive. Octets that the peer closes without a
    closing alert are an ordinary end of stream: mail protocols end by their own words, not by TLS.
    """

    def __init__(self, transport: trio.abc.Stream, connection: SSL.Connection, *, server_side: bool) -> None:
        self.transport = transport
        self.server_side = server_side
        self._ssl = connection
        self._send_lock = trio.Lock()
        self._rest = b""
        self._chunk = MIN_CHUNK
        self._receiving = False
        self._broken = False
        self._ended = False
        self._closed = False
        self._facts: TLSFacts | None = None

    @property
    def facts(self) -> TLSFacts:
        """Result of the handshake."""
        assert self._facts is not None, "handshake not finished"
        return self._facts

    async def do_handshake(self, plain_http: bytes = b"") -> None:
        """Shake hands. Raises TLSError, or what the transport raises; then the stream can only be closed.

        Args:
          plain_http: the answer to a request of HTTP without TLS.
        """
        while True:
            try:
                await self._step()
            except SSL.WantReadError:
                gone: trio.BrokenResourceError | None = None
                try:
                    async with self._send_lock:
                        await self._flush(MIN_CHUNK)
                except trio.BrokenResourceError as exc:
                    gone = exc  # an alert that the peer sent before it disconnected gives the reason
                data = await self.transport.receive_some(MIN_CHUNK)
                if not data:
                    self._broken = True
                    raise TLSError("peer closed the connection during the handshake", kind="eof") from gone
                self._ssl.bio_write(data)
            except SSL.Error as exc:
                error = tls_error(exc)
                with trio.move_on_after(CLOSE_SECONDS):  # our alert gives the peer the reason
                    try:
                        await self._flush(MIN_CHUNK)
                        if error.plain_http:
                            await self.transport.send_all(plain_http)
                    except (trio.BrokenResourceError, trio.ClosedResourceError):
                        pass
                self._broken = True
                raise error from exc
            else:
                async with self._send_lock:
                    await self._flush(MIN_CHUNK)
                self._facts = self._read_facts()
                return

    async def _step(self) -> None:
        """Compute one step of the handshake. Raises SSL.Error."""
        if not self.server_side:
            self._ssl.do_handshake()
            return
        async with _turn:
            try:
                self._ssl.do_handshake()
            finally:
                await trio.lowlevel.checkpoint()

    def _read_facts(self) -> TLSFacts:
        name = self._ssl.get_servername()
        leaf = self._peer_leaf()
        return TLSFacts(
            version=self._ssl.get_protocol_version_name(),
            cipher=self._ssl.get_cipher_name() or "",
            server_name=name.decode("ascii", "replace").lower() if name else None,
            alpn=self._ssl.get_alpn_proto_negotiated().decode("ascii", "replace") or None,
            peer_key=None if leaf is None else key_fingerprint(leaf),
            resumed=_session_reused(self._ssl),
            group=self._ssl.get_group_name() or "",
        )

    def _peer_leaf(self) -> x509.Certificate | None:
        try:
            return self._ssl.get_peer_certificate(as_cryptography=True)
        except (
            ValueError
        ):  # OpenSSL reads odd encodings that cryptography refuses: such a certificate identifies no account
            return None

    def peer_chain(self) -> list[x509.Certificate]:
        """The peer's certificates as it sent them, leaf first, unverified; empty if it sent none that can be read."""
        try:
            chain = self._ssl.get_peer_cert_chain(as_cryptography=True) or []
        except ValueError:
            return []
        if self.server_side and (leaf := self._peer_leaf()) is not None:
            return [leaf, *chain]  # OpenSSL leaves a client's leaf out of the chain
        return chain

    def channel_bindings(self) -> tuple[ChannelBinding, ...]:
        """The kinds of channel binding that are safe on this connection (RFC 9266, RFC 5929, RFC 7627).

        On TLS 1.2 without extended master secret another connection may share the secret, which leaves
        tls-server-end-point only; tls-unique is moreover not used on a resumed session.
        """
        if self.facts.version == "TLSv1.3":
            return ("tls-exporter", "tls-server-end-point")
        if not _extended_master_secret(self._ssl):
            return ("tls-server-end-point",)
        if self.facts.resumed:
            return ("tls-exporter", "tls-server-end-point")
        return ("tls-exporter", "tls-unique", "tls-server-end-point")

    def channel_binding(self, kind: ChannelBinding) -> bytes:
        """The binding's data, equal on both ends of an unintercepted connection. Raises ValueError for a kind not in
        `channel_bindings`.
        """
        if kind not in self.channel_bindings():
            raise ValueError(f"channel binding {kind} isn't available on this connection")
        if kind == "tls-exporter":
            return self._ssl.export_keying_material(
                b"EXPORTER-Channel-Binding", 32, b""
            )  # RFC 9266 §4.2: empty context
        if kind == "tls-unique":
            # RFC 5929 §3.1: the first Finished message, which in a full handshake is the client's.
            return (self._ssl.get_peer_finished() if self.server_side else self._ssl.get_finished()) or b""
        certificate = self._ssl.get_certificate(as_cryptography=True) if self.server_side else self._peer_leaf()
        if certificate is None:
            raise ValueError("missing server certificate")
        return end_point_hash(certificate)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        # Taking a free lock by `async with` would give other tasks a turn: 10 µs in each answer.
        if self._send_lock.locked():
            await self._send_lock.acquire()
        else:
            self._send_lock.acquire_nowait()
        try:
            self._check_usable()
            view = memoryview(data)
            chunk = MIN_CHUNK if len(view) <= MIN_CHUNK else FLUSH_CHUNK
            pending = 0
            try:
                for start in range(0, len(view), RECORD):
                    pending += self._ssl.send(view[start : start + RECORD])
                    if pending >= FLUSH:
                        await self._flush(chunk)
                        pending = 0
            except SSL.Error as exc:
                self._broken = True
                raise trio.BrokenResourceError from tls_error(exc)
            if pending or not view:
                await self._flush(chunk)
        finally:
            self._send_lock.release()

    @property
    def unsent(self) -> bool:
        """See `Prompt.unsent`."""
        return bool(self._rest)

    def send_now(self, octets: bytes) -> int:
        """See `Prompt.send_now`."""
        self._check_usable()
        if self._send_lock.locked() or self._rest:
            return 0
        try:
            view = memoryview(octets)
            for start in range(0, len(view), RECORD):  # OpenSSL takes one record at a time
                self._ssl.send(view[start : start + RECORD])
            full = True
            while full:
                out = self._ssl.bio_read(MIN_CHUNK)
                full = len(out) == MIN_CHUNK
                sent = send_now(self.transport, out)
                if sent < len(out):
                    self._rest = out[sent:]
                    break
        except SSL.WantReadError:
            pass  # all is read from OpenSSL's buffer
        except SSL.Error as exc:
            self._broken = True
            raise trio.BrokenResourceError from tls_error(exc)
        except trio.BrokenResourceError:
            self._broken = True
            raise
        return len(octets)

    async def _flush(self, chunk: int) -> None:
        full = True
        while full:
            out, self._rest = self._rest, b""
            try:
                if not out:
                    out = self._ssl.bio_read(chunk)
                    full = len(out) == chunk
            except SSL.WantReadError:
                return
            sent = False
            try:
                await self.transport.send_all(out)
                sent = True
            finally:
                self._broken = self._broken or not sent

    async def wait_send_all_might_not_block(self) -> None:
        async with self._send_lock:
            self._check_usable()
            await self.transport.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if self._closed:
            raise trio.ClosedResourceError
        if self._receiving:
            raise trio.BusyResourceError("another task is receiving from this TLS stream")
        self._receiving = True
        try:
            return await self._receive(max_bytes)
        finally:
            self._receiving = False

    async def _receive(self, max_bytes: int | None) -> bytes:
        while not self._ended:
            try:
                # However much the caller would take: OpenSSL gives one record at most, and the buffer is made anew each
                # time.
                size = MIN_CHUNK if self._chunk == MIN_CHUNK else RECORD
                return self._ssl.recv(size if max_bytes is None else min(max_bytes, size))
            except SSL.WantReadError:
                pass
            except (SSL.ZeroReturnError, SSL.SysCallError):
                self._ended = True
                break
            except SSL.Error as exc:
                if self._closed:
                    raise trio.ClosedResourceError from None
                self._broken = True
                raise trio.BrokenResourceError from tls_error(exc)
            data = await self.transport.receive_some(self._chunk)
            self._chunk = min(self._chunk * 2, MAX_CHUNK) if len(data) == self._chunk else MIN_CHUNK
            if data:
                self._ssl.bio_write(data)
            else:
                self._ssl.bio_shutdown()
        return b""

    def _check_usable(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError
        if self._broken:
            raise trio.BrokenResourceError("an earlier send was canceled or failed")

    async def aclose(self) -> None:
        """Close: a closing alert if it can be sent at once, then the transport. Does not wait for the peer's alert
        (RFC 8446 §6.1).
        """
        if self._closed:
            await trio.lowlevel.checkpoint()
            return
        try:
            await self.send_closing_alert()
        finally:
            self._closed = True
            await self.transport.aclose()

    async def send_closing_alert(self) -> None:
        """Tell the peer that nothing more comes, if that can be sent at once; afterwards the stream can only be
        closed.
        """
        if self._closed or self._broken or self._facts is None or self._send_lock.locked():
            return
        with trio.move_on_after(CLOSE_SECONDS):
            try:
                self._ssl.shutdown()
                await self._flush(MIN_CHUNK)
            except (SSL.Error, trio.BrokenResourceError, trio.ClosedResourceError):
                pass
        self._broken = True


def _extended_master_secret(connection: SSL.Connection) -> bool:
    """Whether RFC 7627 was negotiated. pyOpenSSL has no public query; tests pin this one to the version in use."""
    return bool(_lib.SSL_get_extms_support(connection._ssl) == 1)  # noqa: SLF001


def _session_reused(connection: SSL.Connection) -> bool:
    return bool(_lib.SSL_session_reused(connection._ssl) == 1)  # noqa: SLF001


async def handshake(stream: TLSStream, leftover: bytes, seconds: float, plain_http: bytes = b"") -> TLSStream:
    """Shake hands within `seconds`; `leftover`: octets that came before the TLS began; `plain_http`: the answer to a
    request of HTTP without TLS.

    Raises TLSError; the transport is closed then, as it is when cancelled.
    """
    if leftover:
        stream._ssl.bio_write(leftover)  # noqa: SLF001 before the first read, so it is the stream's own business
    try:
        with trio.fail_after(seconds):
            await stream.do_handshake(plain_http)
    except trio.TooSlowError:
        await trio.aclose_forcefully(stream.transport)
        raise TLSError(f"TLS handshake timed out after {seconds:.0f} s", kind="timeout") from None
    except trio.BrokenResourceError as exc:
        await trio.aclose_forcefully(stream.transport)
        raise TLSError("connection lost during the handshake", kind="eof") from exc
    except BaseException:
        await trio.aclose_forcefully(stream.transport)
        raise
    return stream
