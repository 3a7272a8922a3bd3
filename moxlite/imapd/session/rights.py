"""What a user may do with mailboxes of an account (RFC 4314): by letters, and asked of the store.

Which account a name leads to is for `place` to say.
"""

import hashlib
from functools import lru_cache
from typing import Final

import msgspec

from moxlite.imapd.session.errors import no
from moxlite.store.errors import BadMailboxName, NoSuchMailbox
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.acl import RIGHTS, rights_of
from moxlite.store.mail.systemmailbox import check_fillable, check_own, is_system
from moxlite.store.names import OTHERS, check_name, is_below
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.types import Flag, Mailbox, MailboxID

__all__ = ["SYSTEM_RIGHTS", "WRITING", "Access", "allowed_flags", "check_rights", "is_foreign"]

SYSTEM_RIGHTS: Final = "lrte"
"""What its owner may do with the system's mailbox (IMAP-162): read, and move messages away, for which RFC 6851 §4.4
asks for ``t`` and ``e``. That they move to the trash alone, and nothing else is changed, is for session and store.
"""

WRITING: Final = "istwe"
"""With none of these rights a mailbox opens as by EXAMINE (RFC 4314 §5.2)."""

_OF_FLAGS: Final = {Flag.SEEN: "s", Flag.DELETED: "t"}
"""Flags with a right of their own; all others, and keywords, need ``w`` (RFC 4314 §4)."""


def is_foreign(name: str) -> bool:
    """Whether a name has the prefix of other users' mailboxes."""
    return name == OTHERS or is_below(name, OTHERS)


@lru_cache(maxsize=256)  # the combinations in use are few
def allowed_flags(rights: str) -> tuple[Flag, bool]:
    """The flags that may be changed with these rights, and whether keywords may."""
    flags = Flag(0)
    for flag in Flag:
        if _OF_FLAGS.get(flag, "w") in rights:
            flags |= flag
    return flags, "w" in rights


class Access(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """The user's way to an account: the own one, or that of `owner`. `guest`: the user's account, "" at home."""

    owner: str
    guest: str = ""

    @property
    def suffix(self) -> bytes:
        """What makes ids of another account differ from one's own: they are unique within an account (RFC 8474 §4)."""
        return b"-" + hashlib.sha256(self.owner.encode()).hexdigest()[:8].encode() if self.guest else b""

    def shown(self, name: str) -> str:
        """A mailbox name of the account, as the client knows it."""
        return f"{OTHERS}/{self.owner}/{name}" if self.guest else name

    def rights(self, r: Reader, mailbox_id: MailboxID) -> str:
        """What the user may do with a mailbox of the account."""
        if self.guest:
            return rights_of(r, mailbox_id, self.guest)
        return SYSTEM_RIGHTS if is_system(r, mailbox_id) else RIGHTS

    def rights_to(self, r: Reader, box: Mailbox) -> str:
        """The same, of a mailbox that was read in the same snapshot."""
        if self.guest:
            return rights_of(r, box.id, self.guest)
        return SYSTEM_RIGHTS if box.system else RIGHTS

    def require(self, r: Reader, box: Mailbox, needed: str) -> None:
        """Raises NoSuchMailbox for a mailbox that the user must not know of, Refused (NOPERM) without the rights that
        are needed, MailboxNotAllowed for changing the system's mailbox.
        """
        rights = self.rights_to(r, box)
        if "l" not in rights:
            raise NoSuchMailbox(self.shown(box.name))
        if box.system and any(letter not in rights for letter in needed):  # in words that say more than the letter
            if "i" in needed:
                check_fillable(box)
            check_own(box)
        check_rights(rights, needed)

    def find(self, r: Reader, name: str, needed: str = "") -> Mailbox:
        """The mailbox of a name in the account, as a client gave it. Raises NoSuchMailbox, and as `require`."""
        try:
            box = mailbox_by_name(r, check_name(name))
        except BadMailboxName:
            box = None
        if box is None:
            raise NoSuchMailbox(self.shown(name))
        self.require(r, box, needed)
        return box


def check_rights(rights: str, needed: str) -> None:
    """Raises Refused (NOPERM) unless all rights that are needed are there."""
    missing = [letter for letter in needed if letter not in rights]
    if missing:
        raise no(f"you lack the right {missing[0]} on this mailbox", "NOPERM")
