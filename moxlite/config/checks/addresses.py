"""Cross checks of ``[domains.NAME]``, and of the addresses and user names that domains, accounts and reports share
(ADMIN-9).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from moxlite.config.checks.accounts import IS_QUEUE, is_queue_mailbox
from moxlite.config.domains import Account, DomainConfig, Domains
from moxlite.config.snapshot import Key, canonical_localpart, login_key
from moxlite.config.toml.decode import KeyPath, Mistake, near
from moxlite.normal import WITHOUT_JOINERS, is_visible
from moxlite.proto.address import Address, AddressError, Domain, Localpart, unmarked
from moxlite.wording import worded

MAX_LOGIN_NAME: Final = 200
"""Characters of a user name; the longest that devices have is an address."""
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


def domain_name_problem(path: KeyPath, name: str) -> Mistake | None:
    """The finding for a name that cannot be that of a domain, or None."""
    try:
        domain = Domain.parse(name)
    except AddressError as error:
        return Mistake(path, f"isn't a valid domain: {error}")
    if domain.unicode != name:
        return Mistake(path, f'must be lowercase Unicode; use "{domain.unicode}"')
    return None


def domain_findings(path: KeyPath, settings: DomainConfig, domains: Domains) -> Iterator[Mistake]:
    """Mistakes within one domain."""
    if len(set(settings.localpart_separators)) < len(settings.localpart_separators):
        yield Mistake((*path, "localpart_separators"), "lists the same value twice")
    for name in settings.dkim.sign:
        if name not in settings.dkim.selectors:
            hint = near(name, settings.dkim.selectors)
            yield Mistake(
                (*path, "dkim", "sign"),
                f'unknown selector "{name}"',
                hint,
                (*path, "dkim", "selectors", name),
            )
    for name, selector in settings.dkim.selectors.items():
        if not SELECTOR.fullmatch(name):
            yield Mistake((*path, "dkim", "selectors", name), "isn't a valid DNS name")
        # a signature without From is not valid (RFC 6376 §5.4)
        if "from" not in {header.lower() for header in selector.headers}:
            yield Mistake((*path, "dkim", "selectors", name, "headers"), "must include From")
        for key in ("headers", "unsealed_headers"):
            for header in getattr(selector, key):
                if not FIELD_NAME.fullmatch(header):
                    yield Mistake(
                        (*path, "dkim", "selectors", name, key),
                        f'includes "{header}", which isn\'t a valid header field name',
                    )
    for kind in ("dmarc", "tlsrpt"):
        report = getattr(settings, kind)
        if report is None:
            continue
        # report generators need not know SMTPUTF8, and the address is in a URI
        if not report.localpart.isascii():
            yield Mistake((*path, kind, "localpart"), "must be ASCII")
        if report.domain is not None and report.domain.unicode not in domains.domains:
            hint = near(report.domain.unicode, domains.domains)
            yield Mistake(
                (*path, kind, "domain"), "isn't a domain on this server", hint, ("domains", report.domain.unicode)
            )
        if report.account not in domains.accounts:
            hint = near(report.account, domains.accounts)
            yield Mistake(
                (*path, kind, "account"), f'unknown account "{report.account}"', hint, ("accounts", report.account)
            )
        # that mailbox shows the queue and takes no messages
        elif domains.accounts[report.account].queue_mailbox and is_queue_mailbox(report.mailbox):
            yield Mistake((*path, kind, "mailbox"), IS_QUEUE)
    if settings.mtasts is not None:
        if not POLICY_ID.fullmatch(settings.mtasts.policy_id):
            yield Mistake((*path, "mtasts", "policy_id"), "must be 1 to 32 letters and digits")
        for key, patterns in (("mx", settings.mtasts.mx), ("former_mx", settings.mtasts.former_mx)):
            for index, pattern in enumerate(patterns):
                if not MX_PATTERN.fullmatch(pattern):
                    yield Mistake((*path, "mtasts", key, index), "must be a host name, optionally starting with *.")


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
) -> Iterator[Mistake]:
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
            yield Mistake(
                path,
                f'uses "{domain_name}", which isn\'t a domain on this server',
                near(domain_name, known),
                ("domains", domain_name),
            )
            continue
        domain = Domain.parse(domain_name)
        localpart = Localpart("")
        if local:
            try:
                address = Address.parse(unmarked(configured))
            except AddressError as error:
                yield Mistake(path, f"isn't a valid address: {error}")
                continue
            if address.pack(True) != configured:
                yield Mistake(path, f'must be in canonical form; use "{address.pack(True)}"')
                continue
            separator = next(
                (
                    localpart_separator
                    for localpart_separator in settings.localpart_separators
                    if localpart_separator in address.localpart[1:]
                ),
                None,
            )
            if separator is not None:
                yield Mistake(path, f"can't include the domain's separator \"{separator}\" before the @")
                continue
            localpart = canonical_localpart(address.localpart, settings)
        # Beside addresses of the file those for reports: mail to one that has two owners would go to either.
        own = Owner(name, f'the account "{name}" ({configured})')
        # addresses that differ by joiners alone look like one
        bare = Localpart(localpart.translate(WITHOUT_JOINERS))
        others = [taken.setdefault((spelling, domain.ascii), own) for spelling in dict.fromkeys((localpart, bare))]
        other = next((one for one in others if one is not own), own)
        if other is not own:
            yield Mistake(path, f"already belongs to {other.text}")


def login_findings(domains: Domains, taken: Mapping[Key, Owner]) -> Iterator[Mistake]:
    """Mistakes in the further user names of all accounts: a name must lead to one account."""
    owners: dict[str, str] = {}
    for account, settings in domains.accounts.items():
        for index, name in enumerate(settings.login_names):
            path: KeyPath = ("accounts", account, "login_names", index)
            if not (name and name == name.strip() and is_visible(name)):
                yield Mistake(path, "can't be blank, or begin or end with spaces, or contain control characters")
            elif len(name) > MAX_LOGIN_NAME:
                yield Mistake(path, worded("can be up to {most} characters", most=MAX_LOGIN_NAME))
            other = owners.setdefault(login_key(name), account)
            if other != account:
                yield Mistake(path, f'is already used by the account "{other}"', refers_to=("accounts", other))
            elif (owner := _owner_of(name, domains, taken)) is not None and owner.account != account:
                yield Mistake(path, f"already belongs to {owner.text}")


def _owner_of(name: str, domains: Domains, taken: Mapping[Key, Owner]) -> Owner | None:
    """The owner of a user name that is an address here, or None."""
    try:
        address = Address.parse(name)
    except AddressError:
        return None
    settings = domains.domains.get(address.domain.unicode)
    if settings is None:
        return None
    domain = address.domain.ascii
    # Report addresses match whole, separators included.
    reports = taken.get((Localpart(address.localpart.lower()), domain))
    return reports or taken.get((canonical_localpart(address.localpart, settings), domain))


def alias_findings(known: Mapping[str, DomainConfig], taken: Mapping[Key, Owner]) -> Iterator[Mistake]:
    """Mistakes in the aliases of all domains. An address of an alias must not have another owner."""
    for name, settings in known.items():
        own = Domain.parse(name)
        seen: dict[Key, str] = {}
        for text, alias in settings.aliases.items():
            path: KeyPath = ("domains", name, "aliases", text)
            try:
                localpart = Address.parse(f"{text}@{name}").localpart
            except AddressError as error:
                yield Mistake(path, f"isn't a valid localpart, the part of an address before the @: {error}")
                continue
            # at the very beginning it separates nothing
            if any(localpart_separator in localpart[1:] for localpart_separator in settings.localpart_separators):
                yield Mistake(path, "can't include the domain's separator")
            key = (canonical_localpart(localpart, settings), own.ascii)
            if key in taken:
                yield Mistake(path, f"is already used by {taken[key].text}")
            elif key in seen:
                yield Mistake(path, f'conflicts with the alias "{seen[key]}"')
            seen[key] = text
            if not alias.addresses:
                yield Mistake((*path, "addresses"), "must have at least one member")
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
                    yield Mistake(
                        (*path, "addresses", index),
                        f'"{member}" doesn\'t belong to an account',
                        refers_to=("accounts",),
                    )
                elif member_key in members:
                    yield Mistake((*path, "addresses", index), f'"{member}" is listed twice')
                members.add(member_key)
            if external > MAX_EXTERNAL:
                yield Mistake((*path, "addresses"), f"can have up to {MAX_EXTERNAL} members on other servers")
            if external and not accounts:
                yield Mistake(
                    (*path, "addresses"), "must have a member on this server if it has members on other servers"
                )
            if alias.carrier is not None and alias.carrier not in accounts:
                yield Mistake((*path, "carrier"), f'account "{alias.carrier}" isn\'t a member of this alias')
