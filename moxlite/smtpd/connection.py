"""Serving one SMTP connection: admission, the session, and the end (SMTP-6, SMTP-16, SMTP-135)."""

from collections.abc import Mapping
from typing import Final

import trio

from moxlite.net.admission import ConnectionInfo, Refusal
from moxlite.processor import act_for_mail
from moxlite.proto.smtp import commands as c
from moxlite.smtpd import replies
from moxlite.smtpd.commands import data, hello, mail
from moxlite.smtpd.context import Context
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
    wire = Wire(stream, info, context.timeouts)
    refusal = None if info.trusted_local else info.seat.enter(context.gate, info.remote)
    if refusal is not None:
        response = replies.TOO_FAST if refusal is Refusal.RATE else replies.TOO_MANY_CONNECTIONS
        await wire.say_last(response.encode())
        # Close immediately. The connection doesn't count for its network, so a flood of them mustn't stay open.
        await stream.aclose()
        return
    session = Session(context, wire, HANDLERS)
    session.dialogue.crowded = not info.trusted_local and context.gate.at_once.pressure(info.remote) > CROWDED
    try:
        await session.run()
    finally:
        await wire.finish()
