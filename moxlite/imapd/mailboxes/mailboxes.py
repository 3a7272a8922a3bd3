"""CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 9051 §6.3.4 … §6.3.8, RFC 6154 §3; IMAP-63..66).

`updates.changes` sends the LIST lines of mailboxes created, renamed or removed here, to this client and all others.
"""

from collections.abc import Iterable
from functools import partial
from typing import Final

from moxlite.imapd.session.errors import no
from moxlite.imapd.session.place import at, owner_of
from moxlite.imapd.session.state import Done, Session
from moxlite.imapd.updates.changes import USES
from moxlite.proto.imap import commands as c
from moxlite.proto.imap.responses import Code, QuotaData, QuotaRootData
from moxlite.store.accounts.access import folder_change
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import MailboxHasChildren
from moxlite.store.file.transaction import Reader
from moxlite.store.mail import mailboxes as store
from moxlite.store.mail.mailboxes import delete_in_slices, move_in_slices
from moxlite.store.names import INBOX, OTHERS, check_name, is_foreign
from moxlite.store.rows.mailboxes import state
from moxlite.store.types import Mailbox, SpecialUse

_BY_NAME = {name.lower(): use for name, use in USES.items()}


async def create(session: Session, command: c.Create) -> Done:
    """CREATE. A trailing separator only means that children will follow (RFC 9051 §6.3.4); a leading one has no
    meaning. Clients of IMAP4rev2 subscribe by themselves.
    """
    name = await _own_or_path(session, command.mailbox)
    use = special_uses(command.use or ())
    async with at(session, name) as place:
        if use and place.guest:
            raise no("only the owner can set special uses", "USEATTR")

        def unit(tx: AccountTx) -> list[Mailbox]:
            place.check_new(tx, place.name)
            return store.create_mailbox(tx, place.name, use, subscribed=not session.extensions.rev2)

        change = partial(place.check_new, name=place.name)
        async with folder_change(session.context.auth, place, place.account, "folder created", change):
            created = await place.account.write(unit, place.origin)
        return Done("created", Code("MAILBOXID", b"(F%d%b)" % (created[-1].id, place.suffix)))


def special_uses(words: Iterable[str]) -> SpecialUse:
    """The special uses that a client names (RFC 6154 §2). Raises Refused for an unknown one."""
    use = SpecialUse(0)
    for word in words:
        flag = _BY_NAME.get(word.lower())
        if flag is None:
            raise no(f"special use {word[:40]} isn't supported", "USEATTR")
        use |= flag
    return use


async def _own_or_path(session: Session, name: str) -> str:
    """The name for a mailbox, without separators at its ends. Raises Refused for a name that only the prefix of other
    users' mailboxes can have.
    """
    name = name.strip("/")
    found = await owner_of(session, name)
    if found is not None and not found[1]:
        raise no("this name is reserved for other users' mailboxes", "CANNOT")
    return name


async def delete(session: Session, command: c.Delete) -> Done:
    """Answer DELETE: remove a mailbox."""
    async with at(session, command.mailbox) as place:

        def find(r: Reader) -> Mailbox:
            box = place.find(r, place.name, "x")
            place.check_removal(r, box)
            return box

        try:
            write = partial(place.account.write, origin=place.origin)
            auth = session.context.auth
            async with folder_change(auth, place, place.account, "folder deleted", lambda r: find(r).name):
                await delete_in_slices(write, lambda tx: find(tx).id, keeps=bool(place.guest))
        except MailboxHasChildren:
            if place.guest:  # a user who may not see it
                raise no("this mailbox can't be deleted", "CANNOT") from None
            raise
    return Done("deleted")


