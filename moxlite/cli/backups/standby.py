"""``moxlite standby``: a second machine that follows this one (docs/spec/store.md STORE-186)."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Unpack

import click

from moxlite.cli.backups.backup import failures
from moxlite.cli.backups.sourceoptions import SourceKeys, named_places, source_options, standby_source
from moxlite.cli.common import HostPort, HostPortType, LazyGroup, config_path, data_dir, json_option, show_json
from moxlite.cli.described import described, for_people
from moxlite.escapes import printable
from moxlite.operations import described_in, standby as operations
from moxlite.operations.standby import HandedOver, HandOver

if TYPE_CHECKING:
    from moxlite.admin.standby.following import Source
    from moxlite.admin.standby.takingover import Candidate
    from moxlite.cli.backups.takeover import AutomaticTakeover
    from moxlite.findings import Finding

SELDOM: Final = {
    "orphans": ("moxlite.cli.backups.orphans:orphans", "List or import mail that only the other machine has."),
    "send-rest": ("moxlite.cli.backups.orphans:send_rest", "Send changes that only this machine has after a takeover."),
    "takeover": ("moxlite.cli.backups.takeover:takeover", "Make this the first machine."),
}


@click.group(cls=LazyGroup, lazy=SELDOM)
def standby() -> None:
    """Run a standby server and show its status.

    The active server uses Litestream to copy every change to standby.target. On the standby server, run `moxlite
    standby follow`. To restore to a time in the last few days, use `moxlite restore TARGET --at TIME`.
    """


@standby.command()
@click.argument("source", metavar="SOURCE")
@click.option("--into", metavar="DIR", required=True, help="Folder for the copy (created if it doesn't exist).")
@click.option("--identity", metavar="FILE", help="Private key for the first machine's standby.encrypt_to.")
@click.option("--smtp", type=HostPortType(25, ip=True), help="Address where this machine defers mail as a second MX.")
@click.option("--hostname", metavar="NAME", help="This machine's name for --smtp.  [default: host name]")
@click.option("--take-over", is_flag=True, help="Take over when the other machine's lease expires (standby.lease).")
@click.option("--config-dir", metavar="DIR", help="Configuration directory for --take-over.")
@click.option("--data-dir", metavar="DIR", help="Data directory for --take-over.")
@click.option("--no-drop", is_flag=True, help="For --take-over, same as in `serve`.")
@click.option("--unit", metavar="UNIT", help="Start this systemd unit for --take-over, then exit.")
@source_options
def follow(
    source: str,
    into: str,
    identity: str | None,
    smtp: HostPort | None,
    hostname: str | None,
    take_over: bool,
    config_dir: str | None,
    data_dir: str | None,
    no_drop: bool,
    unit: str | None,
    **keys: Unpack[SourceKeys],
) -> None:
    """Keep a current copy of another machine until SIGTERM. SOURCE is the other machine's standby.target.

    DIR becomes a full backup, up to a second old, for `moxlite verifydata`, `moxlite restore DIR`, and `moxlite standby
    takeover`. It includes the first machine's configuration and keys if --identity can decrypt them. With --smtp, this
    machine can be a second MX that defers mail (451), so senders will retry.

    With --take-over, this becomes `moxlite serve` if the other machine has standby.lease and hasn't renewed its lease
    for 60 s. By then the other machine has stopped. You can run this command as a service on both machines, like the
    packaged unit moxlite-follow. The machine that was active last starts serving immediately.
    """
    import trio

    from moxlite.net import log

    with failures(source):
        followed = standby_source(source, identity=identity, **keys)
        folder = Path(into).absolute()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        log.setup(level="info")
        succession = None
        if take_over:
            from moxlite.cli.backups.takeover import AutomaticTakeover

            given = named_places("standby", source, **keys)
            succession = AutomaticTakeover(
                followed, folder, config_dir, data_dir, given=given, no_drop=no_drop, unit=unit
            )
            if succession.is_first():
                succession.serve()
        won = trio.run(_follow, followed, folder, smtp, hostname or _hostname(), succession)
        if won is not None and succession is not None:
            succession.succeed(won)
            succession.serve()


def _hostname() -> str:
    import socket

    return socket.getfqdn()


async def _follow(
    source: "Source", folder: Path, smtp: HostPort | None, hostname: str, succession: "AutomaticTakeover | None"
) -> "Candidate | None":
    """Follow until a signal; the candidate if it has the lease."""
    import trio

    from moxlite.admin.standby.following import Follower
    from moxlite.admin.standby.refusing import refuse_all

    won: Candidate | None = None
    follower = Follower(source, folder)
    handed = trio.Event()

    async def follow(nursery: trio.Nursery) -> None:
        await follower.serve(handed)
        nursery.cancel_scope.cancel()

    async def watch(nursery: trio.Nursery, succession: "AutomaticTakeover") -> None:
        nonlocal won
        from moxlite.admin.standby.takingover import Candidate

        candidate = Candidate(source, folder, lambda: follower.followed, succession.hindrance, succession.expect)
        await candidate.until_over()
        won = candidate
        if await trio.to_thread.run_sync(lambda: candidate.handed):
            handed.set()
        else:
            nursery.cancel_scope.cancel()

    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals, _alone(folder):
        async with trio.open_nursery() as nursery:
            if smtp is not None:
                port = await nursery.start(refuse_all, smtp.host, smtp.port, hostname)
                click.echo(f"moxlite: deferring mail at {smtp.host} port {port}", err=True)
            nursery.start_soon(follow, nursery)
            if succession is not None:
                nursery.start_soon(watch, nursery, succession)
            click.echo("moxlite: ready", err=True)
            async for _ in signals:
                nursery.cancel_scope.cancel()
                break
    return won


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the lock of the folder. Raises Locked."""
    from moxlite.process.lock import DataLock

    with DataLock(folder / "lock"):
        yield


