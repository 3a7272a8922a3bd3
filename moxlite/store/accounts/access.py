"""Rights of a user to the mailboxes of an account, their own or another user's (RFC 4314), for IMAP and the webmail
(IMAP-157, WEBMAIL-62).

Rights are strings of the letters of RFC 4314 §2.1. `visited` opens the account of another user.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec
import trio

from moxlite.encoding import from_json
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.changelog.account import COMPARED_FOR, Account, RecentComparisons
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import AccountRemoved, AccountUnknown, MailboxNotAllowed, NoRight, NoSuchMailbox, StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.acl import RIGHTS, forget_guest, guests, rights_of, rights_seen, visible
from moxlite.store.mail.delegates import has_all, right_to_send
from moxlite.store.mail.mailboxes import check_deletable
from moxlite.store.mail.sharenotices import SHARED, Share, add_notice
from moxlite.store.mail.systemmailbox import check_fillable, check_own, is_system
from moxlite.store.names import INBOX, OTHERS, ancestors, check_name
from moxlite.store.rows.mailboxes import mailbox_by_name, mailbox_by_use
from moxlite.store.types import Flag, Mailbox, MailboxID, SpecialUse
from moxlite.store.upkeep.outbox import Handler, OutboxRow

SYSTEM_RIGHTS: Final = "lrte"
"""Rights of the owner to the system's mailbox (IMAP-162): read, and move messages away, which needs ``t`` and ``e``
(RFC 6851 §4.4). The session and the store refuse moves to other mailboxes than the trash, and all other changes.
"""

READING: Final = "lr"
"""Rights that make a shared mailbox visible in the webmail and JMAP: one that cannot be read is of no use there."""

MAX_BOXES: Final = 500
"""Mailboxes of one owner visible to a guest. They're read together, in 10 µs each."""

WRITING: Final = "istwe"
"""With none of these rights a mailbox opens as by EXAMINE (RFC 4314 §5.2)."""

DRAFTING: Final = "lrite"
"""Rights to Drafts of an account with which who writes from its addresses works on its drafts: read them, add one, and
replace or remove one.
"""

_OF_FLAGS: Final = {Flag.SEEN: "s", Flag.DELETED: "t"}
"""Flags with a right of their own; all others, and keywords, need ``w`` (RFC 4314 §4)."""


@lru_cache(maxsize=256)  # the combinations in use are few
def allowed_flags(rights: str) -> tuple[Flag, bool]:
    """The flags that may be changed with these rights, and whether keywords may."""
    flags = Flag(0)
    for flag in Flag:
        if _OF_FLAGS.get(flag, "w") in rights:
            flags |= flag
    return flags, "w" in rights


def flag_rights(flags: Flag, keywords: bool) -> str:
    """The rights that changing these flags needs, and keywords."""
    needed = {_OF_FLAGS.get(flag, "w") for flag in Flag if flag & flags} | ({"w"} if keywords else set())
    return "".join(sorted(needed))


