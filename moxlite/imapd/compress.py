"""COMPRESS (RFC 4978; IMAP-135)."""

from moxlite.imapd.session.errors import no
from moxlite.imapd.session.session import Done, Session
from moxlite.proto.imap import commands as c

__all__ = ["begin", "compress"]


async def compress(session: Session, command: c.Compress) -> Done:
    """COMPRESS: once, and DEFLATE only; compression begins behind the OK."""
    if command.mechanism != "DEFLATE":
        raise no("unknown mechanism")
    if session.wire.compressed:
        raise no("compression is active already", "COMPRESSIONACTIVE")
    return Done("compression begins")


async def begin(session: Session) -> None:
    """What follows the OK."""
    await session.wire.compress()