@standby.command()
@click.argument("folder", metavar="[DIR]", required=False)
@json_option
def status(folder: str | None, as_json: bool) -> None:
    """Show the status of the copy.

    On the standby server, specify the folder used with `moxlite standby follow`. On the first machine, omit DIR. Exit
    code 1 if there's a problem.
    """
    from moxlite.admin.ownsettings import own_file
    from moxlite.admin.standby.layout import FOLLOWED, STALE, STATE, StandbyState, State, read_document
    from moxlite.admin.standby.status import first_words, second_words
    from moxlite.cli.backups.restore import later_skipped

    now = time.time()
    state: State | StandbyState | None
    if folder is None:
        state = read_document(data_dir() / STATE, State)
        lines = first_words(state, now)
    else:
        state = read_document(Path(folder) / FOLLOWED, StandbyState)
        lines = second_words(state, now)
        if state is not None and (skipped := later_skipped(Path(folder), state.source)):
            lines += [f"After a takeover, {setting.instead}, not: {setting}" for setting in skipped]
            lines.append(
                f"To use these values after a takeover, add them to {own_file(config_path().parent.absolute())}."
            )
    if as_json:
        show_json(state)
    else:
        for line in lines:
            print(printable(line))
    lease = state.lease if isinstance(state, State) else None
    damaged = isinstance(state, StandbyState) and state.damaged
    if state is None or state.problem or damaged or now - state.at > STALE:
        raise SystemExit(1)
    if lease is not None and (lease.problem or lease.taken):
        raise SystemExit(1)


def copy_findings(folder: Path) -> "list[Finding]":
    """Findings on a second machine: the state of the copy in `folder`, and settings to confirm before a take-over
    (ADMIN-52c). None if there is no copy, or only root can read it. Blocks.
    """
    from moxlite.admin.ownsettings import own_file
    from moxlite.admin.standby.layout import FOLLOWED, STALE, StandbyState, read_document
    from moxlite.admin.standby.status import second_words
    from moxlite.cli.backups.restore import later_skipped
    from moxlite.config.toml.decode import dotted
    from moxlite.findings import Finding

    now = time.time()
    state = read_document(folder / FOLLOWED, StandbyState) if os.access(folder, os.X_OK) else None
    if state is None:
        return []
    wrong = state.problem or state.damaged or now - state.at > STALE
    own = own_file(config_path().parent.absolute())
    return [
        Finding(
            grade="warning" if wrong else "note",
            code="standby-behind",
            about=state.source,
            text=" ".join(second_words(state, now)),
            commands=(f"moxlite standby status {folder}",),
        ),
        *(
            Finding(
                grade="warning",
                code="config-warning",
                about=dotted(setting.key),
                text=f"after a takeover, {setting.instead}, not: {setting}",
                commands=(f"to use this value after a takeover, add it to {own}",),
            )
            for setting in later_skipped(folder, state.source)
        ),
    ]


@for_people
def _print_handed(handed_over: HandedOver) -> None:
    print(f"{printable(handed_over.host)} is taking over as epoch {handed_over.epoch}; this server is stopping")


described(standby, described_in(operations), {}, {HandOver: _print_handed})
