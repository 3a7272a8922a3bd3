"""``moxlite standby takeover`` (docs/spec/store.md STORE-186e)."""

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, Unpack

import click

from moxlite.cli.backups.backup import failures
from moxlite.cli.backups.restore import prepare_folder, restore_whole, unattended
from moxlite.cli.backups.sourceoptions import SourceKeys, named_places, source_options, standby_source
from moxlite.cli.common import Failure, config_path, load_config, note
from moxlite.escapes import printable
from moxlite.ownprogram import own_program
from moxlite.process.errors import REPLACED
from moxlite.process.fences import runs_systemd
from moxlite.wording import counted

if TYPE_CHECKING:
    from moxlite.admin.ownsettings import Settings
    from moxlite.admin.restoring import RestoredConfig
    from moxlite.admin.standby.following import Follower, Source
    from moxlite.admin.standby.layout import EpochStart
    from moxlite.admin.standby.takingover import Candidate
    from moxlite.config.static import Static

PROGRAM: Final = tuple(own_program())

START: Final = ("systemctl", "start", "--no-block")
"""Start a unit. Not waited for: systemd starts it again where its start fails, and a follower may end."""

NO_UNIT: Final = (
    "after a takeover, this process will be the server, without the restrictions in the server's unit, and `systemctl "
    "restart moxlite` won't reach it. To let systemd start the server, use the unit moxlite-follow (docs/standby.md), "
    "or add --unit moxlite.service"
)
"""Advice where systemd runs the machine."""

STARTED: Final = 10.0
"""Seconds for systemd to take an order."""

AGAIN: Final = 2.0
"""Seconds until a take-over looks at the target again."""

TRIES: Final = 5
"""Times that a take-over by a person asks the source."""

PATIENCE: Final = 600.0
"""Seconds in which the last changes of the first machine must come."""


@click.command()
@click.argument("source", metavar="[SOURCE]", required=False)
@click.option("--into", metavar="DIR", help="Folder used by `moxlite standby follow` (stop it first).")
@click.option("--identity", metavar="FILE", help="Private key for the first machine's standby.encrypt_to.")
@click.option("--config-dir", metavar="DIR", help="Configuration directory.  [default: from --config]")
@click.option("--data-dir", metavar="DIR", help="Data directory.  [default: from the configuration]")
@click.option("--hold-queue", is_flag=True, help="Hold queued messages instead of sending them.")
@click.option(
    "--yes-the-other-is-down", "down", is_flag=True, help="Confirm that the other machine is off and will stay off."
)
@click.option("--incomplete", is_flag=True, help="Take over even if the copy was never complete.")
@source_options
@click.option("--verbose", is_flag=True, help="List each file.")
def takeover(
    source: str | None,
    into: str | None,
    identity: str | None,
    config_dir: str | None,
    data_dir: str | None,
    hold_queue: bool,
    down: bool,
    incomplete: bool,
    verbose: bool,
    **keys: Unpack[SourceKeys],
) -> None:
    """Make this the first machine. SOURCE is the target to follow, DIR the folder with the copy.

    This downloads the latest changes, restores configuration, keys, and data like `moxlite restore --with-config`, and
    starts a new epoch for this machine in the target. The queue continues. If the other machine comes back, it won't
    copy any changes, and will report this. Mail clients will download all mailboxes again.

    Without SOURCE and DIR, this only creates the new epoch, for a machine that already has the data (for example, from
    a backup).

    You'll lose mail if two machines serve the same accounts. This command can't check if the other machine is down.
    """
    if not down:
        raise click.UsageError("is the other machine off, and will it stay off? if so, use --yes-the-other-is-down")
    if (source is None) != (into is None):
        raise click.UsageError("SOURCE requires --into, and vice versa")
    if source is not None and into is not None:
        from moxlite.cli.archives.transfer import Signs

        with failures(source):
            followed = standby_source(source, identity=identity, **keys)
            folder = Path(into)
            if identity is None and not (folder / "config/moxlite.toml").exists():
                raise Failure("the other machine's configuration and keys are encrypted; add --identity FILE")
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            beginning = _fetch_last(followed, Path(into).absolute(), incomplete=incomplete)
            if not (folder / "config/moxlite.toml").exists():
                raise Failure(
                    f"{source} doesn't have the other machine's configuration; copy the config folder from its "
                    f"backup to {folder}/config, and run this command again"
                )
            config = Path(config_dir) if config_dir is not None else config_path().parent
            data = None if data_dir is None else Path(data_dir).absolute()
            with Signs("restoring", verbose=verbose) as signs:
                restore_whole(
                    into,
                    None,
                    config.absolute(),
                    data,
                    given=named_places("standby", source, **keys),
                    resume_queue=not hold_queue,
                    succeed=True,
                    tell=signs.tell,
                )
            file = config.absolute() / "moxlite.toml"
    else:
        file, beginning = config_path(), None
    _claim(file, beginning)


