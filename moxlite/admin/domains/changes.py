"""Changes of domains and aliases in domains.toml: the one implementation behind command line, control socket,
quickstart and admin app (ADMIN-12, 13, 17, SMTP-105..107).

As in `accounts`, each function changes the document of an edit, or raises `Refused`.
"""

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from moxlite.admin.accounts import Refused, account_settings, new_address
from moxlite.admin.dkimkeys import SIGNING, NewKey
from moxlite.config.checks.accounts import account_name_problem
from moxlite.config.domains import Alias, DomainConfig
from moxlite.config.load import DKIM_FOLDER
from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.edit import Document
from moxlite.proto.address import Address, AddressError, Domain

MTASTS_SECONDS: Final = 7 * 86_400
"""Seconds that senders keep the first policy. Its mode is ``testing``: with ``enforce``, mail would be lost until there
is a certificate. The DNS check warns of a day or less.
"""

OLD_KEYS: Final = "old"
"""Folder of keys that no domain uses any more; they are never deleted."""


def parse_domain(text: str) -> Domain:
    """Parse a domain that a person typed. Raises Refused."""
    try:
        domain = Domain.parse(text, strict=True)
    except AddressError as error:
        raise Refused(f'"{text}" is not a domain: {error}', "domain") from None
    if "." not in domain.ascii:
        raise Refused(f'"{text}" is not a full domain name', "domain")
    return domain


def require_domain(snapshot: Snapshot, name: str) -> tuple[Domain, DomainConfig]:
    """A domain of ours, with its settings. Raises Refused."""
    try:
        domain = Domain.parse(name)
    except AddressError:
        domain = Domain(name, name)
    settings = snapshot.domain(domain)
    if settings is None:
        raise Refused(f'"{name}" is not a domain of this server')
    return domain, settings


def domain_settings(
    domain: Domain, account: str, keys: Sequence[NewKey], *, mtasts: bool, now: dt.datetime, disabled: bool = False
) -> dict[str, Any]:
    """The table of a new domain, in the form that domains.toml has (ADMIN-12).

    Args:
      account: gets the reports about the domain.
      mtasts: a listener serves policies.
    """
    settings: dict[str, Any] = {
        "client_settings_domain": f"mail.{domain.unicode}",
        "localpart_separators": ["+"],
        "dkim": {
            "sign": [key.selector for key in keys[:SIGNING]],
            "selectors": {key.selector: {"key_file": key.file} for key in keys},
        },
        "dmarc": {"localpart": "dmarcreports", "account": account, "mailbox": "DMARC"},
        "tlsrpt": {"localpart": "tlsreports", "account": account, "mailbox": "TLSRPT"},
    }
    if mtasts:
        settings["mtasts"] = {
            "policy_id": f"{now:%Y%m%dT%H%M%S}",
            "mode": "testing",
            "max_age": f"{MTASTS_SECONDS // 86_400}d",
        }
    return {"disabled": True, **settings} if disabled else settings


def add_domain(
    document: Document,
    snapshot: Snapshot,
    name: str,
    account: str,
    localpart: str,
    keys: Sequence[NewKey],
    *,
    now: dt.datetime,
    disabled: bool,
) -> None:
    """Add a domain. With a localpart, also add the new account that gets its reports."""
    domain = parse_domain(name)
    if snapshot.domain(domain) is not None:
        raise Refused(f'"{domain.unicode}" is a domain of this server already', "domain")
    new_account = snapshot.account(account) is None
    if new_account and not localpart:
        text = f'there is no account "{account}": give the localpart of its first address to make it'
        raise Refused(text, "account" if not account else "localpart")
    if not new_account and localpart:
        text = f'the account "{account}" exists: give no localpart, and add an address afterwards'
        raise Refused(text, "localpart")
    served = any(listener.mtasts_https.enabled for listener in snapshot.static.listeners.values())
    settings = domain_settings(domain, account, keys, mtasts=served, now=now, disabled=disabled)
    document.put(("domains", domain.unicode), settings)
    if new_account:
        try:
            address = Address.parse(f"{localpart}@{domain.unicode}")
        except AddressError as error:
            text = f'"{localpart}" is not the part of an address before the @: {error}'
            raise Refused(text, "localpart") from None
        problem = account_name_problem(account)
        if problem is not None:
            raise Refused(f'"{account}" {problem}', "account")
        document.put(("accounts", account), account_settings(address.pack(True)))


def remove_domain(document: Document, snapshot: Snapshot, name: str) -> None:
    """Remove a domain from the file. Raises Refused, with a list, while something uses it (ADMIN-13)."""
    domain, _ = require_domain(snapshot, name)
    users = users_of(snapshot, domain)
    if users:
        raise Refused(f'"{domain.unicode}" is still used: {"; ".join(users)}')
    document.drop(("domains", domain.unicode))


def disable_domain(document: Document, snapshot: Snapshot, name: str) -> None:
    """Refuse mail of the domain, in and out, until it is enabled again (ADMIN-17)."""
    domain, _ = require_domain(snapshot, name)
    document.put(("domains", domain.unicode, "disabled"), True)


def enable_domain(document: Document, snapshot: Snapshot, name: str) -> None:
    """Accept mail of the domain again."""
    domain, _ = require_domain(snapshot, name)
    document.drop(("domains", domain.unicode, "disabled"))


