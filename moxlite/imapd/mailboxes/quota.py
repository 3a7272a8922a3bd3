"""QUOTA (RFC 9208, and as older clients know it, RFC 2087): one root, for all mailboxes of the account (IMAP-132).

The operator sets the limit in the configuration; it is only read here.
"""

from typing import Final

from moxlite.imapd.session.errors import no
from moxlite.imapd.session.place import at, owner_of
from moxlite.imapd.session.state import Done, Session
from moxlite.proto.imap import commands as c
from moxlite.proto.imap.responses import QuotaData, QuotaRootData
from moxlite.store.errors import BadMailboxName
from moxlite.store.names import OTHERS, check_name, is_foreign
from moxlite.store.rows.mailboxes import state

ROOT: Final = ""
"""Name of the only quota root."""

UNIT: Final = 1024
"""Octets of one unit of STORAGE (RFC 9208 §5.1)."""


async def _tell(session: Session) -> None:
    """Send ``* QUOTA``; nothing without a limit, as the syntax cannot express usage alone."""
    account = session.home.account
    limit = account.config.quota
    if limit:
        used = (await account.read(state, op="imap-quota")).total_size
        session.respond(QuotaData(ROOT, (("STORAGE", -(-used // UNIT), -(-limit // UNIT)),)))


async def quota(session: Session, command: c.GetQuota) -> Done:
    """Answer GETQUOTA: use and limit of a quota root."""
    if is_foreign(command.root):
        raise no("only its owner may see that", "NOPERM")
    if command.root != ROOT:
        raise no("no such quota root", "NONEXISTENT")
    await _tell(session)
    return Done("quota told")


async def quota_root(session: Session, command: c.GetQuotaRoot) -> Done:
    """GETQUOTAROOT. One's own mailbox may be missing (RFC 9208 §4.1.2). For mailboxes of others only the root's name is
    sent.
    """
    if await owner_of(session, command.mailbox) is not None:
        async with at(session, command.mailbox) as place:
            box = await place.account.read(lambda r: place.find(r, place.name, "r"), op="imap-quota")
            session.respond(QuotaRootData(place.shown(box.name), (f"{OTHERS}/{place.owner}",)))
        return Done("quota roots told")
    try:
        name = check_name(command.mailbox)
    except BadMailboxName:
        raise no("no such mailbox", "NONEXISTENT") from None
    session.respond(QuotaRootData(name, (ROOT,)))
    await _tell(session)
    return Done("quota roots told")


async def set_quota(session: Session, command: c.SetQuota) -> Done:
    """SETQUOTA: not for users (QUOTASET is not announced, RFC 9208 §3.1.2)."""
    raise no("the limit is set by the operator", "NOPERM")