class AutomaticTakeover:
    """A take-over without a person: this machine has the lease of the other one, which was over (STORE-186h)."""

    def __init__(
        self,
        source: "Source",
        folder: Path,
        config: str | None,
        data: str | None,
        *,
        given: "Settings",
        no_drop: bool,
        unit: str | None = None,
    ) -> None:
        """`given`: as `named_places`. `unit`: systemd's for the server, started in place of becoming the server."""
        from moxlite.proto.sshurl import ObjectURL

        if not isinstance(source.target, ObjectURL):
            raise Failure(
                "--take-over requires object storage (s3://); otherwise use moxlite standby takeover to decide manually"
            )
        if source.identity is None:
            raise Failure(
                "--take-over requires --identity because the other machine's configuration and keys are encrypted"
            )
        self._source = source
        self._folder = folder
        self._config = (Path(config) if config is not None else config_path().parent).absolute()
        self._data = None if data is None else Path(data).absolute()
        self._given = given
        self._no_drop = no_drop
        self._unit = unit
        if unit is None and runs_systemd():
            note(NO_UNIT)

    @property
    def _file(self) -> Path:
        return self._config / "moxlite.toml"

    def is_first(self) -> bool:
        """Whether this machine is the first one already. Raises Failure: it was, and the other one has taken over."""
        from moxlite.admin.standby.layout import OWN, Head, read_document, read_head
        from moxlite.admin.standby.takingover import TAKING

        if not self._file.exists() or (self._folder / TAKING).exists():
            return False
        data = load_config(self._file).static.data_dir
        own = read_document(data / OWN, Head)
        if own is None:
            raise Failure(f"{self._config} already has a configuration from a machine that was never active")
        with self._source.storage(self._folder) as storage:
            head = read_head(storage)
        if head is not None and head != own:
            raise Failure(
                f"this machine was active in epoch {own.epoch}, but another machine has taken over with epoch "
                f"{head.epoch}. To send mail that's only on this machine, run: moxlite standby send-rest. Then, "
                f"to follow, move {data} and {self._config} away",
                REPLACED,
            )
        return True

    def _prepare(self) -> "RestoredConfig":
        return prepare_folder(self._folder, self._config, self._data, self._given, unattended)

    def hindrance(self) -> str:
        """Why the copy could not be put in place here: mistakes in its configuration, which an older version may find
        in that of a newer one, files that are there, or a folder that is read-only; "" for nothing. Blocks.
        """
        from moxlite.admin.restoring import check_empty
        from moxlite.config.load import ConfigError
        from moxlite.process.privileges import UnknownUser
        from moxlite.store.errors import StoreError

        try:
            prepared = self._prepare()
            check_empty(prepared)
        except ConfigError as error:
            return f"the configuration has errors: {printable(str(error.problems[0]))}"
        except (OSError, StoreError, UnknownUser) as error:
            return printable(str(error))
        for path in (prepared.config, prepared.snapshot.static.data_dir):
            there = next(parent for parent in (path, *path.parents) if parent.exists())
            if not os.access(there, os.W_OK):
                return (
                    f"{there} is read-only here; run `systemctl edit moxlite-follow`, add the lines [Service] and "
                    f"ReadWritePaths={there}, then run `systemctl restart moxlite-follow`"
                )
        return ""

    def succeed(self, candidate: "Candidate") -> None:
        """Fetch the last changes and put all in place, while the lease is held. Raises Failure."""
        import trio

        trio.run(self._succeed, candidate)

    async def _succeed(self, candidate: "Candidate") -> None:
        import trio

        from moxlite.process.lock import DataLock

        began = time.monotonic()
        with DataLock(self._folder / "lock"):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(candidate.keep)
                beginning = self._placed(candidate) or await self._place(candidate)
                note("data and configuration are in their places")
                data = load_config(self._file).static.data_dir
                await trio.to_thread.run_sync(self._hand_over, candidate, data, beginning)
                nursery.cancel_scope.cancel()
        note(f"taken over in {time.monotonic() - began:.1f} s")

    def _placed(self, candidate: "Candidate") -> "EpochStart | None":
        """The beginning of a take-over that was interrupted when all was in place; None if it was not. Blocks."""
        from moxlite.store.backup.layout import RESTORING

        if candidate.beginning is None or not self._file.exists():
            return None
        try:
            data = load_config(self._file).static.data_dir
        except Failure:
            return None  # its keys are not there yet
        return None if (data / RESTORING).exists() else candidate.beginning

    async def _place(self, candidate: "Candidate") -> "EpochStart":
        """Fetch the last changes and put all in place; returns how far they go. Raises Failure."""
        import trio

        from moxlite.admin.standby.following import Follower
        from moxlite.admin.standby.takingover import beginning_of

        follower = Follower(self._source, self._folder)
        handed = await trio.to_thread.run_sync(lambda: candidate.handed)
        await _catch_up(follower, handed=handed)
        beginning = await trio.to_thread.run_sync(beginning_of, self._folder / "data", follower.followed.epoch)
        await trio.to_thread.run_sync(candidate.note_beginning, beginning)
        certain = follower.certain or handed
        note("UIDVALIDITYs stay" if certain else "mail clients will download all mailboxes again")
        await trio.to_thread.run_sync(self._restore, certain)
        return beginning

    def _hand_over(self, candidate: "Candidate", data: Path, beginning: "EpochStart") -> None:
        (data / "standby").mkdir(mode=0o700, exist_ok=True)  # `serve` gives it to its user
        with self._source.storage(self._folder) as storage:
            candidate.hand_over(storage, data, beginning)

    def _restore(self, certain: bool) -> None:
        restore_whole(
            str(self._folder),
            None,
            self._config,
            self._data,
            given=self._given,
            accept=unattended,
            resume_queue=True,
            quick=True,
            keep_uids=certain,
            succeed=True,
            tell=lambda _: None,
        )

    @property
    def _sign(self) -> Path | None:
        """File while which the loaded server waits (`serve --after`); None where no unit has a folder for it."""
        from moxlite.admin.standby.layout import TAKING_OVER

        folder = os.environ.get("RUNTIME_DIRECTORY", "")
        return Path(folder) / TAKING_OVER.name if self._unit is not None and folder else None

    def expect(self, soon: bool) -> bool | None:
        """Let systemd load the server, whose start takes most of a take-over, before it may serve; if not `soon`, end
        it, as the other machine goes on. Returns whether it is loaded; None if it isn't loaded before. Blocks. Raises
        OSError.
        """
        import fcntl

        sign = self._sign
        if sign is None:
            return None
        if not soon:
            sign.unlink(missing_ok=True)
            return False
        if not sign.exists():
            self._make_folders()
            sign.touch()
            with contextlib.suppress(subprocess.SubprocessError):  # `serve` starts it in any case
                subprocess.run([*START, str(self._unit)], check=True, timeout=STARTED)  # noqa: S603 - no shell
        with sign.open("rb") as opened:
            try:
                fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def _make_folders(self) -> None:
        """Folders of configuration and data, empty, because each is a mount of the server's unit and must be there when
        that starts. Mistakes in the configuration are told by `hindrance`. Blocks. Raises OSError.
        """
        from moxlite.config.load import ConfigError
        from moxlite.process.privileges import UnknownUser
        from moxlite.store.errors import StoreError

        with contextlib.suppress(ConfigError, StoreError, UnknownUser):
            prepared = self._prepare()
            for folder in (prepared.config, prepared.snapshot.static.data_dir):
                folder.mkdir(mode=0o750, parents=True, exist_ok=True)

    def serve(self) -> NoReturn:
        """Become the server, or let systemd start its unit, or that go on."""
        if self._unit is not None:
            if self._sign is not None:
                self._sign.unlink(missing_ok=True)
            os.execvp(START[0], [*START, self._unit])  # noqa: S606 - no shell
        command = [*PROGRAM, "--config", str(self._file), "serve", *(["--no-drop"] if self._no_drop else [])]
        os.execv(command[0], command)  # noqa: S606 - our own program