class Access(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A user's access to the account `owner`. `guest`: the user's own account, "" if that is `owner`."""

    owner: str
    guest: str = ""

    @property
    def suffix(self) -> bytes:
        """Suffix of object ids of another user's account, b"" for the own one: ids are unique within an account only
        (RFC 8474 §4).
        """
        return b"-" + hashlib.sha256(self.owner.encode()).hexdigest()[:8].encode() if self.guest else b""

    def shown(self, name: str) -> str:
        """A mailbox name of the account, as the client knows it."""
        return f"{OTHERS}/{self.owner}/{name}" if self.guest else name

    def rights(self, r: Reader, mailbox_id: MailboxID) -> str:
        """The user's rights to a mailbox of the account."""
        if self.guest:
            return rights_of(r, mailbox_id, self.guest)
        return SYSTEM_RIGHTS if is_system(r, mailbox_id) else RIGHTS

    def rights_to(self, r: Reader, box: Mailbox) -> str:
        """As `rights`, for a mailbox that was read in the same snapshot."""
        if self.guest:
            return rights_of(r, box.id, self.guest)
        return SYSTEM_RIGHTS if box.system else RIGHTS

    def readable(self, r: Reader) -> frozenset[MailboxID] | None:
        """The mailboxes that the user may read; None for all mailboxes."""
        if not self.guest:
            return None
        return frozenset(mailbox_id for mailbox_id, rights in rights_seen(r, self.guest, MAX_BOXES) if may_read(rights))

    def seen(self, r: Reader) -> list[tuple[Mailbox, str]]:
        """The mailboxes that the guest may read, with the rights there."""
        return [(box, rights) for box, rights in visible(r, self.guest, MAX_BOXES) if may_read(rights)]

    def require(self, r: Reader, box: Mailbox, needed: str) -> None:
        """Raise an error unless the user has the rights `needed` to a mailbox.

        Raises:
          NoSuchMailbox: the user may not even list it.
          NoRight: a needed right is missing.
          MailboxNotAllowed: it is the system's mailbox, and the right would change it.
        """
        rights = self.rights_to(r, box)
        # The same answer as for a mailbox that does not exist: else guests could find out names by asking.
        if "l" not in rights:
            raise NoSuchMailbox(self.shown(box.name))
        if box.system and any(letter not in rights for letter in needed):  # these errors say more than a letter
            if "i" in needed:
                check_fillable(box)
            check_own(box)
        check_rights(rights, needed)

    def find(self, r: Reader, name: str, needed: str = "") -> Mailbox:
        """Find the mailbox with a name given by a client. Raises BadMailboxName, NoSuchMailbox, and as `require`."""
        box = mailbox_by_name(r, check_name(name))
        if box is None:
            raise NoSuchMailbox(self.shown(name))
        self.require(r, box, needed)
        return box

    def runs(self, r: Reader) -> bool:
        """Whether the user decides about the account as a whole: its owner, and a member who has all of it."""
        return not self.guest or has_all(r, self.guest)

    def check_new(self, r: Reader, name: str) -> str:
        """Return the name that a client has written for a mailbox, unless the user may not give it. Guests need the
        right ``k`` to the nearest mailbox above (RFC 4314 §4); only who runs the account has mailboxes made beside all
        others.

        Raises BadMailboxName, NoSuchMailbox, NoRight.
        """
        name = check_name(name)
        if not self.guest:
            return name
        above = [box for ancestor in reversed(ancestors(name)) if (box := mailbox_by_name(r, ancestor)) is not None]
        if above:
            self.require(r, above[0], "k")
        elif not self.runs(r):
            raise NoSuchMailbox(self.shown(name))
        box = mailbox_by_name(r, name)
        if box is not None and "l" not in self.rights_to(r, box):
            raise NoRight("k")  # the name is taken, which the guest must not learn
        return name

    def may_remove(self, box: Mailbox) -> bool:
        """Whether the user may remove a mailbox to which they have ``x``. One in which the account's mail arrives is
        left to the owner.
        """
        return not self.guest or not (box.name == INBOX or box.special_use)

    def check_removal(self, r: Reader, box: Mailbox) -> None:
        """Raise an error unless the mailbox may be removed now. Raises MailboxNotAllowed, MailboxHasChildren."""
        if not self.may_remove(box):
            raise MailboxNotAllowed("only the owner can delete this folder")
        check_deletable(r, box.id)


@asynccontextmanager
async def folder_change(
    auth: AuthDB, access: Access, account: Account, action: str, change: Callable[[Reader], str]
) -> AsyncIterator[None]:
    """Record a change of mailboxes that a guest makes within the block, in the audit log and the log.

    `change` names the mailboxes, "" if nothing is to change. Its errors are raised first, so that refused attempts
    leave no rows.
    """
    names = await account.read(change, op="shared-folder") if access.guest else ""
    if not names:
        yield
        return
    async with auth.audit.recording(action, access.owner, {"mailbox": names}):
        yield
    logger.info(action, extra={"kv": {"account": access.owner, "by": access.guest, "mailbox": names}})


def may_read(rights: str) -> bool:
    """Whether these rights make a mailbox visible: `READING`."""
    return all(letter in rights for letter in READING)


def check_rights(rights: str, needed: str) -> None:
    """Raise NoRight unless `rights` has all letters of `needed`."""
    for letter in needed:
        if letter not in rights:
            raise NoRight(letter)


def shares_drafts(r: Reader, guest: str) -> bool:
    """Whether a guest writes from the account's addresses now, and finds the drafts of its mail there."""
    if right_to_send(r, guest, time.time_ns() // 1000) is None:
        return False
    drafts = mailbox_by_use(r, SpecialUse.DRAFTS)
    if drafts is None:
        return has_all(r, guest)  # it is made with the first draft
    return set(DRAFTING) <= set(rights_of(r, drafts.id, guest))


@asynccontextmanager
async def visited(accounts: Accounts, auth: AuthDB, owner: str, guest: str) -> AsyncIterator[OpenAccount]:
    """The account of another user, open as long as the block lasts. Raises NoSuchMailbox if it shares nothing.

    An account is only opened for a guest listed in `auth.db`: otherwise clients could have arbitrary accounts opened,
    and learn from the response time which accounts exist.
    """
    if not await auth.sharing.may_share(owner, guest):
        raise NoSuchMailbox(OTHERS)
    async with AsyncExitStack() as stack:
        try:
            account = await stack.enter_async_context(accounts.use(owner))
        except (AccountUnknown, AccountRemoved):
            raise NoSuchMailbox(OTHERS) from None
        yield account


# Copying to ``auth.db`` which accounts share mailboxes with which users (IMAP-157).
#
# LIST must not open every account to find the mailboxes shared with a user, so `auth.db` has pairs of owner and
# guest. They are derived from the owners' own files: after each change, and whenever an account is opened, which
# happens to each after the start of the server. So a crash between the two writes, or a backup of one file only,
# repairs itself.


logger = logging.getLogger("moxlite.store.shares")


async def publish_shares(auth: AuthDB, account: Account) -> None:
    """Copy the guests of an account from its file to `auth.db`. Raises StoreError."""
    while True:  # another process may have read the file before us, and written after us
        found = await account.read(guests, op="shares")
        if not await auth.sharing.set_guests(account.name, found):
            return
        logger.info("account shares updated", extra={"kv": {"account": account.name, "guests": " ".join(found)}})


class Sharing:
    """The background task that publishes the shares of each account."""

    def __init__(self, auth: AuthDB) -> None:
        self._auth = auth
        self._published = RecentComparisons()

    def due(self, name: str, r: Reader) -> bool:
        """Whether an account's shares are to be published, when it is opened."""
        return self._published.due(name, r)

    async def run(self, account: Account) -> None:
        """Publish shares now and each hour, for `Accounts.register_task`. Errors: StoreError propagates."""
        while self._auth.in_service:
            await publish_shares(self._auth, account)
            await self._published.note(account)
            await trio.sleep(COMPARED_FOR)


def keep_published(accounts: Accounts, auth: AuthDB) -> None:
    """Have the shares of all accounts published, and their guests told of changes."""
    sharing = Sharing(auth)
    accounts.register_task("store.sharing", sharing.run, sharing.due)
    accounts.register_outbox(SHARED, share_notices(accounts))


def share_notices(accounts: Accounts) -> Handler:
    """Return the handler of outbox rows by which users hear that their rights have changed (JMAP-80)."""

    async def carry(_: Account, row: OutboxRow) -> None:
        share = from_json(row.data, Share)

        def unit(tx: AccountTx) -> None:
            if tx.once(row.key):
                add_notice(tx, share)

        with suppress(AccountUnknown, AccountRemoved):  # there is no such user any more
            async with accounts.use(share.guest) as guest:
                await guest.write(unit)

    return carry


Forget: TypeAlias = Callable[[str], Awaitable[None]]
"""Takes the name of a removed account out of a database, as `TRACES` says. Raises StoreError."""


async def forget_shares(accounts: Accounts, auth: AuthDB, guest: str) -> None:
    """Take all rights from an account that is being removed: a later account of that name must not inherit them."""
    for owner in await auth.sharing.owners(guest, anyone=False):
        try:
            async with accounts.use(owner) as account:
                await account.write(lambda tx: forget_guest(tx, guest))
                await publish_shares(auth, account)
        except AccountUnknown:  # the owner is removed itself
            continue
        except StoreError as error:  # a broken file must not keep another account from going
            logger.error(
                "failed to remove permissions for deleted account",
                extra={"kv": {"account": owner, "guest": guest, "err": str(error)}},
            )
