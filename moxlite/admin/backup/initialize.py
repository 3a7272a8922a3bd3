"""A new encrypted repository with a key of its own, which only its owner keeps (STORE-184c)."""

import contextlib
from functools import partial
from pathlib import Path

from moxlite.admin.backup.signer import own_signer
from moxlite.config.snapshot import Snapshot
from moxlite.process.backuptargets import Target, login_for, opened
from moxlite.process.keys.files import read_named
from moxlite.process.privileges import acting_as, service_user
from moxlite.store.backup.keys import make_key
from moxlite.store.backup.repository import create_repository, exists
from moxlite.store.errors import BadTarget


def make_encrypted(snapshot: Snapshot, config: Path, target: Target) -> tuple[str, str, str]:
    """Make a repository. Returns its identity and recipient, of which the first is kept nowhere, and the signer of the
    server with the folder `config`, "" if none could be made. Blocks.

    As root the files belong to the service user, who writes backups.

    Raises BadTarget: something is there; BackupError, UnknownUser, OSError.
    """
    static = snapshot.static
    ids = service_user(static.user)
    login = login_for(target, static.backup, partial(read_named, ids=ids))  # before this process acts as another user
    if not isinstance(target, Path) and login is None:
        raise BadTarget(f"{target} is not backup.target, so the server has no keys for it: set that first")
    if not static.data_dir.is_dir():
        raise BadTarget(f"there is no data directory {static.data_dir}: start the server once")
    key, recipient = make_key()
    with acting_as(*ids) if ids is not None else contextlib.nullcontext(), opened(target, login) as storage:
        if exists(storage):
            raise BadTarget(f"{storage} is a repository already: what is encrypted, and to which key, stays as it is")
        create_repository(storage, static.data_dir, recipients=(recipient,))
        signer, _ = own_signer(config)
    return key, recipient, "" if signer is None else signer.public
