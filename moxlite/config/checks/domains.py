"""Cross checks of ``[domains.NAME]``, and of the addresses that domains, accounts and reports share (ADMIN-9)."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from moxlite.config.checks.accounts import IS_QUEUE, is_queue_mailbox
from moxlite.config.domains import Account, DomainConfig, Domains
from moxlite.config.snapshot import Key, canonical_localpart
from moxlite.config.toml.decode import Finding, KeyPath, near
from moxlite.proto.address import Address, AddressError, Domain, Localpart

POLICY_ID: Final = re.compile(r"[A-Za-z0-9]{1,32}")
"""Identifiers of an MTA-STS policy (RFC 8461 §3.1)."""
MAX_EXTERNAL: Final = 50
"""Members of one alias at other servers: each message is sent to all of them (SMTP-166)."""
MX_PATTERN: Final = re.compile(r"(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
FIELD_NAME: Final = re.compile(r"[!-9<-~]{1,76}")
"""Names of header fields (RFC 5322 §2.2), without the semicolon, which ends the list of names in a signature."""
SELECTOR: Final = re.compile(
    r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*", re.IGNORECASE
)
"""DKIM selectors: labels of a domain name (RFC 6376 §3.1)."""


def domain_name_problem(path: KeyPath, name: str) -> Finding | None:
    """The finding for a name that cannot be that of a domain, or None."""
    try:
        domain = Domain.parse(name)
    except AddressError as error:
        return Finding(path, f"is not a domain: {error}")
    if domain.unicode != name:
        return Finding(path, f'must be in its Unicode form, lower case: write "{domain.unicode}"')
    return None


def domain_findings(path: KeyPath, settings: DomainConfig, domains: Domains) -> Iterator[Finding]:
    """Mistakes within one domain."""
    if len(set(settings.localpart_separators)) < len(settings.localpart_separators):
        yield Finding((*path, "localpart_separators"), "has duplicates")
    for name in settings.dkim.sign:
        if name not in settings.dkim.selectors:
            hint = near(name, settings.dkim.selectors)
            yield Finding(
                (*path, "dkim", "sign"),
                f'names the unknown selector "{name}"',
                hint,
                (*path, "dkim", "selectors", name),
            )
    for name, selector in settings.dkim.selectors.items():
        if not SELECTOR.fullmatch(name):
            yield Finding((*path, "dkim", "selectors", name), "is not a name for DNS")
        # a signature without From is not valid (RFC 6376 §5.4)
        if "from" not in {header.lower() for header in selector.headers}:
            yield Finding((*path, "dkim", "selectors", name, "headers"), "must have From")
        for key in ("headers", "unsealed_headers"):
            for header in getattr(selector, key):
                if not FIELD_NAME.fullmatch(header):
                    yield Finding(
                        (*path, "dkim", "selectors", name, key),
                        f'has "{header}", which is not the name of a header field',
                    )
    for kind in ("dmarc", "tlsrpt"):
        report = getattr(settings, kind)
        if report is None:
            continue
        # report generators need not know SMTPUTF8, and the address is in a URI
        if not report.localpart.isascii():
            yield Finding((*path, kind, "localpart"), "must be ASCII")
        if report.domain is not None and report.domain.unicode not in domains.domains:
            hint = near(report.domain.unicode, domains.domains)
            yield Finding(
                (*path, kind, "domain"), "is not a domain of this server", hint, ("domains", report.domain.unicode)
            )
        if report.account not in domains.accounts:
            hint = near(report.account, domains.accounts)
            yield Finding(
                (*path, kind, "account"), f'is not an account: "{report.account}"', hint, ("accounts", report.account)
            )
        # that mailbox shows the queue and takes no messages
        elif domains.accounts[report.account].queue_mailbox and is_queue_mailbox(report.mailbox):
            yield Finding((*path, kind, "mailbox"), IS_QUEUE)
    if settings.mtasts is not None:
        if not POLICY_ID.fullmatch(settings.mtasts.policy_id):
            yield Finding((*path, "mtasts", "policy_id"), "must have 1 to 32 letters and digits")
        for index, pattern in enumerate(settings.mtasts.mx):
            if not MX_PATTERN.fullmatch(pattern):
                yield Finding((*path, "mtasts", "mx", index), "is not a host name, or *. and one")


class Owner(msgspec.Struct, frozen=True):
    """Owner of an address: an account, or the reports of a domain (`account` None); `text` names it for people."""

    account: str | None
    text: str


def report_owners(domains: Domains, known: Mapping[str, DomainConfig]) -> dict[Key, Owner]:
    """The report addresses, in their canonical form, with their owners."""
    owners: dict[Key, Owner] = {}
    for name, settings in known.items():
        for kind in ("dmarc", "tlsrpt"):
            report = getattr(settings, kind)
            if report is None:
                continue
            domain = report.domain or Domain.parse(name)
            at = domains.domains.get(domain.unicode)
            if at is not None:
                localpart = report.localpart if at.localpart_case_sensitive else report.localpart.lower()
                owners[localpart, domain.ascii] = Owner(None, f"the {kind} reports of {name}")
    return owners


def destination_findings(
    name: str, account: Account, known: Mapping[str, DomainConfig], taken: dict[Key, Owner]
) -> Iterator[Finding]:
    """Mistakes in the addresses of one account; its valid addresses are added to `taken`."""
    for configured in account.destinations:
        path: KeyPath = ("accounts", name, "destinations", configured)
        local, _, domain_name = configured.rpartition("@")
        problem = domain_name_problem(path, domain_name)
        if problem is not None:
            yield problem
            continue
        settings = known.get(domain_name)
        if settings is None:
            yield Finding(
                path,
                f'is at "{domain_name}", which is not a domain of this server',
                near(domain_name, known),
                ("domains", domain_name),
            )
            continue
        domain = Domain.parse(domain_name)
        localpart = Localpart("")
        if local:
            try:
                address = Address.parse(configured)
            except AddressError as error:
                yield Finding(path, f"is not an address: {error}")
                continue
            if address.pack(True) != configured:
                yield Finding(path, f'must be in its plain form: write "{address.pack(True)}"')
                continue
            separator = next((one for one in settings.localpart_separators if one in address.localpart[1:]), None)
            if separator is not None:
                yield Finding(path, f'has the separator "{separator}" of its domain before the @')
                continue
            localpart = canonical_localpart(address.localpart, settings)
        own = Owner(name, f'the account "{name}" ({configured})')
        other = taken.setdefault((localpart, domain.ascii), own)
        if other is not own:
            yield Finding(path, f"belongs to {other.text} already")


def alias_findings(known: Mapping[str, DomainConfig], taken: Mapping[Key, Owner]) -> Iterator[Finding]:
    """Mistakes in the aliases of all domains. An address of an alias must not have another owner."""
    for name, settings in known.items():
        own = Domain.parse(name)
        seen: dict[Key, str] = {}
        for text, alias in settings.aliases.items():
            path: KeyPath = ("domains", name, "aliases", text)
            try:
                localpart = Address.parse(f"{text}@{name}").localpart
            except AddressError as error:
                yield Finding(path, f"is not the part of an address before the @: {error}")
                continue
            # at the very beginning it separates nothing
            if any(one in localpart[1:] for one in settings.localpart_separators):
                yield Finding(path, "has a separator of its domain")
            key = (canonical_localpart(localpart, settings), own.ascii)
            if key in taken:
                yield Finding(path, f"is an address already: it belongs to {taken[key].text}")
            elif key in seen:
                yield Finding(path, f'is the same as the alias "{seen[key]}"')
            seen[key] = text
            if not alias.addresses:
                yield Finding((*path, "addresses"), "must have at least one member")
            members: set[Key] = set()
            accounts: set[str] = set()
            external = 0
            for index, member in enumerate(alias.addresses):
                at = known.get(member.domain.unicode)
                localpart = canonical_localpart(member.localpart, at) if at is not None else member.localpart
                member_key = (localpart, member.domain.ascii)
                owner = taken.get(member_key)
                if at is None:
                    external += 1
                elif owner is not None and owner.account is not None:
                    accounts.add(owner.account)
                if at is not None and (owner is None or owner.account is None):
                    yield Finding(
                        (*path, "addresses", index),
                        f'is not an address of an account: "{member}"',
                        refers_to=("accounts",),
                    )
                elif member_key in members:
                    yield Finding((*path, "addresses", index), f'is given twice: "{member}"')
                members.add(member_key)
            if external > MAX_EXTERNAL:
                yield Finding((*path, "addresses"), f"has more than {MAX_EXTERNAL} members at other servers")
            if external and not accounts:
                yield Finding((*path, "addresses"), "needs a member of this server, which sends to the others")
            if alias.carrier is not None and alias.carrier not in accounts:
                yield Finding((*path, "carrier"), f'is not the account of a member: "{alias.carrier}"')
