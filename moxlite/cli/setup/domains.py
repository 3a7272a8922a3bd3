"""``moxlite config domain`` and ``moxlite config alias`` (ADMIN-12, 13, 17)."""

import click

from moxlite.cli.common import Failure, ask, call, json_option, settings, show
from moxlite.escapes import printable


@click.group()
def domain() -> None:
    """Domains in domains.toml, changed through the running server."""


@domain.command("list")
@json_option
def domain_list(as_json: bool) -> None:
    """List all domains; those that are disabled, or only get reports, are marked."""
    from moxlite.admin.domains.requests import DomainInfo, DomainName

    found = call("config domain list", DomainName(), list[DomainInfo])
    if as_json or settings().as_json:
        show(found, (), as_json=True)
        return
    for one in found:
        marks = f"{' (disabled)' if one.disabled else ''}{' (reports only)' if one.reports_only else ''}"
        print(printable(f"{one.domain}{marks}{'  # ' + one.description if one.description else ''}"))


@domain.command("add")
@click.option("--disabled", is_flag=True, help="Refuse its mail, in and out, until: config domain enable.")
@click.argument("name", metavar="DOMAIN")
@click.argument("account")
@click.argument("localpart", required=False, default="")
def domain_add(disabled: bool, name: str, account: str, localpart: str) -> None:
    """Add DOMAIN with new DKIM keys; ACCOUNT gets the reports about it.

    An ACCOUNT that there isn't is made, with the address LOCALPART@DOMAIN. Then: moxlite config dnsrecords DOMAIN
    """
    from moxlite.admin.domains.requests import DomainAdd

    call("config domain add", DomainAdd(name, account, localpart, disabled), type(None))


@domain.command("rm")
@click.argument("name", metavar="DOMAIN")
def domain_rm(name: str) -> None:
    """Remove DOMAIN; refused while an address or alias uses it. Its DKIM keys are moved to dkim/old."""
    from moxlite.admin.domains.requests import DomainName

    ask(f"Remove the domain {name}?")
    call("config domain rm", DomainName(name), type(None))


@domain.command("disable")
@click.argument("name", metavar="DOMAIN")
def domain_disable(name: str) -> None:
    """Refuse mail of DOMAIN, in and out, with temporary errors. Its users can still log in."""
    from moxlite.admin.domains.requests import DomainName

    call("config domain disable", DomainName(name), type(None))


@domain.command("enable")
@click.argument("name", metavar="DOMAIN")
def domain_enable(name: str) -> None:
    """Take mail of DOMAIN again."""
    from moxlite.admin.domains.requests import DomainName

    call("config domain enable", DomainName(name), type(None))


@click.group()
def alias() -> None:
    """Addresses that deliver to several members, changed through the running server."""


@alias.command("list")
@click.argument("name", metavar="[DOMAIN]", required=False, default="")
@json_option
def alias_list(name: str, as_json: bool) -> None:
    """List the aliases of DOMAIN, or all."""
    from moxlite.admin.domains.requests import AliasInfo, DomainName

    found = call("config alias list", DomainName(name), list[AliasInfo])
    show(found, ("alias", "members"), as_json=as_json)


@alias.command("print")
@click.argument("name", metavar="ALIAS")
@json_option
def alias_print(name: str, as_json: bool) -> None:
    """Show ALIAS with its members, and what they and others may do."""
    from moxlite.admin.domains.requests import AliasInfo, AliasName

    found = call("config alias print", AliasName(name), AliasInfo)
    show([found], ("alias", "post_public", "list_members", "allow_msg_from", "members"), as_json=as_json)


@alias.command("add")
@click.argument("name", metavar="ALIAS")
@click.argument("members", metavar="MEMBER...", nargs=-1, required=True)
def alias_add(name: str, members: tuple[str, ...]) -> None:
    """Add ALIAS, which delivers to each MEMBER. Everyone may write to it.

    At least one MEMBER is an address of this server. The owner of an address of another server gets a mail with a
    link, and has to agree before anything is sent there: see `moxlite account forward list ACCOUNT`.
    """
    from moxlite.admin.domains.requests import AliasMembers

    call("config alias add", AliasMembers(name, list(members)), type(None))


@alias.command("update")
@click.argument("name", metavar="ALIAS")
@click.option("--postpublic", type=bool, help="Everyone may write to it; else only members.")
@click.option("--listmembers", type=bool, help="Members see the other members.")
@click.option("--allowmsgfrom", type=bool, help="Members may send with ALIAS as From.")
def alias_update(name: str, postpublic: bool | None, listmembers: bool | None, allowmsgfrom: bool | None) -> None:
    """Set (true or false) what members of ALIAS and others may do."""
    from moxlite.admin.domains.requests import AliasChange

    if postpublic is None and listmembers is None and allowmsgfrom is None:
        raise Failure("nothing to change: give --postpublic, --listmembers or --allowmsgfrom")
    call("config alias update", AliasChange(name, postpublic, listmembers, allowmsgfrom), type(None))


@alias.command("rm")
@click.argument("name", metavar="ALIAS")
def alias_rm(name: str) -> None:
    """Remove ALIAS; its members stay."""
    from moxlite.admin.domains.requests import AliasName

    call("config alias rm", AliasName(name), type(None))


@alias.command("addaddr")
@click.argument("name", metavar="ALIAS")
@click.argument("members", metavar="MEMBER...", nargs=-1, required=True)
def alias_addaddr(name: str, members: tuple[str, ...]) -> None:
    """Add members to ALIAS, of this server or, once their owners agree, of others."""
    from moxlite.admin.domains.requests import AliasMembers

    call("config alias addaddr", AliasMembers(name, list(members)), type(None))


@alias.command("rmaddr")
@click.argument("name", metavar="ALIAS")
@click.argument("members", metavar="MEMBER...", nargs=-1, required=True)
def alias_rmaddr(name: str, members: tuple[str, ...]) -> None:
    """Take members out of ALIAS; refused where none would be left."""
    from moxlite.admin.domains.requests import AliasMembers

    call("config alias rmaddr", AliasMembers(name, list(members)), type(None))
