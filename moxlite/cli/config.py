"""``moxlite config``: check, describe, and change the configuration (ADMIN-11, ADMIN-12..17)."""

import sys
from pathlib import Path
from typing import Final

import click

from moxlite.cli.account import account_list
from moxlite.cli.common import Failure, ask, call, config_path, for_root, json_option, new_password, show, unusable
from moxlite.cli.setup.domaindns import clientconfig, dnscheck, dnsrecords, ensure_acme_host_keys
from moxlite.cli.setup.domains import alias, domain
from moxlite.cli.setup.listeners import listeners
from moxlite.cli.setup.quickstart import program
from moxlite.cli.setup.tls import tlspubkey

BACKUPS: Final = Path("/var/backups/moxlite")
"""The place of backups in the documentation and of the Debian package."""


@click.group()
def config() -> None:
    """Check, describe and change the configuration."""


config.add_command(domain)
config.add_command(alias)
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
    from moxlite.process.configtest.files import test_config

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


@config.group()
def account() -> None:
    """Accounts in domains.toml, changed through the running server."""


account.add_command(account_list)


@account.command("addresses")
@click.argument("name")
@json_option
def account_addresses(name: str, as_json: bool) -> None:
    """List the addresses of account NAME."""
    from moxlite.admin.requests import AccountName, AddressInfo

    show(call("config account addresses", AccountName(name), list[AddressInfo]), ("address",), as_json=as_json)


@account.command("add")
@click.argument("name")
@click.argument("address")
def account_add(name: str, address: str) -> None:
    """Add account NAME with ADDRESS. Then give it a password: moxlite account set-password NAME."""
    from moxlite.admin.requests import AccountAdd

    call("config account add", AccountAdd(name, address), type(None))


@account.command("rm")
@click.argument("name")
def account_rm(name: str) -> None:
    """Remove account NAME. ALL ITS MAIL IS DELETED, with its log-in, sessions and keys; its queued messages stay."""
    from moxlite.admin.requests import AccountName

    ask(f"Remove account {name} and delete all its mail?")
    call("config account rm", AccountName(name), type(None))


@account.command("disable")
@click.argument("name")
@click.argument("message")
def account_disable(name: str, message: str) -> None:
    """Refuse log-ins of account NAME, showing MESSAGE; its sessions end. Mail is still delivered."""
    from moxlite.admin.requests import DisableAccount

    call("config account disable", DisableAccount(name, message), type(None))


@account.command("enable")
@click.argument("name")
def account_enable(name: str) -> None:
    """Let account NAME log in again."""
    from moxlite.admin.requests import AccountName

    call("config account enable", AccountName(name), type(None))


@account.command("set")
@click.argument("name")
@click.argument("key", type=click.Choice(["quota"]))
@click.argument("value")
def account_set(name: str, key: str, value: str) -> None:
    """Set the quota of account NAME: the room for its messages, as 5g or 500m.

    "none" is without limit, "default" what moxlite.toml says for all accounts. Mail that does not fit is refused for
    now, so that its sender tries again for days.
    """
    from moxlite.admin.requests import AccountQuota

    call(f"config account {key}", AccountQuota(name, value), type(None))


@config.group()
def address() -> None:
    """Addresses in domains.toml, changed through the running server."""


@address.command("add")
@click.argument("address")
@click.argument("account")
def address_add(address: str, account: str) -> None:
    """Give ACCOUNT one more ADDRESS; @DOMAIN is all of a domain that are no other account's."""
    from moxlite.admin.requests import AddressAdd

    call("config address add", AddressAdd(address, account), type(None))


@address.command("rm")
@click.argument("address")
def address_rm(address: str) -> None:
    """Take ADDRESS from its account, and from all aliases."""
    from moxlite.admin.requests import AddressName

    call("config address rm", AddressName(address), type(None))


@address.command("account")
@click.argument("address")
def address_account(address: str) -> None:
    """Tell which account has ADDRESS."""
    from moxlite.admin.requests import AddressInfo, AddressName

    print(call("config address account", AddressName(address), AddressInfo).account)
