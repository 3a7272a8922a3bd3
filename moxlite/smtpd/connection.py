"""Serving one SMTP connection: admission, the session with its watcher, and the end (SMTP-6, SMTP-16, SMTP-135)."""

from collections.abc import Mapping
from functools import partial
from ipaddress import IPv4Address
from typing import Final

import trio

from moxlite.config.static import Static
from moxlite.net.admission import Refusal
from moxlite.net.connections import ConnectionInfo, guard
from moxlite.net.listeners import Handler as PortHandler
from moxlite.net.log import bind_cid, new_cid
from moxlite.process.startup import Endpoint
from moxlite.processor import act_for_mail
from moxlite.proto.smtp import commands as c
from moxlite.proto.smtp.replies import Response
from moxlite.smtpd import replies
from moxlite.smtpd.commands import data, hello, mail
from moxlite.smtpd.context import Context
from moxlite.smtpd.replies import Goodbye
from moxlite.smtpd.session import CROWDED, Handler, Session
from moxlite.smtpd.wire import Wire
from moxlite.supervision import Fate, Supervisor

HANDLERS: Final[Mapping[type[c.Command], Handler]] = {
    c.Ehlo: hello.ehlo,
    c.Helo: hello.helo,
    c.StartTLS: hello.starttls,
    c.Auth: hello.auth,
    c.MailFrom: mail.mail,
    c.RcptTo: mail.rcpt,
    c.Data: data.data,
    c.Bdat: data.bdat,
    c.Rset: hello.rset,
    c.Noop: hello.noop,
    c.Help: hello.help_,
    c.Vrfy: hello.vrfy,
    c.Expn: hello.vrfy,
    c.Quit: hello.quit_,
}


async def serve_connection(stream: trio.abc.Stream, info: ConnectionInfo, context: Context) -> None:
    """Speak SMTP with one client until it quits, breaks the protocol, or times out.

    Cancellation closes without a reply; when `info.shutdown` is set, the client gets 421 as soon as the session waits
    for a command. Unexpected exceptions are raised, for `net.connections.guard` to count and log; the caller closes the
    stream.
    """
    act_for_mail()
    wire = Wire(stream, info, context.pace)
    try:
        if info.trusted_local:
            await _run(Session(context, wire, HANDLERS))
        else:
            await _admit(wire, context)
    finally:
        await wire.aclose()


async def _admit(wire: Wire, context: Context) -> None:
    """Serve the connection, unless its network has opened too many connections in a time, or has too many open."""
    remote = wire.info.remote
    seat, gate = wire.info.seat, context.gate
    refusal = seat.enter(gate, remote)
    try:
        if refusal is not None:
            await _turn_away(wire, replies.TOO_FAST if refusal is Refusal.RATE else replies.TOO_MANY_CONNECTIONS)
            return
        session = Session(context, wire, HANDLERS)
        session.dialogue.crowded = gate.at_once.pressure(remote) > CROWDED
        await _run(session)
    finally:
        seat.leave(gate, remote)


async def _run(session: Session) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(session.wire.watch_shutdown)
        await session.run()
        nursery.cancel_scope.cancel()


async def _turn_away(wire: Wire, response: Response) -> None:
    wire.write(response.encode())
    try:
        await wire.flush()
    except Goodbye:
        return


# SMTP sessions over a socket pair in this process, for the queue's deliveries to our own accounts (QUEUE-36).


LOOPBACK: Final = IPv4Address("127.0.0.1")


class LocalPipe:
    """Starts SMTP sessions as tasks of `tree`.

    Attributes:
      endpoint: the port whose settings the sessions use: that of the first listener with SMTP.
      handler: speaks SMTP; set before the first `connect`.
    """

    def __init__(self, static: Static, shutdown: trio.Event, tree: Supervisor) -> None:
        self._shutdown = shutdown
        self._tree = tree
        listeners = static.listeners
        name = next((name for name, one in listeners.items() if one.smtp.enabled), next(iter(listeners)))
        self.endpoint: Final = Endpoint(name, "smtp", listeners[name].ips[0], listeners[name].smtp.port)
        self.handler: PortHandler | None = None

    def connect(self, key: bytes) -> trio.abc.Stream:
        """Start a session and return the client's end; no account stores a message with the same key twice (STORE-189).

        Raises OSError: no descriptors are left.
        """
        client, server = trio.socket.socketpair()
        self._tree.start("smtpd.pipe", partial(self._serve, trio.SocketStream(server), key), Fate.ONCE)
        return trio.SocketStream(client)

    async def _serve(self, stream: trio.SocketStream, key: bytes) -> None:
        assert self.handler is not None
        cid = new_cid()
        info = ConnectionInfo(
            cid=cid,
            remote=LOOPBACK,
            remote_port=0,
            local=LOOPBACK,
            local_port=self.endpoint.port,
            listener=self.endpoint.listener,
            shutdown=self._shutdown,
            trusted_local=True,
            transaction_key=key,
        )
        with bind_cid(cid), guard("smtpd"):
            async with stream:
                await self.handler(stream, info)