def retire_keys(folder: Path, removed: DomainConfig, left: Snapshot) -> list[Path]:
    """Move the key files of a removed domain to ``dkim/old``, and return the new paths. Files that another domain uses,
    and files outside of `folder`, stay. Raises OSError.
    """
    used = {
        selector.key_file for domain in left.domains.domains.values() for selector in domain.dkim.selectors.values()
    }
    moved: list[Path] = []
    home = folder / DKIM_FOLDER
    for selector in removed.dkim.selectors.values():
        path = selector.key_file
        if path in used or path.parent.resolve() != home.resolve() or not path.is_file():
            continue
        (home / OLD_KEYS).mkdir(mode=0o750, exist_ok=True)
        target = home / OLD_KEYS / path.name
        number = 0
        while target.exists():  # removed and added again within a second
            number += 1
            target = home / OLD_KEYS / f"{path.name}.{number}"
        os.rename(path, target)  # noqa: PTH104 - a file of ours, to a name that is free
        moved.append(target)
    return moved


def find_alias(snapshot: Snapshot, address: str) -> tuple[str, str, Alias]:
    """Find an alias by its address: domain and localpart as in the file, and its settings. Raises Refused."""
    try:
        wanted = snapshot.canonical(Address.parse(address))
    except AddressError as error:
        raise Refused(f'"{address}" is not an address: {error}') from None
    for domain, settings in snapshot.domains.domains.items():
        if wanted.domain != Domain.parse(domain):
            continue
        for localpart, alias in settings.aliases.items():
            if snapshot.canonical(Address.parse(f"{localpart}@{domain}")) == wanted:
                return domain, localpart, alias
    raise Refused(f'there is no alias "{address}"')


def add_alias(document: Document, snapshot: Snapshot, address: str, members: Sequence[str]) -> None:
    """Add an alias that everyone may write to."""
    text = new_address(snapshot, address, "alias")
    if text.startswith("@"):
        raise Refused("an alias has a localpart", "alias")
    if not members:
        raise Refused("an alias needs at least one member", "members")
    domain, localpart = _parts(text)
    if localpart in snapshot.domains.domains[domain].aliases:
        raise Refused(f'there is an alias "{text}" already', "alias")
    settings = {"addresses": [new_member(snapshot, one) for one in members], "post_public": True}
    document.put(("domains", domain, "aliases", localpart), settings)


def new_member(snapshot: Snapshot, text: str) -> str:
    """An address of this server as `new_address` has it, or one of another server. Raises Refused."""
    try:
        address = Address.parse(text)
    except AddressError as error:
        raise Refused(f'"{text}" is not an address: {error}', "members") from None
    return new_address(snapshot, text, "members") if snapshot.domain(address.domain) is not None else address.pack(True)


def update_alias(document: Document, snapshot: Snapshot, address: str, changes: Mapping[str, bool]) -> None:
    """Set the permissions of members and others."""
    domain, localpart, _ = find_alias(snapshot, address)
    for key, value in changes.items():
        document.put(("domains", domain, "aliases", localpart, key), value)


def remove_alias(document: Document, snapshot: Snapshot, address: str) -> None:
    """Remove an alias."""
    domain, localpart, _ = find_alias(snapshot, address)
    document.drop(("domains", domain, "aliases", localpart))


def add_alias_members(document: Document, snapshot: Snapshot, address: str, members: Sequence[str]) -> None:
    """Add members to an alias in `domains.toml`."""
    domain, localpart, alias = find_alias(snapshot, address)
    new = [new_member(snapshot, one) for one in members]
    document.put(("domains", domain, "aliases", localpart, "addresses"), [*map(_text, alias.addresses), *new])


def remove_alias_members(document: Document, snapshot: Snapshot, address: str, members: Sequence[str]) -> None:
    """Remove members. Raises Refused if no member would be left (SMTP-107)."""
    domain, localpart, alias = find_alias(snapshot, address)
    gone = set()
    have = {snapshot.canonical(one) for one in alias.addresses}
    for text in members:
        member = snapshot.canonical(Address.parse(new_member(snapshot, text)))
        if member not in have:
            raise Refused(f'"{text}" is not a member of "{address}"', "members")
        gone.add(member)
    left = [_text(one) for one in alias.addresses if snapshot.canonical(one) not in gone]
    if not left:
        raise Refused(f'"{address}" would have no member left: remove the alias instead')
    document.put(("domains", domain, "aliases", localpart, "addresses"), left)


def users_of(snapshot: Snapshot, domain: Domain) -> list[str]:
    """Uses of a domain in the configuration, as lines for people."""
    found: list[str] = []
    for name, account in snapshot.domains.accounts.items():
        found += [
            f'address {address} of account "{name}"'
            for address in account.destinations
            if Domain.parse(address.rpartition("@")[2]) == domain
        ]
        found += [
            f'log-in address {one} of account "{name}"'
            for one in account.from_id_login_addresses
            if one.domain == domain
        ]
        if account.domain == domain and not any(f'"{name}"' in one for one in found):
            found.append(f'account "{name}" has it as its domain')
    for other, settings in snapshot.domains.domains.items():
        if Domain.parse(other) == domain:
            continue
        for localpart, alias in settings.aliases.items():
            found += [f"member {one} of alias {localpart}@{other}" for one in alias.addresses if one.domain == domain]
        for kind, report in (("DMARC", settings.dmarc), ("TLS", settings.tlsrpt)):
            if report is not None and report.domain == domain:
                found.append(f"{kind} reports of {other} arrive there")
    return found


def _parts(address: str) -> tuple[str, str]:
    """Domain and localpart of an address as written in the file."""
    localpart, _, domain = address.rpartition("@")
    return domain, localpart


def _text(address: Address) -> str:
    return address.pack(True)
