"""``moxlite self``: the one file installs, updates and removes itself (ADMIN-60d to 60f)."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from moxlite import __version__
from moxlite.cli.common import Failure, ask, load_config
from moxlite.cli.prompts import TEMPORARY, resolver_option, with_resolver
from moxlite.escapes import printable

if TYPE_CHECKING:
    from moxlite.admin.installation import Notes
    from moxlite.net.resolver import Resolver


@click.group("self")
def self_() -> None:
    """Install, update and remove the one file, moxlite-VERSION-linux-MACHINE, as root.

    The Debian package needs none of these: apt does what they do.
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
    """Install this file as a server: /usr/local/bin/moxlite, the user moxlite, folders, and a unit for systemd.

    What is there already stays; a run that was cut short is completed by another. Refused beside the Debian package.
    """
    from moxlite.admin import installation

    with _failures():
        installation.install(print)


@self_.command()
@resolver_option
def update(resolver: str | None) -> None:
    """Replace this program by the next version, from the place that [updates] in moxlite.toml names.

    Its change must be signed and have the SHA-256 of the file; older versions are refused. The new program is tried,
    then the data is copied to DATA.before-VERSION while the server runs (refused without room for it), the server
    stopped, what came since copied too, and the new program started, by its own unit: what you changed by
    `systemctl edit` stays. If it is never ready, the former one, its unit and data come back by themselves. Later you
    go back by typing `moxlite.previous self back`.

    Exit code 0, also without a newer version; 75 if that cannot be found out.
    """
    from moxlite.admin.installation import begin, check_updatable, fetch
    from moxlite.admin.updates import UpdateError, changes_since, is_newer, newest_version
    from moxlite.net.httpclient import HTTPClient
    from moxlite.process.ports import roots_of

    static = load_config().static
    source = static.updates
    if source is None:
        raise Failure("moxlite.toml has no table [updates] that says where newer versions are told")

    async def look(asked: "Resolver") -> tuple[str, bytes | None]:
        newest = await newest_version(asked, source)
        if not is_newer(newest):
            return newest, None
        http = HTTPClient(asked, allow_internal=True, roots=roots_of(static))
        return newest, await fetch(http, source, newest, await changes_since(http, source))

    with _failures():
        check_updatable(static)
        try:
            newest, octets = with_resolver(resolver, look)
        except UpdateError as error:
            raise Failure(printable(str(error)), TEMPORARY) from None
        if octets is None:
            print(f"this is {__version__}, the newest version is {newest}")
            return
        ask(f"Replace {__version__} by {newest}? The server stops shortly, after its data is copied.")
        begin(octets, newest, static.data_dir)
        _await_end()


@self_.command()
def back() -> None:
    """Go back to the program before the last update, and to its data as it was then.

    What came since is in DATA.of-VERSION, which is kept.
    """
    from moxlite.admin.installation import begin_back

    with _failures():
        ask("Go back to the former program and its data? Mail that came since will not be in it.")
        begin_back()
        _await_end()


def _await_end() -> None:
    from moxlite.admin.installation import wait

    _tell_end(wait(print))


def _tell_end(notes: "Notes") -> None:
    match notes.state:
        case "done":
            print(f"this is {notes.version} now; to go back, data as it was included: moxlite.previous self back")
            print(f"when all is well: rm -r {notes.copy}")
        case "gone-back" if notes.text == "asked for":
            print(f"this is {notes.former} again; what {notes.version} had is in {notes.newer}")
        case "gone-back":
            raise Failure(f"this is {notes.former} again, nothing was lost: {notes.version} fails: {notes.text}")
        case _:
            raise Failure(notes.text)


@self_.command(hidden=True)
def finish() -> None:
    """Do what is left of an update."""
    from moxlite.admin import installation

    with _failures():
        installation.finish()


@self_.command(hidden=True)
def units() -> None:
    """Write the units of this version."""
    from moxlite.admin import installation

    with _failures():
        installation.own_file()
        installation.write_units()


@self_.command()
@click.option("--purge", is_flag=True, help="Remove configuration, mail, backups and the user, too.")
def remove(purge: bool) -> None:
    """Stop the server, and remove the program and its unit. Configuration and mail stay, unless --purge is given."""
    from moxlite.admin import installation

    data = installation.DATA
    if installation.CONFIG.exists():
        with contextlib.suppress(Failure):
            data = load_config(installation.CONFIG).static.data_dir
    if purge:
        kept = " ".join(map(str, installation.kept_of(data)))
        ask(f"Remove configuration, all mail with its copies, and backups of this machine: {kept}?")
    with _failures():
        installation.remove(data, purge=purge, say=print)
