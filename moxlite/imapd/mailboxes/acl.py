"""SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS (RFC 4314; IMAP-157).

Identifiers are names of accounts, or addresses, which are taken for their accounts, and ``anyone``. There are no
negative rights. The owner has all rights always.
"""

import logging
from collections.abc import Callable
from typing import Final

from moxlite.admin.shares import guest_of
from moxlite.imapd.session.errors import bad, no
from moxlite.imapd.session.place import at
from moxlite.imapd.session.state import Done, Session
from moxlite.logins.identity import NO_SHARING
from moxlite.proto.imap import commands as c
from moxlite.proto.imap.responses import AclData, ListRightsData, MyRightsData
from moxlite.store.accounts.access import publish_shares
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.acl import RIGHTS, acl, joined, set_rights

logger = logging.getLogger("moxlite.imapd.acl")

_OLD: Final = {"c": "kx", "d": "te"}
"""Rights of RFC 2086 that stand for several newer ones (RFC 4314 §2.1.1)."""


def wire_rights(rights: str) -> str:
    """Rights in wire format, with the rights that older clients know (RFC 4314 §2.1.1)."""
    return rights + "".join([old for old, new in _OLD.items() if any(letter in rights for letter in new)])


def _parsed(text: str) -> str:
    """Parse rights as a client writes them. Raises Refused (BAD) for unknown ones (RFC 4314 §3.1)."""
    letters = "".join([_OLD.get(letter, letter) for letter in text])
    if any(letter not in RIGHTS for letter in letters):
        raise bad("invalid rights")
    return joined(letters)


def _identifier(session: Session, text: str) -> str:
    """The account that an identifier names. Raises Refused if there is no such account."""
    if text.startswith("-"):
        raise no("negative rights aren't supported", "CANNOT")
    found = guest_of(session.context.config.current, text)
    if found is None:
        raise no("account not found", "CANNOT")
    return found


async def _change(session: Session, mailbox: str, identifier: str, rights: Callable[[str], str]) -> None:
    """Change the rights of an identifier; `rights` computes the new ones from the old ones."""
    if not session.login.shares:
        raise no(NO_SHARING, "NOPERM")
    async with at(session, mailbox) as place:

        def unit(tx: AccountTx) -> tuple[str, str] | None:
            box = place.find(tx, place.name, "a")
            if identifier == place.owner and rights(RIGHTS) == RIGHTS:
                return None  # KMail writes the whole list back, with the owner's line
            new = rights(acl(tx, box.id).get(identifier, ""))
            return (box.name, new) if set_rights(tx, box.id, identifier, new, session.home.owner) else None

        changed = await place.account.write(unit, place.origin)
        if changed is not None:
            name, new = changed
            kv = {"account": place.owner, "mailbox": name, "for": identifier, "rights": new, "by": session.home.owner}
            logger.info("permissions changed", extra={"kv": kv})
        await publish_shares(session.context.auth, place.account)


async def set_acl(session: Session, command: c.SetAcl) -> Done:
    """Answer SETACL: change the rights of a user to a mailbox."""
    named, identifier = _parsed(command.rights), _identifier(session, command.identifier)

    def rights(before: str) -> str:
        match command.change:
            case "+":
                return joined(before, named)
            case "-":
                return "".join([letter for letter in before if letter not in named])
            case _:
                return named

    await _change(session, command.mailbox, identifier, rights)
    return Done("SETACL completed")


async def delete_acl(session: Session, command: c.DeleteAcl) -> Done:
    """DELETEACL; an identifier without rights is no error."""
    await _change(session, command.mailbox, _identifier(session, command.identifier), lambda before: "")
    return Done("DELETEACL completed")


async def get_acl(session: Session, command: c.GetAcl) -> Done:
    """GETACL: the owner, with all rights, comes first."""
    async with at(session, command.mailbox) as place:

        def read(r: Reader) -> tuple[str, dict[str, str]]:
            box = place.find(r, place.name, "a")
            return box.name, acl(r, box.id)

        name, found = await place.account.read(read, op="imap-acl")
        rows = [(place.owner, RIGHTS), *found.items()]
        session.respond(AclData(place.shown(name), tuple([(one, wire_rights(rights)) for one, rights in rows])))
    return Done("GETACL completed")


async def list_rights(session: Session, command: c.ListRights) -> Done:
    """LISTRIGHTS: the owner has all, others may be given each by itself."""
    async with at(session, command.mailbox) as place:
        box = await place.account.read(lambda r: place.find(r, place.name, "a"), op="imap-acl")
        name = place.shown(box.name)
        if _identifier(session, command.identifier) == place.owner:
            session.respond(ListRightsData(name, command.identifier, RIGHTS))
        else:
            session.respond(ListRightsData(name, command.identifier, "", tuple(RIGHTS)))
    return Done("LISTRIGHTS completed")


async def my_rights(session: Session, command: c.MyRights) -> Done:
    """Answer MYRIGHTS: the user's own rights to a mailbox."""
    async with at(session, command.mailbox) as place:

        def read(r: Reader) -> tuple[str, str]:
            box = place.find(r, place.name)
            return box.name, place.rights(r, box.id)

        name, rights = await place.account.read(read, op="imap-acl")
        if not session.login.shares:
            rights = rights.replace("a", "")
        session.respond(MyRightsData(place.shown(name), wire_rights(rights)))
    return Done("MYRIGHTS completed")
