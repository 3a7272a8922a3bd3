"""IDLE (RFC 9051 §6.3.13, IMAP-128)."""

from moxlite.imapd.session.errors import Disconnect
from moxlite.imapd.session.session import Done, Session
from moxlite.imapd.telling.watch import receive_while_telling
from moxlite.proto.imap import commands as c
from moxlite.proto.imap import server as codec
from moxlite.proto.imap.responses import Continue

__all__ = ["idle"]


async def idle(session: Session, command: c.Idle) -> Done:
    """IDLE: with or without a selected mailbox."""
    decoder = session.wire.decoder
    session.respond(Continue(b"idling"))
    await session.wire.drain()
    decoder.expect = "idle"
    try:
        event = await receive_while_telling(session, expunge=True, keepalive=session.context.idle_keepalive)
    finally:
        decoder.expect = "command"
    match event:
        case codec.IdleDone():
            return Done("idled")
        case codec.BadCommand(text=text, code=code):
            raise Disconnect(text, code)
        case _:
            raise Disconnect("connection closed")