async def rename(session: Session, command: c.Rename) -> Done:
    """RENAME. Inbox stays, and its messages move to the new mailbox (IMAP-65)."""
    name = await _own_or_path(session, command.target)
    subscribed = not session.extensions.rev2
    async with at(session, command.source) as source, at(session, name) as target:
        if source.owner != target.owner:
            # First as if it were possible: the answer must not tell of a mailbox that the user may not see.
            await source.account.read(lambda r: source.find(r, source.name, "x"), op="imap-rename")
            raise no("a mailbox can't be moved to another account", "CANNOT")

        def check(r: Reader) -> Mailbox:
            box = source.find(r, source.name, "x")
            target.check_new(r, target.name)
            if box.name == INBOX and source.guest:
                raise no("only the owner can rename the inbox", "NOPERM")
            return box

        def unit(tx: AccountTx) -> tuple[Mailbox, list[Mailbox]] | None:
            box = check(tx)
            if box.name != INBOX:
                store.rename_mailbox(tx, box.id, target.name, subscribed=subscribed)
                return None
            return store.rename_inbox(tx, target.name, subscribed=subscribed)

        def change(r: Reader) -> str:
            return f"{check(r).name} → {target.name}"

        async with folder_change(session.context.auth, source, source.account, "folder renamed", change):
            renamed = await source.account.write(unit, source.origin)
        if renamed is not None:
            inbox, made = renamed
            # After the unit that made the mailbox: a kill in between leaves messages in Inbox, where they are not lost,
            # and the client can move them.
            await move_in_slices(source.account, inbox.id, inbox.uidnext, made[-1].id, source.origin)
    return Done("renamed")


async def subscribe(session: Session, command: c.Subscribe) -> Done:
    """SUBSCRIBE. The mailbox need not exist."""
    await session.home.account.write(lambda tx: store.subscribe(tx, command.mailbox), session.home.cursor)
    return Done("subscribed")


async def unsubscribe(session: Session, command: c.Unsubscribe) -> Done:
    """Answer UNSUBSCRIBE."""
    await session.home.account.write(lambda tx: store.unsubscribe(tx, command.mailbox), session.home.cursor)
    return Done("unsubscribed")


# QUOTA (RFC 9208, and as older clients know it, RFC 2087): one root, for all mailboxes of the account, none without a
# limit (IMAP-132).
#
# The operator sets the limit in the configuration; it is only read here.


ROOT: Final = ""
"""Name of the only quota root."""

UNIT: Final = 1024
"""Octets of one unit of STORAGE (RFC 9208 §5.1)."""


async def _tell(session: Session) -> None:
    """Send ``* QUOTA``."""
    account = session.home.account
    used = (await account.read(state, op="imap-quota")).total_size
    session.respond(QuotaData(ROOT, (("STORAGE", -(-used // UNIT), -(-account.config.quota // UNIT)),)))


async def quota(session: Session, command: c.GetQuota) -> Done:
    """Answer GETQUOTA: use and limit of a quota root."""
    if is_foreign(command.root):
        raise no("only the owner can view this quota", "NOPERM")
    if command.root != ROOT or not session.home.account.config.quota:
        raise no("quota root not found", "NONEXISTENT")
    await _tell(session)
    return Done("quota returned")


async def quota_root(session: Session, command: c.GetQuotaRoot) -> Done:
    """GETQUOTAROOT. One's own mailbox may be missing (RFC 9208 §4.1.2). For mailboxes of others only the root's name is
    sent.
    """
    if await owner_of(session, command.mailbox) is not None:
        async with at(session, command.mailbox) as place:
            box = await place.account.read(lambda r: place.find(r, place.name, "r"), op="imap-quota")
            session.respond(QuotaRootData(place.shown(box.name), (f"{OTHERS}/{place.owner}",)))
        return Done("GETQUOTAROOT completed")
    # A root has to have a resource with its limit in ``* QUOTA`` (RFC 9208 §7), so that mail without one has no root.
    limited = bool(session.home.account.config.quota)
    session.respond(QuotaRootData(check_name(command.mailbox), (ROOT,) if limited else ()))
    if limited:
        await _tell(session)
    return Done("GETQUOTAROOT completed")


async def set_quota(session: Session, command: c.SetQuota) -> Done:
    """SETQUOTA: not for users (QUOTASET is not announced, RFC 9208 §3.1.2)."""
    raise no("only the administrator can set quotas", "NOPERM")
