"""``moxlite config account``, ``address``, ``domain``, ``alias`` and ``apply``: domains.toml is changed through the
running server (ADMIN-12..17).
"""

import json
import math
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from moxlite.cli.common import Failure, ask, json_option, load_config, note, perform, settings, show, show_json
from moxlite.cli.described import Question, described, for_people
from moxlite.escapes import printable
from moxlite.operations import accounts, described_in, description, domains
from moxlite.operations.accounts import AccountInfo
from moxlite.operations.domains import AddedDomain, AliasInfo, DomainInfo, PeerState
from moxlite.operations.queue import CountOutgoing
from moxlite.proto.address import AddressKey, one_spelling, unicode_domain
from moxlite.wording import counted


def add_commands(config: click.Group) -> None:
    """Add the commands to their group."""
    described(
        config,
        (*described_in(accounts), *described_in(domains)),
        {
            "account": "Manage accounts in domains.toml, using the running server.",
            "address": "Manage addresses in domains.toml, using the running server.",
            "domain": "Manage domains in domains.toml, using the running server.",
            "domain peer": "Manage a domain's previous server. It gets mail for addresses that aren't here yet.",
            "alias": "Manage addresses that deliver to several members. Requires the running server.",
        },
        {
            accounts.ListAccounts: show_accounts,
            accounts.FindAddress: lambda found, as_json: show_json(found) if as_json else print(found.account),
            domains.ListDomains: _show_domains,
            domains.AddDomain: _show_added,
            domains.PrintAlias: _show_alias,
            domains.ShowPeer: _show_peer,
            domains.SetPeer: _show_peer,
        },
        without={accounts.SetQuota, domains.PlanConfig, domains.ApplyConfig},
        questions=QUESTIONS,
    )
    config.add_command(apply_config)


def _without_account(args: Mapping[str, Any]) -> str:
    perform(accounts.ListAddresses(args["account"]))  # refuses an account that isn't there
    outgoing = perform(CountOutgoing(args["account"]))
    waiting, held = counted(outgoing.waiting, "outgoing message"), counted(outgoing.held, "message")
    return (
        f"Delete account {args['account']} and all its mail? {waiting} will still be sent. {held} on hold or "
        f"scheduled won't be sent.{_copies()}"
    )


def _copies() -> str:
    """Where the mail of a deleted account stays, and until when; "" if this user can't read moxlite.toml."""
    try:
        static = load_config().static
    except Failure:
        return ""
    backup, standby = static.backup, static.standby
    days = max(backup.keep_daily, 7 * backup.keep_weekly)
    if backup.target is None:
        text = " Backups that you've made still have its mail."
    elif backup.encrypt_to:
        text = f" Snapshots in {backup.target} still have its mail, until you run `moxlite backup prune`."
    else:
        text = f" Snapshots in {backup.target} keep its mail for up to {counted(days, 'day')}."
    if standby.target is not None:
        from moxlite.admin.standby.pruning import held_for

        text += f" {standby.target} keeps it for up to {counted(math.ceil(held_for(standby.keep) / 86_400), 'day')}."
    return text


def _without_address(args: Mapping[str, Any]) -> str:
    address = args["address"]
    if "@" not in address:
        raise Failure(f"{address!r} isn't a valid address: missing @ in address")
    for account in perform(accounts.ListAccounts()):
        if AddressKey.parse(address) not in map(AddressKey.parse, account.addresses):
            continue
        if len(account.addresses) == 1:
            if settings().yes:
                note(
                    f"{address} is the only address of account {account.account}, which now can't get mail or log in. "
                    f"To undo this, run: moxlite config address add {address} {account.account}"
                )
            return (
                f"Remove {address}, the only address of account {account.account}? The user won't get mail, and can't "
                "log in."
            )
        if address.startswith("@"):
            return f"Remove the catchall of account {account.account}? Mail to unknown addresses {address} is rejected."
        return f"Remove {address} from account {account.account}? Mail to it will be rejected."
    return f"Remove {address}? Mail to it will be rejected."


def _without_alias(args: Mapping[str, Any]) -> str:
    members = ", ".join(perform(domains.PrintAlias(args["alias"])).members)
    return f"Delete {args['alias']}? Mail to it will be rejected, and no longer delivered to {members}."


def _without_members(args: Mapping[str, Any]) -> str:
    members = perform(domains.PrintAlias(args["alias"])).members
    known = {one_spelling(member) for member in members}
    if missing := [member for member in args["members"] if one_spelling(member) not in known]:
        raise Failure(f"{', '.join(missing)} isn't a member of {args['alias']}. Its members are {', '.join(members)}")
    return f"Remove {', '.join(args['members'])} from {args['alias']}? They won't get its mail."