async def _catch_up(follower: "Follower", *, handed: bool) -> None:
    """Fetch the last changes, however often it fails: the lease is ours, and no other machine serves."""
    import trio

    from moxlite.store.errors import BackupError

    while True:
        try:
            left = await follower.catch_up(PATIENCE, handed=handed)
            if not left:
                return
            note(f"{counted(len(left), 'database')} not complete yet, starting with {left[0]}")
        except (OSError, ValueError, BackupError) as error:
            note(f"couldn't fetch the last changes, retrying: {printable(str(error))[:300]}")
            await trio.sleep(AGAIN)


def _fetch_last(source: "Source", folder: Path, *, incomplete: bool) -> "EpochStart":
    """Fetch the last changes; returns how far they go. Raises Failure, Locked."""
    import trio

    from moxlite.admin.standby.following import Follower
    from moxlite.admin.standby.takingover import beginning_of
    from moxlite.process.lock import DataLock

    follower = Follower(source, folder)
    with DataLock(folder / "lock"):
        left = trio.run(_fetch, follower)
    if not follower.followed.current and not incomplete:
        raise Failure(
            f"the copy is incomplete: you'd lose {follower.followed.missing} of the other machine's databases. "
            "To take over anyway, use --incomplete"
        )
    if left:
        raise Failure(
            f"{counted(len(left), 'database')} not complete, starting with {left[0]}: {follower.followed.problem}"
        )
    age = time.time() - follower.followed.current
    note(f"the copy has everything that the other machine sent; it was last active {age:.0f} s ago")
    return beginning_of(folder / "data", follower.followed.epoch)


