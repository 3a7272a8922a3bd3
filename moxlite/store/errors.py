"""Errors of the store: one tree of exceptions, each named for the failure.

Each protocol package translates them in one place (SMTP replies, IMAP response codes, HTTP statuses). Programming
errors do not belong here: they raise exceptions of Python.
"""

from pathlib import Path
from typing import Final

from moxlite.wording import Worded, worded


class StoreError(Exception):
    """Base of all errors of the store."""


# Accounts


class AccountUnknown(StoreError):
    """There is no account of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(worded("account not found: {name}", name=repr(name)))
        self.name = name


class BadAccountName(AccountUnknown):
    """No account can have the name (STORE-166), so no path was built of it."""

    def __init__(self, name: str) -> None:
        StoreError.__init__(self, f"account name {name[:80]!r} isn't allowed")
        self.name = name


class AccountExists(StoreError):
    """There is an account of that name already."""

    def __init__(self, name: str) -> None:
        super().__init__(f"account {name!r} already exists")
        self.name = name


class AccountRemoved(StoreError):
    """The account is being removed (STORE-140)."""

    def __init__(self, name: str) -> None:
        super().__init__(worded("account {name} is being deleted", name=repr(name)))
        self.name = name


class LoginDisabled(StoreError):
    """`login_disabled` is set; `text` is for the user."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class BadPassword(StoreError):
    """A new password was refused (STORE-100); the text says why."""


# Storage


class StorageFull(StoreError):
    """The disk is full, or has less than `store.min_free_space` left (STORE-157). Nothing was changed."""


class StorageBroken(StoreError):
    """The file cannot be written or read (STORE-158). Nothing was changed."""


class StorageBusy(StoreError):
    """Descriptors or memory are short, or another process locks the file (STORE-158a): nothing is wrong with the file,
    the same call may succeed in a moment. Nothing was changed.
    """


class Overtaken(StorageBusy):
    """Others have changed what a unit was to change, since its caller read that. Nothing was changed."""

    def __init__(self) -> None:
        super().__init__("other programs keep changing this; try again in a moment")


class NotCopied(StorageBusy):
    """The change is committed here, but not yet in the second place, where nothing may be acknowledged without it
    (STORE-186f). It stays; a client that tries again may do it twice.
    """


class NoLease(StorageBusy):
    """This machine does not hold the lease now, so nothing is acknowledged (STORE-186g): another one may serve. Nothing
    was changed, or the change is committed here without being acknowledged.
    """


class Closed(StoreError):
    """The database or account was closed while the call waited."""


class ReadInterrupted(StoreError):
    """A read was ended because it had kept its snapshot too long while the log grew (STORE-161)."""


class ChunkDamaged(StoreError):
    """A stored chunk of a body fails its check (STORE-159, STORE-181)."""


class FilterDamaged(StorageBroken):
    """The words of the junk filter are damaged. They are made of mail that is still there, so the rest of the file is
    used on (STORE-158h).
    """


class WrongFile(StorageBroken):
    """The file is not a database of the kind that was to be opened."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(f"{path}: {detail}")
        self.path = path


class MissingFile(StorageBroken):
    """A file that was made before is missing or empty (STORE-158d). A new one in its place would hide the loss."""

    def __init__(self, path: Path, detail: str, mend: str) -> None:
        super().__init__(f"{path} {detail}: {mend}")
        self.path = path


class SchemaTooNew(StorageBroken):
    """The file was written by a newer program (STORE-148); it was not touched."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(f"{path} has schema version {found}, but this version only supports up to {known}")
        self.path = path
        self.found = found
        self.known = known


class PreviewSchema(SchemaTooNew):
    """The file was written by a version before 0.1.0, whose schemas had higher numbers (STORE-149a); it was not
    touched.
    """

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(path, found, known)
        self.args = (f"{path} {OF_PREVIEW}",)


OF_PREVIEW: Final = (
    "is from a preview version before 0.1.0; to upgrade all data, stop the server and run `moxlite store "
    "upgrade-preview` (for a backup: `moxlite store upgrade-preview DIR`)"
)


