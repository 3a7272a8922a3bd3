"""Sending what a first machine has and the second one has not, after the take-over (STORE-186j).

It goes to the folder of the first machine's own epoch, where the second one reads it. A message is an orphan if its
account gave it a createseq above the last modseq that came over (`EpochStart`): it was not there at the take-over.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Final

from moxlite.admin.standby.layout import FOLLOWER, META, OWN, Head, databases_of, read_document
from moxlite.admin.standby.litestream import check_version, environment, needed_program, place_of, write_configuration
from moxlite.config.static import Static
from moxlite.escapes import printable
from moxlite.process.backuptargets import Access
from moxlite.store.errors import BackupError
from moxlite.wording import counted

REST: Final = 3600.0
"""Seconds in which the rest must be sent."""


def send_rest(static: Static, access: Access | None, tell: Callable[[str], None]) -> int:
    """Send what is in the data directory to the folder of the epoch in which this machine was the first one; returns
    that epoch. Blocks. The caller holds the lock of the data directory. Raises BackupError, OSError.
    """
    settings, data = static.standby, static.data_dir
    own = read_document(data / OWN, Head)
    if settings.target is None or own is None:
        raise BackupError("this machine has never been the active server in a standby pair")
    program = needed_program(settings.litestream)
    check_version(program)
    folder = data / FOLLOWER
    meta = data / META
    with place_of(settings.target, access, folder) as place:
        file = folder / "rest.yml"
        entries = [
            {"path": str(data / name), "meta-path": str(meta / name), "replica": place.replica(own.epoch, name)}
            for name in databases_of(data)
        ]
        write_configuration(file, entries, socket=None, keep=settings.keep)
        tell(f"sent {counted(len(entries), 'database')} to {settings.target}")
        try:
            done = subprocess.run(  # noqa: S603 - a program of the configuration
                [str(program), "replicate", "-once", "-no-expand-env", "-config", str(file)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=REST,
                env=environment(place.variables),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise TimeoutError("Litestream timed out after an hour") from None
        finally:
            file.unlink(missing_ok=True)
    if done.returncode:
        text = printable(done.stderr.decode(errors="replace").strip().rpartition("\n")[2])[:300]
        raise BackupError(f"Litestream couldn't send the remaining changes: {text}")
    return own.epoch
