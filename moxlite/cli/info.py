"""``moxlite version``, ``help``, ``cid`` and others: information about the program itself."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

import moxlite
from moxlite import __version__
from moxlite.cli.common import HYPHENS, Failure, HostPort, data_dir, load_config, settings
from moxlite.cli.helpsearch import content_words, find_page, find_sections, has_pages
from moxlite.cli.verdicts import TEMPORARY, resolver_option, with_resolver
from moxlite.encoding import to_json
from moxlite.escapes import escaped_json, printable
from moxlite.ownprogram import UPDATING, installed_form

if TYPE_CHECKING:
    from moxlite.admin.updates import Change
    from moxlite.net.resolver import Resolver

NO_CHANNEL: Final = (
    "[updates] isn't set in moxlite.toml, and this build has no update channel; set domain, changelog_url, and "
    "public_key to your package source's values"
)

RUNS_ON: Final = (
    "trio",
    "apsw",
    "msgspec",
    "h11",
    "h2",
    "hpack",
    "hyperframe",
    "trio-websocket",
    "wsproto",
    "pyOpenSSL",
    "cryptography",
    "argon2-cffi",
    "bcrypt",
    "libpass",
    "precis-i18n",
    "idna",
    "multipart",
    "zstandard",
    "nh3",
    "tinycss2",
    "regex",
    "google-re2",
    "click",
    "rich",
    "prometheus-client",
    "dnspython",
    "dkimpy",
    "publicsuffixlist",
    "defusedxml",
    "acme",
    "josepy",
    "joserfc",
    "webauthn",
    "segno",
    "tzdata",
)
"""Packages of requirements/runtime.in."""


@click.command()
def version() -> None:
    """Show version numbers for moxlite and dependencies."""
    from OpenSSL import SSL

    from moxlite.store.file.transaction import sqlite_version

    print(f"moxlite {__version__}")
    openssl = SSL.SSLeay_version(SSL.SSLEAY_VERSION).decode()
    print(f"Python {sys.version.split()[0]}, SQLite {sqlite_version()}, {openssl}")


@click.command("help")
@click.argument("words", nargs=-1)
@click.pass_context
def help_(context: click.Context, words: tuple[str, ...]) -> None:
    """Find commands and installed pages about WORDS.

    You can also enter a question. If you don't specify WORDS, all commands are listed. Shows commands with matching
    names first, then pages, then commands with matching help. To read a page, enter its name (moxlite help dns.md).
    """
    if len(words) == 1 and (page := find_page(words[0])) is not None:
        click.echo_via_pager(page)
        return
    root = context.find_root()
    assert isinstance(root.command, click.Group)
    wanted = content_words(words)
    named: list[str] = []
    told: list[str] = []
    for name, command in all_commands(root.command, root):
        if all(word in f"{name} {command.help or ''}".lower() for word in wanted):
            entry = f"moxlite {name}\n    {command.get_short_help_str(110)}"
            (named if all(word in name for word in wanted) else told).append(entry)
    found = find_sections(wanted) if wanted else []
    pages = [f"{page.name}\n    {title}" for page, title in found]
    if not (named or pages or told):
        missing = "" if has_pages() else "; the documentation isn't installed here"
        raise Failure(f"no commands or pages found for: {' '.join(words)}{missing}")
    print("\n".join([*named, *pages, *told]))
    if found:
        print("\nTo read a page: moxlite help PAGE")


def all_commands(group: click.Group, context: click.Context, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    """Each command below a group with its full name, without groups, sorted."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            with click.Context(command, parent=context, info_name=name) as below:
                yield from all_commands(command, below, f"{prefix}{name} ")
        elif command is not None:
            yield f"{prefix}{name}", command


@click.command(context_settings=HYPHENS)
@click.argument("received_id")
def cid(received_id: str) -> None:
    """Find log lines for an ID. It's the ID in a Received header or on an error page. This prints their cid."""
    from moxlite.process.keys import ReceivedID, load_key

    data = data_dir()
    if not re.fullmatch(r"[A-Za-z0-9_-]{22}", received_id):
        raise Failure("IDs must have 22 letters, digits, -, and _")
    try:
        found = ReceivedID(load_key(data, create=False)).decode(received_id)
    except OSError as error:
        raise Failure(f"can't read this installation's key: {error}") from None
    if found is None:
        raise Failure("this ID isn't from this installation")
    print(f"{found:x}")


@click.command()
def licenses() -> None:
    """Print licenses for moxlite and installed packages."""
    from importlib.metadata import PackageNotFoundError, distribution

    def show(name: str) -> None:
        found = distribution(name)
        said = [found.metadata[key] for key in ("License-Expression", "License") if key in found.metadata]
        print(f"== {name} {found.version}: {said[0].splitlines()[0] if said else 'see below'}")
        # by the metadata: the list of installed files names the folder of the build, so packages don't have it
        for file in found.metadata.get_all("License-File") or ("LICENSE",):
            text = found.read_text(f"licenses/{file}") or found.read_text(file)
            if text is not None:
                print(f"-- {file}\n{text}")

    checkout = Path(moxlite.__file__).parent.parent / "LICENSE"
    for name in ("moxlite", *RUNS_ON):
        try:
            show(name)
        except (PackageNotFoundError, OSError):
            if name == "moxlite" and checkout.exists():
                print(f"== {name} {__version__}\n-- LICENSE\n{checkout.read_text(encoding='utf-8')}")
            else:
                print(f"== {name}: license not installed")


@click.command()
@resolver_option
def checkupdate(resolver: HostPort | None) -> int:
    """Check for a newer version. This uses [updates] in moxlite.toml, or the publisher's channel.

    This doesn't install anything, but prints the command. Exit code 75 if the check failed, otherwise 0.
    """

    from moxlite.admin.updates import UpdateError, changes_since, is_newer, newest_version
    from moxlite.net.httpclient import HTTPClient
    from moxlite.process.ports import roots_of

    static = load_config().static
    source = static.updates
    if source is None:
        raise Failure(NO_CHANNEL)

    async def look(asked: "Resolver") -> "tuple[str, list[Change]]":
        newest = await newest_version(asked, source)
        http = HTTPClient(asked, allow_internal=True, roots=roots_of(static))
        return newest, await changes_since(http, source) if is_newer(newest) else []

    try:
        newest, changes = with_resolver(resolver, look)
    except UpdateError as error:
        raise Failure(printable(str(error)), TEMPORARY) from None
    updating = UPDATING[installed_form()] if changes else ""
    if settings().as_json:
        told = [{"version": one.version, "text": one.text} for one in changes]
        answer = {"version": __version__, "newest": newest, "changes": told, "updating": updating}
        print(escaped_json(to_json(answer).decode()))
        return 0
    print(f"installed: {__version__}, newest: {newest}")
    for change in changes:
        print(f"\n{change.version}\n")
        print("\n".join(map(printable, change.text.splitlines())))
    if updating:
        print(f"\n{updating}")
    return 0