class MigrationNeedsSpace(StorageBroken):
    """The disk lacks space for the copy made before tables are rewritten (STORE-149)."""

    def __init__(self, path: Path, needed: int, free: int) -> None:
        super().__init__(
            f"{path}: not enough space for a copy before the migration (need {needed} bytes, {free} free);"
            " free up space or set store.migrate_without_copy"
        )
        self.path = path
        self.needed = needed
        self.free = free


# Units


class AlreadyDone(StoreError):
    """A unit with this idempotency key was committed before (STORE-189)."""


class OverQuota(StoreError):
    """The account's messages, `used` octets, would exceed `limit` octets (STORE-62). Nothing was changed."""

    def __init__(self, used: int, limit: int) -> None:
        super().__init__(f"account is over quota: {used} of {limit} bytes used, so this doesn't fit")
        self.used = used
        self.limit = limit


class LimitExceeded(StoreError):
    """A limit of STORE-154 would be exceeded; `name` says which. Nothing was changed."""

    def __init__(self, name: str) -> None:
        super().__init__(worded("limit exceeded: {name}", name=name if isinstance(name, Worded) else worded(name)))
        self.name = name


class UidsExhausted(LimitExceeded):
    """A mailbox has given out its last UID (STORE-16)."""

    def __init__(self, mailbox: str) -> None:
        super().__init__(
            worded(
                "UIDs in mailbox {mailbox} (to assign new ones, run moxlite store reassign-uids)", mailbox=repr(mailbox)
            )
        )
        self.mailbox = mailbox


class NoRight(StoreError):
    """The user lacks the right of this letter (RFC 4314 §2.1) to a mailbox of another user (IMAP-157)."""

    def __init__(self, right: str) -> None:
        super().__init__(f"you don't have the {right} permission for this folder")
        self.right = right


class BadMailboxName(StoreError):
    """A mailbox name breaks STORE-12; the text says how."""


class BadKeyword(StoreError):
    """A keyword breaks STORE-22."""


class BadMessage(StoreError):
    """A message is empty or too large (STORE-150)."""


class NoSuchMailbox(StoreError):
    """The mailbox does not exist, by name or by id."""

    def __init__(self, mailbox: str | int) -> None:
        super().__init__(worded("folder not found: {mailbox}", mailbox=repr(mailbox)))
        self.mailbox = mailbox


class MailboxExists(StoreError):
    """There is a mailbox of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(worded("folder {name} already exists", name=repr(name)))
        self.name = name


class MailboxHasChildren(StoreError):
    """Only leaves can be deleted (STORE-13)."""

    def __init__(self, name: str) -> None:
        super().__init__(worded("folder {name} has subfolders", name=repr(name)))
        self.name = name


class MailboxNotAllowed(StoreError):
    """The operation is not possible with this mailbox, as deleting Inbox (STORE-13)."""


class NoSuchMessage(StoreError):
    """The message does not exist, or not any more."""

    def __init__(self, message_id: int) -> None:
        super().__init__(worded("message not found: {message_id}", message_id=str(message_id)))
        self.message_id = message_id


class ImportFailed(StoreError):
    """The import ended, and changed nothing; the text is for the user."""


# What can go wrong with backups; part of the tree of `moxlite.store.errors`.


class BackupError(StoreError):
    """A backup cannot be made or restored; the text tells why."""


class BackupCancelled(BackupError):
    """The client that asked for the backup has gone; what was written is not whole."""


class BadTarget(BackupError):
    """The place to write to, or to read from, is not fit for it. Nothing was written."""


class RepositoryError(BackupError):
    """A repository lacks something, or holds something damaged."""


class NoRepository(RepositoryError):
    """There is no repository."""


class StorageFailed(BackupError):
    """The machine of the repository takes no more objects: no part of the backup can go on."""


class RemovalForbidden(BackupError):
    """The place of a repository does not let old snapshots be removed; nothing is wrong with them."""