async def _fetch(follower: "Follower") -> list[str]:
    """Fetch the last changes. A source that does not answer is asked some times more, wrong keys are not tried again.
    Raises OSError, ValueError, BackupError.
    """
    import trio

    from moxlite.admin.standby.following import Closed
    from moxlite.store.errors import BackupError

    for _ in range(TRIES - 1):
        try:
            return await follower.catch_up(PATIENCE)
        except (Closed, PermissionError):
            raise
        except (OSError, BackupError) as error:
            note(f"couldn't fetch the last changes, retrying: {printable(str(error))[:300]}")
            await trio.sleep(AGAIN)
    return await follower.catch_up(PATIENCE)


@contextlib.contextmanager
def _as_service(static: "Static") -> Iterator[None]:
    """Act as the service user, where this process may; the folder of stand-by's files is there then."""
    from moxlite.process.privileges import acting_as, service_user

    ids = service_user(static.user)
    with acting_as(*ids) if ids is not None else contextlib.nullcontext():
        (static.data_dir / "standby").mkdir(mode=0o700, exist_ok=True)
        yield


def _claim(file: Path, beginning: "EpochStart | None") -> None:
    """Give the target of the configuration a new epoch. Where that fails, `beginning` is kept for the next call without
    one. Raises Failure.
    """
    from moxlite.admin.standby.layout import BEGINNING, FOLLOWER, EpochStart, claim, read_document, save
    from moxlite.admin.standby.takingover import begin
    from moxlite.process.backuptargets import login_for, opened
    from moxlite.process.keys import read_named
    from moxlite.process.privileges import service_user

    static = load_config(file).static
    target = static.standby.target
    if target is None:
        note("standby.target isn't set: no machine follows this one")
        return
    folder = static.data_dir / FOLLOWER
    with failures(str(target)):
        ids = service_user(static.user)
        login = login_for(target, static.standby, partial(read_named, ids=ids))
        with _as_service(static):
            if beginning is not None:
                save(folder / BEGINNING, beginning)
            beginning = read_document(folder / BEGINNING, EpochStart)
            try:
                with opened(target, login, scratch=folder) as storage:
                    if beginning is None:
                        head = claim(storage, static.data_dir)
                    else:
                        head = begin(storage, static.data_dir, beginning)
            except (OSError, ValueError) as error:
                reason = printable(str(getattr(error, "strerror", "") or error))
                raise Failure(
                    f"{target}: {reason}. The data has been restored. When the target responds, run `moxlite "
                    "standby takeover --yes-the-other-is-down`"
                ) from None
            (folder / BEGINNING).unlink(missing_ok=True)
    print(f"this machine now owns epoch {head.epoch} in {printable(str(target))}")
