"""``moxlite log``: levels of the running server's log (ADMIN-55)."""

import click
import msgspec

from moxlite.cli.common import json_option, note, perform, show
from moxlite.operations.server import SetLogLevels

LEVELS = ("error", "warn", "info", "debug", "trace", "traceauth", "tracedata")


class Level(msgspec.Struct, frozen=True):
    """A line of the listing."""

    package: str
    level: str


@click.group()
def log() -> None:
    """Manage log levels on the running server."""


@log.command()
@click.argument("level", required=False, metavar="[LEVEL]")
@click.argument("pkg", required=False)
@click.option("--unset", metavar="PKG", help="Reset package PKG to the default level.")
@json_option
def levels(level: str | None, pkg: str | None, unset: str | None, as_json: bool) -> None:
    """Show or set log levels until the next restart. LEVEL is for all packages, or only for PKG."""
    if level is not None and unset is not None:
        raise click.UsageError("specify either LEVEL or --unset")
    if pkg in LEVELS and level not in LEVELS:
        level, pkg = pkg, level
    if level is not None and level not in LEVELS:
        raise click.UsageError(f"{level!r} isn't a level. Use one of {', '.join(LEVELS)}")
    changes = {unset: ""} if unset is not None else {pkg or "": level} if level is not None else {}
    found = perform(SetLogLevels(changes))
    for package, chosen in changes.items():
        now = f"at {chosen} until the next restart" if chosen else "at the server's level again"
        note(f"{package or 'the server'} now logs {now}")
    if not changes or as_json:
        show(
            [Level(name or "(all)", found[name]) for name in sorted(found)],
            ("package", "level"),
            as_json=as_json,
        )
