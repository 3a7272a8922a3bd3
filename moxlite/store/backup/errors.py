"""What can go wrong with backups; part of the tree of `moxlite.store.errors`."""

from moxlite.store.errors import StoreError


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
