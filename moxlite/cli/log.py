"""``moxlite log``: levels of the running server's log (ADMIN-55)."""

import click
import msgspec

from moxlite.cli.common import call, json_option, show

LEVELS = ("error", "warn", "info", "debug", "trace", "traceauth", "tracedata")


class Level(msgspec.Struct, frozen=True):
    """A line of the listing."""

    package: str
    level: str


@click.group()
def log() -> None:
    """Log levels of the running server."""


@log.command()
@click.argument("level", required=False, type=click.Choice(LEVELS))
@click.argument("pkg", required=False)
@click.option("--unset", metavar="PKG", help="Let package PKG have the level of all again.")
@json_option
def levels(level: str | None, pkg: str | None, unset: str | None, as_json: bool) -> None:
    """Show the log levels, or set LEVEL for all packages or for PKG. What is set here is gone after a restart."""
    from moxlite.admin.requests import LogLevels

    if level is not None and unset is not None:
        raise click.UsageError("give either LEVEL or --unset")
    changes = {unset: ""} if unset is not None else {pkg or "": level} if level is not None else {}
    found = call("log levels", LogLevels(changes), LogLevels)
    if not changes or as_json:
        show(
            [Level(name or "(all)", found.levels[name]) for name in sorted(found.levels)],
            ("package", "level"),
            as_json=as_json,
        )
