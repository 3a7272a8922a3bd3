"""``moxlite config``: check, describe, and change the configuration (ADMIN-11, ADMIN-12..17)."""

import sys
from pathlib import Path
from typing import Final

import click

from moxlite.cli.common import Failure, config_path, for_root, new_password, unusable
from moxlite.cli.setup.domaindns import clientconfig, dnscheck, dnsrecords, ensure_acme_host_keys
from moxlite.cli.setup.domains import add_commands, listeners
from moxlite.cli.setup.quickstart import program
from moxlite.cli.setup.tls import tlspubkey

BACKUPS: Final = Path("/var/backups/moxlite")
"""The place of backups in the documentation and of the Debian package."""


@click.group()
def config() -> None:
    """Check, describe and change the configuration."""


config.add_command(tlspubkey)
config.add_command(dnsrecords)
config.add_command(dnscheck)
config.add_command(clientconfig)
config.add_command(ensure_acme_host_keys)
config.add_command(listeners)


@config.command("hash-password")
def hash_password() -> None:
    """Print the hash of a password for `basic_auth` of a web handler: asked for twice, or the first line of stdin."""
    from moxlite.store.auth.credentials import derive_credential
    from moxlite.store.errors import BadPassword

    try:
        print(derive_credential(new_password()).password)
    except BadPassword as error:
        raise Failure(str(error)) from None


@config.command()
def test() -> None:
    """Check both configuration files with all keys and certificates that they name; change nothing.

    As root, also what the start would refuse on this machine: owners and modes, addresses, folders that systemd hides
    from the server or lets it only read.

    Errors and warnings are printed with file, line and key. Exit code 1 if there are errors.
    """
    from moxlite.config.load import ConfigError
    from moxlite.process.configtest import test_config

    errors, warnings = test_config(config_path(), machine=True)
    if any(for_root(problem.file) for problem in errors):
        raise unusable(ConfigError(errors))
    for problem in errors:
        print(f"error: {problem}", file=sys.stderr)
    for problem in warnings:
        print(f"warning: {problem}", file=sys.stderr)
    if errors:
        raise Failure(f"{len(errors)} error{'s' if len(errors) > 1 else ''} in the configuration")
    print("config OK")


@config.command("describe-static")
def describe_static() -> None:
    """Print all keys of moxlite.toml with explanations and defaults."""
    from moxlite.config.reference import describe
    from moxlite.config.static import Static

    print(describe(Static), end="")


@config.command("describe-domains")
def describe_domains() -> None:
    """Print all keys of domains.toml with explanations and defaults."""
    from moxlite.config.domains import Domains
    from moxlite.config.reference import describe

    print(describe(Domains), end="")


@config.command("describe-sendmail")
def describe_sendmail() -> None:
    """Print an example of /etc/moxlite-submit.toml, by which `moxlite sendmail` sends."""
    from moxlite.cli.sendmail.settings import EXAMPLE

    print(EXAMPLE, end="")


@config.command()
@click.argument("name", required=False)
def example(name: str | None) -> None:
    """Print the example NAME; without it, list the names."""
    from moxlite.config.examples import EXAMPLES

    if name is None:
        for known, (about, _) in EXAMPLES.items():
            print(f"{known:<12} {about}")
        return
    if name not in EXAMPLES:
        raise Failure(f"no example {name!r}: the names are {', '.join(EXAMPLES)}")
    print(EXAMPLES[name][1], end="")


@config.command()
def printservice() -> None:
    """Print a unit for systemd, with the paths of this installation: configuration, data, `backup.target`,
    `standby.target` and the folder of `log_file`.
    """
    from moxlite.admin.quickstart.files import unit_file
    from moxlite.cli.common import load_config

    path, static = config_path().resolve(), load_config().static
    more = [static.backup.target if isinstance(static.backup.target, Path) else BACKUPS]
    if isinstance(static.standby.target, Path):
        more.append(static.standby.target)
    if static.log_file is not None:
        more.append(static.log_file.parent)
    data = static.data_dir.resolve()
    more = [one for one in dict.fromkeys(more) if not one.is_relative_to(path.parent) and not one.is_relative_to(data)]
    print(unit_file(program=program(), config=path, data=data, more=more), end="")


add_commands(config)
