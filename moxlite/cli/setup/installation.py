"""``moxlite self``: the one file installs, updates and removes itself (ADMIN-60d to 60f)."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from moxlite import __version__
from moxlite.cli.common import Failure, HostPort, ask, load_config
from moxlite.cli.info import NO_CHANNEL
from moxlite.cli.verdicts import TEMPORARY, resolver_option, with_resolver
from moxlite.escapes import printable

if TYPE_CHECKING:
    from moxlite.admin.installation import Notes
    from moxlite.net.resolver import Resolver


@click.group("self")
def self_() -> None:
    """Install, update, or remove the single file, as root. Its name is moxlite-VERSION-linux-MACHINE.

    If you use the Debian package, use apt instead.
    """


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    from moxlite.admin.installation import Refused

    try:
        yield
    except Refused as error:
        raise Failure(printable(str(error))) from None
    except OSError as error:
        raise Failure(f"{error.filename or 'self'}: {error.strerror or error}") from None


@self_.command()
def install() -> None:
    """Install this file as a server. This creates /usr/local/bin/moxlite, the user moxlite, folders, and a systemd
    unit.

    This won't overwrite existing files. If interrupted, run this again. You can't use this with the Debian package.
    """
    from moxlite.admin import installation

    with _failures():
        installation.install(print)


@self_.command()
@resolver_option
def update(resolver: HostPort | None) -> None:
    """Update this program to the next version. The source is in [updates] in moxlite.toml, or its publisher's.

    The changelog entry must be signed and include the file's SHA-256. You can't update to an older version. After
    testing the new program, this copies data to DATA.before-VERSION while the server is running, if there's enough
    space. Then it stops the server, copies new data, and starts the new program with its own unit. Your changes from
    `systemctl edit` still apply. If the new program doesn't start, this restores the previous one with its unit and
    data. To go back later, run `moxlite.previous self back`.

    Exit code 75 if the check failed, or 0 if there's no newer version.
    """
    from moxlite.admin.installation import begin, check_updatable, fetch
    from moxlite.admin.updates import UpdateError, changes_since, is_newer, newest_version
    from moxlite.net.httpclient import HTTPClient
    from moxlite.process.ports import roots_of

    static = load_config().static
    with _failures():
        check_updatable(static)
    source = static.updates
    if source is None:
        raise Failure(NO_CHANNEL)

    async def look(asked: "Resolver") -> tuple[str, bytes | None]:
        newest = await newest_version(asked, source)
        if not is_newer(newest):
            return newest, None
        http = HTTPClient(asked, allow_internal=True, roots=roots_of(static))
        return newest, await fetch(http, source, newest, await changes_since(http, source))

    with _failures():
        try:
            newest, octets = with_resolver(resolver, look)
        except UpdateError as error:
            raise Failure(printable(str(error)), TEMPORARY) from None
        if octets is None:
            print(f"installed: {__version__}, newest: {newest}")
            return
        ask(f"Update {__version__} to {newest}? The server will stop briefly after its data is copied.")
        begin(octets, newest, static.data_dir)
        _await_end()


@self_.command()
def back() -> None:
    """Undo the last update and restore older data.

    You can find newer data in DATA.of-VERSION.
    """
    from moxlite.admin.installation import begin_back

    with _failures():
        ask("Go back to the previous program and data? It won't include newer mail.")
        begin_back()
        _await_end()


def _await_end() -> None:
    from moxlite.admin.installation import wait

    _tell_end(wait(print))


def _tell_end(notes: "Notes") -> None:
    match notes.state:
        case "done":
            print(
                f"updated to {notes.version}; to go back to the previous version and data: moxlite.previous self back"
            )
            print(f"if everything works: rm -r {notes.copy}")
        case "gone-back" if notes.text == "asked for":
            print(f"restored {notes.former}; data from {notes.version} is in {notes.newer}")
        case "gone-back":
            raise Failure(f"restored {notes.former} without losing data, because {notes.version} failed: {notes.text}")
        case _:
            raise Failure(notes.text)


@self_.command(hidden=True)
def finish() -> None:
    """Finish an interrupted update."""
    from moxlite.admin import installation

    with _failures():
        installation.finish()


@self_.command(hidden=True)
def units() -> None:
    """Write this version's units."""
    from moxlite.admin import installation

    with _failures():
        installation.own_file()
        installation.write_units()


@self_.command()
@click.option("--purge", is_flag=True, help="Also delete configuration, mail, backups, and the user.")
def remove(purge: bool) -> None:
    """Stop the server, and remove the program and unit. To delete configuration and mail too, use --purge."""
    from moxlite.admin import installation

    data = installation.DATA
    if installation.CONFIG.exists():
        with contextlib.suppress(Failure):
            data = load_config(installation.CONFIG).static.data_dir
    if purge:
        kept = " ".join(map(str, installation.kept_of(data)))
        ask(f"Delete the configuration, all mail with its copies, and this machine's backups: {kept}?")
    with _failures():
        installation.remove(data, purge=purge, say=print)
