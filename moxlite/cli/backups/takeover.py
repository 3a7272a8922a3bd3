"""``moxlite standby takeover`` (docs/spec/store.md STORE-186e)."""

import contextlib
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Unpack

import click

from moxlite.cli.backups.backup import failures, silent, tell_line
from moxlite.cli.backups.restore import restore_whole
from moxlite.cli.backups.standby import SourceKeys, source_options, standby_source
from moxlite.cli.common import Failure, config_path, load_config, note, printable

if TYPE_CHECKING:
    from moxlite.admin.standby.following import Source

__all__ = ["takeover"]

PATIENCE: Final = 600.0
"""Seconds in which the last changes of the first machine must come."""


@click.command()
@click.argument("source", metavar="[SOURCE]", required=False)
@click.option("--into", metavar="DIR", help="The folder of `moxlite standby follow`, which must have ended.")
@click.option("--identity", metavar="FILE", help="Key to standby.encrypt_to of the first machine.")
@click.option("--config-dir", metavar="DIR", help="Where the configuration goes.  [default: that of --config]")
@click.option("--data-dir", metavar="DIR", help="Where the data goes.  [default: as the configuration says]")
@click.option("--hold-queue", is_flag=True, help="Hold what waits in the queue, instead of sending it.")
@click.option("--yes-the-other-is-down", "down", is_flag=True, help="The other machine is off, and stays so.")
@source_options
@click.option("--verbose", is_flag=True, help="Tell each file.")
def takeover(
    source: str | None,
    into: str | None,
    identity: str | None,
    config_dir: str | None,
    data_dir: str | None,
    hold_queue: bool,
    down: bool,
    verbose: bool,
    **keys: Unpack[SourceKeys],
) -> None:
    """Make this machine the first one. SOURCE is the target that it follows, DIR the folder of the copy.

    The last changes are fetched, then configuration, keys and data are put in place as `moxlite restore --with-config`
    does, the queue goes on, and the target gets a new epoch, which belongs to this machine. The other machine copies
    nothing from then on when it comes back, and says so. Mail programs read all mailboxes anew.

    Without SOURCE and DIR: only the new epoch, for a machine that has its data already, such as from a backup.

    Two machines that serve the same accounts lose mail: this command asks no one whether the other machine is down.
    """
    if not down:
        raise click.UsageError("is the other machine off, and stays so? then say --yes-the-other-is-down")
    if (source is None) != (into is None):
        raise click.UsageError("SOURCE and --into go together")
    if source is not None and into is not None:
        with failures(source):
            followed = standby_source(source, identity=identity, **keys)
            _fetch_last(followed, Path(into).absolute())
            config = Path(config_dir) if config_dir is not None else config_path().parent
            data = None if data_dir is None else Path(data_dir).absolute()
            tell = tell_line if verbose else silent
            restore_whole(into, None, config.absolute(), data, resume_queue=not hold_queue, tell=tell)
            file = config.absolute() / "moxlite.toml"
    else:
        file = config_path()
    _claim(file)


def _fetch_last(source: "Source", folder: Path) -> None:
    """Fetch the last changes. Raises Failure, Locked."""
    import trio

    from moxlite.admin.standby.following import Follower
    from moxlite.process.lock import DataLock

    follower = Follower(source, folder)
    with DataLock(folder / "lock"):
        left = trio.run(partial(follower.catch_up, PATIENCE))
    if left:
        raise Failure(f"{len(left)} databases are not complete, the first is {left[0]}: {follower.followed.problem}")
    age = time.time() - follower.followed.current
    note(f"the copy has all that the other machine had sent; it last gave a sign of life {age:.0f} s ago")


def _claim(file: Path) -> None:
    """Give the target of the configuration a new epoch. Raises Failure."""
    from moxlite.admin.standby.layout import claim
    from moxlite.process.backuptargets import login_for, opened
    from moxlite.process.keys.files import read_named
    from moxlite.process.privileges import acting_as, service_user

    static = load_config(file).static
    target = static.standby.target
    if target is None:
        note("standby.target is not set: no machine follows this one")
        return
    with failures(str(target)):
        ids = service_user(static.user)
        login = login_for(target, static.standby, partial(read_named, ids=ids))
        with acting_as(*ids) if ids is not None else contextlib.nullcontext():
            folder = static.data_dir / "standby"
            folder.mkdir(mode=0o700, exist_ok=True)
            with opened(target, login, scratch=folder) as storage:
                head = claim(storage, static.data_dir)
    print(f"{printable(str(target))} has epoch {head.epoch} now, and it belongs to this machine")
