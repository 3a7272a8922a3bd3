"""Serving one SMTP connection: admission, the session, and the end (SMTP-6, SMTP-16, SMTP-135)."""

from collections.abc import Mapping
from typing import Final

import trio

from moxlite.net.admission import ConnectionInfo, Refusal
from moxlite.processor import act_for_mail
from moxlite.proto.smtp import commands as c
from moxlite.proto.smtp.replies import Response
from moxlite.smtpd import replies
from moxlite.smtpd.commands import data, hello, mail
from moxlite.smtpd.context import Context
from moxlite.smtpd.replies import Goodbye
from moxlite.smtpd.session import CROWDED, Handler, Session
from moxlite.smtpd.wire import Wire

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
    for a command. Unexpected exceptions are raised, for `net.admission.guard` to count and log; the caller closes the
    stream.
    """
    act_for_mail()
    wire = Wire(stream, info, context.pace)
    try:
        if info.trusted_local:
            await Session(context, wire, HANDLERS).run()
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
        await session.run()
    finally:
        seat.leave(gate, remote)


async def _turn_away(wire: Wire, response: Response) -> None:
    wire.write(response.encode())
    try:
        await wire.flush()
    except Goodbye:
        return
