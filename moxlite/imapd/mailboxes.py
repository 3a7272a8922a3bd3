"""CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 9051 §6.3.4 … §6.3.8, RFC 6154 §3; IMAP-63..66).

The LIST lines of what was made, renamed or removed are told by `changes`, to this client as to all others.
"""

from moxlite.proto.imap import commands as c
from moxlite.proto.imap.responses import Code
from moxlite.store import mailboxes as store
from moxlite.store.account import AccountTx
from moxlite.store.errors import BadMailboxName, NoSuchMailbox
from moxlite.store.names import INBOX, check_name
from moxlite.store.reading import mailbox_by_name
from moxlite.store.types import Mailbox, SpecialUse

from .errors import no
from .flagwire import USES
from .session import Done, Session

__all__ = ["create", "delete", "rename", "subscribe", "unsubscribe"]

_BY_NAME = {name.lower(): use for name, use in USES.items()}


def existing(tx: AccountTx, name: str) -> Mailbox:
    """The mailbox of a name as a client gave it. Raises NoSuchMailbox."""
    try:
        box = mailbox_by_name(tx, check_name(name))
    except BadMailboxName:
        box = None
    if box is None:
        raise NoSuchMailbox(name)
    return box


async def create(session: Session, command: c.Create) -> Done:
    """CREATE; a trailing separator only says that children will follow (RFC 9051 §6.3.4), a leading one means
    nothing.
    """
    name = command.mailbox.strip("/")
    use = SpecialUse(0)
    for word in command.use or ():
        flag = _BY_NAME.get(word.lower())
        if flag is None:
            raise no(f"special use {word[:40]} is not supported", "USEATTR")
        use |= flag
    created = await session.account.write(lambda tx: store.create_mailbox(tx, name, use), session.cursor)
    return Done("created", Code("MAILBOXID", b"(F%d)" % created[-1].id))


async def delete(session: Session, command: c.Delete) -> Done:
    """DELETE."""
    await session.account.write(lambda tx: store.delete_mailbox(tx, existing(tx, command.mailbox).id), session.cursor)
    return Done("deleted")


async def rename(session: Session, command: c.Rename) -> Done:
    """RENAME; Inbox gives its messages away and stays (IMAP-65)."""
    target = command.target.strip("/")

    def unit(tx: AccountTx) -> None:
        box = existing(tx, command.source)
        if box.name == INBOX:
            store.rename_inbox(tx, target)
        else:
            store.rename_mailbox(tx, box.id, target)

    await session.account.write(unit, session.cursor)
    return Done("renamed")


async def subscribe(session: Session, command: c.Subscribe) -> Done:
    """SUBSCRIBE; no mailbox needs to be there."""
    await session.account.write(lambda tx: store.subscribe(tx, command.mailbox), session.cursor)
    return Done("subscribed")


async def unsubscribe(session: Session, command: c.Unsubscribe) -> Done:
    """UNSUBSCRIBE."""
    await session.account.write(lambda tx: store.unsubscribe(tx, command.mailbox), session.cursor)
    return Done("unsubscribed")