def _without_domain(args: Mapping[str, Any]) -> str:
    domain = args["domain"]
    if unicode_domain(domain) not in {listed.domain for listed in perform(domains.ListDomains())}:
        raise Failure(f'"{domain}" isn\'t a domain on this server')
    return description(domains.RemoveDomain).ask.format_map(args)


QUESTIONS: Final[Mapping[type, Question]] = {
    accounts.RemoveAccount: _without_account,
    accounts.RemoveAddress: _without_address,
    domains.RemoveAlias: _without_alias,
    domains.RemoveDomain: _without_domain,
    domains.RemoveMembers: _without_members,
}
"""Questions before verbs that end mail: what goes, by the running server."""


@click.command("apply")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only show the changes.")
@json_option
def apply_config(file: Path, dry_run: bool, as_json: bool) -> None:
    """Replace domains.toml with FILE.

    You'll see the changes first. If there are errors in the file, nothing changes. Accounts that aren't in FILE lose
    their login and addresses, but you'll still find their mail on disk.
    """
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError:
        raise Failure(f"{file} isn't valid UTF-8") from None
    if not text.strip():
        raise Failure(f"{file} is empty")
    try:
        plan = perform(domains.PlanConfig(text))
    except Failure as failure:
        raise Failure(NEW.sub(lambda _: str(file), str(failure)), failure.code) from None
    if as_json:
        show_json(plan)
    else:
        for change in plan.changes:
            print(printable(f"{change.path}: {_value(change.before)} -> {_value(change.after)}"))
    if not plan.changes:
        print("No changes.", file=sys.stderr)
    elif not dry_run:
        ask("Make these changes?")
        perform(domains.ApplyConfig(text, plan.revision))


NEW: Final = re.compile(r"^\S*domains\.toml \(new\)", re.MULTILINE)
"""The file of a mistake in another text for domains.toml, as the server names it."""


def _value(value: object) -> str:
    return "not set" if value is None else json.dumps(value, ensure_ascii=False)


@for_people
def show_accounts(account_infos: list[AccountInfo]) -> None:
    """Print a list of accounts."""
    for account_info in account_infos:
        one_line = f"{account_info.account}{' (disabled)' if account_info.disabled else ''}"
        about = f"  # {account_info.description}" if account_info.description else ""
        print(printable(f"{one_line:<24} {', '.join(account_info.addresses)}{about}"))


@for_people
def _show_domains(domain_infos: list[DomainInfo]) -> None:
    for domain_info in domain_infos:
        marks = (
            f"{' (disabled)' if domain_info.disabled else ''}{' (reports only)' if domain_info.reports_only else ''}"
        )
        print(
            printable(
                f"{domain_info.domain}{marks}{'  # ' + domain_info.description if domain_info.description else ''}"
            )
        )


@for_people
def _show_added(added_domain: AddedDomain) -> None:
    print(printable(f"Added {added_domain.domain}. Next steps:"))
    for next_step in added_domain.next:
        print(printable(f"- {next_step.words}:"))
        for command in next_step.commands:
            print(printable(f"    {command}"))


@for_people
def _show_peer(peer_state: PeerState) -> None:
    if not peer_state.hosts:
        print(printable(f"Mail for unknown addresses in {peer_state.domain} is rejected."))
        if peer_state.elsewhere:
            hosts = " ".join(peer_state.elsewhere)
            print(printable(f"The MX records point to another server: {hosts}. To forward this mail there:"))
            print(printable(f"    moxlite config domain peer set {peer_state.domain} {hosts}"))
        return
    what = "All mail" if peer_state.disabled else "Mail for unknown addresses"
    print(printable(f"{what} at {peer_state.domain} is forwarded to this server if it accepts the address:"))
    for host in peer_state.hosts:
        state = host.problem or f"answers{', with TLS' if host.tls else ', without TLS'}"
        print(printable(f"    {host.host} ({', '.join(host.addresses) or 'no address'}): {state}"))
    if peer_state.takes_all:
        print("That server accepts any address, so mistyped addresses aren't rejected here either.")
    print(
        f"Messages in the last 14 days: {peer_state.messages}. To stop: moxlite config domain peer rm "
        f"{peer_state.domain}"
    )


def _show_alias(alias_info: AliasInfo, as_json: bool) -> None:
    show([alias_info], ("alias", "post_public", "list_members", "allow_msg_from", "members"), as_json=as_json)


# ``moxlite config listeners``: what the ports of this machine serve (ADMIN-34a, ADMIN-34b).
