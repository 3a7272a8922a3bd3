"""``moxlite version``, ``help``, ``cid`` and others: information about the program itself."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

import moxlite
from moxlite import __version__
from moxlite.cli.common import HYPHENS, Failure, data_dir, load_config, printable, settings
from moxlite.cli.prompts import TEMPORARY, resolver_option, with_resolver
from moxlite.escapes import escaped_json

if TYPE_CHECKING:
    from moxlite.admin.updates import Change
    from moxlite.net.resolver import Resolver

__all__ = ["all_commands", "checkupdate", "cid", "help_", "licenses", "version"]

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
    "webauthn",
    "segno",
)
"""Packages of requirements/runtime.in."""


@click.command()
def version() -> None:
    """Versions of moxlite and of what it runs on."""
    from OpenSSL import SSL

    from moxlite.store.file.transaction import sqlite_version

    print(f"moxlite {__version__}")
    openssl = SSL.SSLeay_version(SSL.SSLEAY_VERSION).decode()
    print(f"Python {sys.version.split()[0]}, SQLite {sqlite_version()}, {openssl}")


@click.command("help")
@click.argument("words", nargs=-1)
@click.pass_context
def help_(context: click.Context, words: tuple[str, ...]) -> None:
    """Find commands by WORDS in their names and help texts; without words, list all."""
    root = context.find_root()
    assert isinstance(root.command, click.Group)
    wanted = [word.lower() for word in words]
    found = False
    for name, command in all_commands(root.command, root):
        text = f"{name} {command.help or ''}".lower()
        if all(word in text for word in wanted):
            found = True
            print(f"moxlite {name}")
            print(f"    {command.get_short_help_str(110)}")
    if not found:
        raise Failure(f"no command with: {' '.join(words)}")


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
    """The cid of the log lines that belong to the id in a Received header (or in an error page)."""
    from moxlite.process.keys.receivedid import ReceivedID, load_key

    data = data_dir()
    if not re.fullmatch(r"[A-Za-z0-9_-]{22}", received_id):
        raise Failure("an id has 22 letters, digits, - and _")
    try:
        found = ReceivedID(load_key(data, create=False)).decode(received_id)
    except OSError as error:
        raise Failure(f"cannot read the key of this installation: {error}") from None
    if found is None:
        raise Failure("this id is not of this installation")
    print(f"{found:x}")


@click.command()
def licenses() -> None:
    """Print the licences of moxlite and of the packages that it runs on, as they are installed here."""
    from importlib.metadata import PackageNotFoundError, distribution

    def show(name: str) -> None:
        found = distribution(name)
        said = [found.metadata[key] for key in ("License-Expression", "License") if key in found.metadata]
        print(f"== {name} {found.version}: {said[0].splitlines()[0] if said else 'see below'}")
        for file in found.files or ():
            if re.match(r"(?i)(licen[cs]e|copying|notice)", file.name) and not file.name.endswith((".py", ".pyc")):
                print(f"-- {file}")
                print(file.read_text(encoding="utf-8"))

    checkout = Path(moxlite.__file__).parent.parent / "LICENSE"
    for name in ("moxlite", *RUNS_ON):
        try:
            show(name)
        except (PackageNotFoundError, OSError):
            if name == "moxlite" and checkout.exists():
                print(f"== {name} {__version__}\n-- LICENSE\n{checkout.read_text(encoding='utf-8')}")
            else:
                print(f"== {name}: its licence is not installed here")


@click.command()
@resolver_option
def checkupdate(resolver: str | None) -> int:
    """Look for a newer version, at the place that [updates] in moxlite.toml names. Nothing is installed.

    Exit code 0, also when there is one; 75 if that cannot be found out.
    """
    import msgspec

    from moxlite.admin.updates import UpdateError, changes_since, is_newer, newest_version
    from moxlite.net.httpclient import HTTPClient
    from moxlite.process.ports import roots_of

    static = load_config().static
    source = static.updates
    if source is None:
        raise Failure("moxlite.toml has no table [updates] that says where newer versions are told")

    async def look(asked: "Resolver") -> "tuple[str, list[Change]]":
        newest = await newest_version(asked, source)
        http = HTTPClient(asked, allow_internal=True, roots=roots_of(static))
        return newest, await changes_since(http, source) if is_newer(newest) else []

    try:
        newest, changes = with_resolver(resolver, look)
    except UpdateError as error:
        raise Failure(printable(str(error)), TEMPORARY) from None
    if settings().as_json:
        told = [{"version": one.version, "text": one.text} for one in changes]
        print(escaped_json(msgspec.json.encode({"version": __version__, "newest": newest, "changes": told}).decode()))
        return 0
    print(f"this is {__version__}, the newest version is {newest}")
    for one in changes:
        print(f"\n{one.version}\n")
        print("\n".join(map(printable, one.text.splitlines())))
    return 0
