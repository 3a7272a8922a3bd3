"""Changes of a message's octets before an attempt, with new DKIM signatures of ours. The first signatures are made
at submission.
"""

import logging
from typing import Final

from moxlite.mailauth.dkim.message import Message as Signed
from moxlite.mailauth.dkim.sign import SigningError, sign
from moxlite.mailauth.dkim.signature import TagError, parse_tags
from moxlite.proto.address import AddressError, Domain
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.sevenbit import Unconvertible, convert
from moxlite.proto.mime.wire import read_addresses
from moxlite.queue.context import Context
from moxlite.queue.data.content import octets
from moxlite.queue.data.rows import Message
from moxlite.queue.schedule import SECOND
from moxlite.store.content.spool import Spool
from moxlite.store.content.spoolheader import HeaderTooLarge, read_header
from moxlite.store.errors import ChunkDamaged
from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Tx

# Renewal of the DKIM signatures of waiting messages (AUTH-46): they are valid for 72 hours, and the queue tries for
# five days. Before an attempt, signatures of ours that are older than a day are replaced in the rows of the
# submission.


logger = logging.getLogger("moxlite.queue.signing.resigning")

MAX_AGE: Final = 24 * 3600 * SECOND
"""Maximum age (µs) of a signature when an attempt begins: the host that takes the message may delay it by two more
days.
"""

SIGNATURE: Final = b"dkim-signature"

# Only rows with the old prefix: an attempt for another domain of the submission may have renewed it meanwhile.
SET_PREFIX: Final = """
UPDATE msg SET size = size - length(prefix) + ?1, prefix = ?2 WHERE content_id = ?3 AND prefix = ?4"""


async def renew_signatures(ctx: Context, database: Database, message: Message) -> None:
    """Renew the signatures of a message before an attempt, if one is older than `MAX_AGE`; all rows with its prefix get
    the new one.

    If the domain has no keys any more, the signatures are removed; after an error they stay. Both are logged. Raises
    StoreError of the queue's database.
    """
    now = ctx.clock()
    if now - message.queued < MAX_AGE or not message.prefix:
        return
    section = HeaderSection(message.prefix)
    made = [(field, *_made(field.text)) for field in section.all(SIGNATURE)]
    if not made or all(now - when < MAX_AGE for _, when, _ in made):
        return
    rest = section.without([field for field, _, _ in made])
    try:
        fresh = await _signatures(ctx, database, message, rest, made[0][2])
    except (SigningError, HeaderTooLarge, AddressError, ChunkDamaged, OSError) as error:
        logger.error("failed to sign message again", extra={"kv": {"err": error, "msg": message.id}})
        return
    facts = {"msg": message.id, "domain": made[0][2] or None}
    if fresh:
        logger.info("message signed again", extra={"kv": facts})
    else:
        logger.warning("sending without the old signature: missing domain key", extra={"kv": facts})
    prefix = fresh + rest

    def unit(tx: Tx) -> None:
        tx.execute(SET_PREFIX, len(prefix), prefix, message.content_id, message.prefix)

    await database.write(unit)


def _made(text: bytes) -> tuple[int, str]:
    """Time (µs UTC) and domain of a signature; 0 and "" for one that cannot be parsed."""
    try:
        tags = parse_tags(text.decode("ascii", "replace"))
        return int(tags.get("t", "0")) * SECOND, tags.get("d", "")
    except (TagError, ValueError):
        return 0, ""


async def _signatures(ctx: Context, database: Database, message: Message, rest: bytes, domain: str) -> bytes:
    """Make signature fields with the current keys of `domain`. `rest`: the other fields of the prefix."""
    with Spool(ctx.tmp) as spool:
        await copy_content(database, message, rest, spool)
        return await sign_spool(ctx, spool, domain)


async def copy_content(database: Database, message: Message, prefix: bytes, spool: Spool) -> None:
    """Fill a spool with a message under another prefix. Raises StoreError, OSError."""
    await spool.write(prefix)
    skip = len(message.prefix)
    async for piece in octets(database, message):
        if skip < len(piece):
            await spool.write(piece[skip:])
        skip = max(0, skip - len(piece))
    await spool.finish()


def own_signatures(prefix: bytes) -> tuple[bytes, str]:
    """The prefix without the signatures made at submission, and the domain of the first; "" without any."""
    section = HeaderSection(prefix)
    fields = section.all(SIGNATURE)
    return (section.without(fields), _made(fields[0].text)[1]) if fields else (prefix, "")


async def sign_spool(ctx: Context, spool: Spool, domain: str) -> bytes:
    """Sign a finished message with the current keys of `domain`; returns the fields, b"" without keys.

    Raises SigningError, HeaderTooLarge, AddressError, OSError.
    """
    signer = Domain.parse(domain)
    signers = ctx.keys.signers(ctx.config.current.domain(signer))
    if not signers:
        return b""
    section = await read_header(spool)
    start = spool.size if section.body is None else section.body
    signed = Signed(
        section=section,
        body=lambda: spool.chunks(start=start),
        size=spool.size,
        in_memory=spool.in_memory,
    )
    addresses, _ = read_addresses(signed.section.texts(b"from"))
    from moxlite.acceptance.cases import from_address  # 0.4 MB that few messages need

    return await sign(signed, from_address(addresses), signers, ctx.clock() / SECOND, domain=signer)


# Conversion of 8-bit messages for hosts without 8BITMIME, with new signatures (QUEUE-63a).


sevenbit_logger = logging.getLogger("moxlite.queue.signing.sevenbit")

SIGNED: Final = (b"dkim-signature", b"arc-message-signature", b"arc-seal")
"""Signatures of others, which a conversion of the body would break."""


async def seven_bit(ctx: Context, database: Database, message: Message) -> Spool:
    """Convert a message to its 7-bit form with new signatures of ours, in a spool that the caller closes. The rows keep
    the 8-bit form, because the next host may support it.

    Raises Unconvertible; StoreError, OSError as reading and writing do.
    """
    prefix, domain = own_signatures(message.prefix)
    with Spool(ctx.tmp) as whole:
        await copy_content(database, message, prefix, whole)
        try:
            section = await read_header(whole)
            if any(section.count(name) for name in SIGNED):
                raise Unconvertible("message already has other signatures")
            with await whole.rewritten(convert) as converted:
                signatures = await sign_spool(ctx, converted, domain) if domain else b""
                signed = await converted.with_header(signatures, 0)
        except (SigningError, HeaderTooLarge, AddressError) as exc:
            raise Unconvertible(str(exc)) from exc
        sevenbit_logger.info(
            "message converted to 7-bit data", extra={"kv": {"msg": message.id, "domain": domain or None}}
        )
        return signed
