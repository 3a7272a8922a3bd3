"""The key by which this server signs its backups (STORE-184f): made with the first one that is signed."""

import os
from pathlib import Path

from moxlite.store.backup.keys import Signer, load_signer
from moxlite.store.errors import BackupError


def own_signer(config: Path) -> tuple[Signer | None, list[str]]:
    """The signer of the server with this folder of configuration, and notes for its owner: that it was made, or why
    it is missing. A backup without signature does better than no backup. Blocks.
    """
    try:
        signer, made = load_signer(config, create=True)
    except (BackupError, OSError) as error:
        reason = f"{error.filename or config}: {error.strerror or error}" if isinstance(error, OSError) else str(error)
        return None, [f"backups are not signed: {os.fsdecode(reason)}"]
    assert signer is not None
    if not made:
        return signer, []
    return signer, [f"backups are signed from now on, by {signer.public}: keep that with the key of your backups"]
