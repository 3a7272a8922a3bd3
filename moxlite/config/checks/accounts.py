"""Cross checks of ``[accounts.NAME]`` and ``[domains.NAME]``, and of the addresses that domains, accounts and reports
share (ADMIN-9, ADMIN-63).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from moxlite.config.domains import (
    Account,
    AutomaticJunkFlags,
    Condition,
    Destination,
    DomainConfig,
    Domains,
    JunkFilter,
    Ruleset,
)
from moxlite.config.snapshot import Key, canonical_localpart
from moxlite.config.toml.decode import KeyPath, Mistake, near
from moxlite.config.transports import webhook_keys
from moxlite.config.values import parse_size
from moxlite.normal import WITHOUT_JOINERS
from moxlite.patterns.searching import fault, pattern_warning
from moxlite.proto.address import Address, AddressError, AddressKey, Domain, Localpart, unmarked
from moxlite.wording import reason_of, worded

ACCOUNT_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
"""Account names (STORE-166): valid names of a directory on any system, without regard to case."""

RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")
"""Device names of Windows, whatever the extension."""

QUEUE: Final = "Outgoing"
"""The store's name of the mailbox for outgoing mail (IMAP-162)."""

IS_QUEUE: Final = "is reserved for queue_mailbox; only the queue can add messages to it"

SMTP_ERROR: Final = re.compile(r"(?:421|550) [ -~]+")

WEBHOOK_EVENTS: Final = (
    "delivered",
    "suppressed",
    "delayed",
    "failed",
    "relayed",
    "expanded",
    "canceled",
    "unrecognized",
)


MAX_FORWARDS: Final = 10
"""Addresses to which one account's mail is sent on: each message is queued once for each."""

MAX_CONDITIONS: Final = 50
"""Conditions in words of one rule; a person does not make more."""

MAX_VALUE: Final = 500
"""Characters of the value of a condition: more than any subject or address that people type."""


def account_name_problem(name: str) -> str | None:
    """The reason why this cannot be the name of an account, or None."""
    if not ACCOUNT_NAME.fullmatch(name) or ".." in name or name.endswith("."):
        return "isn't a valid account name; use up to 64 lowercase letters, digits, and . _ - (not at the start or end)"
    if RESERVED.fullmatch(name):
        return "can't be a name that Windows reserves"
    return None


def account_findings(name: str, account: Account, domains: Mapping[str, DomainConfig]) -> Iterator[Mistake]:
    """Mistakes of one account, except addresses that several accounts claim."""
    path: KeyPath = ("accounts", name)
    problem = account_name_problem(name)
    if problem is not None:
        yield Mistake(path, problem)
    if account.domain.unicode not in domains:
        yield Mistake(
            (*path, "domain"),
            "isn't a domain on this server",
            near(account.domain.unicode, domains),
            ("domains", account.domain.unicode),
        )
    for configured, destination in account.destinations.items():
        yield from _destination((*path, "destinations", configured), destination)
        for index, address in enumerate(destination.refused_addresses):
            if not _leads_to(address, configured, domains):
                yield Mistake(
                    (*path, "destinations", configured, "refused_addresses", index),
                    worded("doesn't lead to {configured}", configured=configured),
                )
    yield from _forwarding(path, account, domains)
    yield from _mailboxes(path, account)
    if account.queue_mailbox:
        yield from _queue_mailbox(path, account)
    if account.junk_filter is not None:
        yield from _junk_filter((*path, "junk_filter"), account.junk_filter)
    if account.outgoing_webhook is not None:
        for index, event in enumerate(account.outgoing_webhook.events):
            if event not in WEBHOOK_EVENTS:
                words = ", ".join(WEBHOOK_EVENTS)
                yield Mistake(
                    (*path, "outgoing_webhook", "events", index),
                    worded("must be one of {words}", words=words),
                    near(event, WEBHOOK_EVENTS),
                )
    for key, webhook in (
        ("outgoing_webhook", account.outgoing_webhook),
        ("incoming_webhook", account.incoming_webhook),
    ):
        # a line break in it would add header fields to each call
        if webhook is not None and not (webhook.authorization.isascii() and webhook.authorization.isprintable()):
            yield Mistake((*path, key, "authorization"), "must be printable ASCII because it's used in a header field")
        try:
            webhook_keys(webhook.secret if webhook is not None else "")
        except ValueError as error:
            yield Mistake(
                (*path, key, "secret"), reason_of(error), "to create one, run: echo whsec_$(openssl rand -base64 32)"
            )
    for index, capability in enumerate(account.imap_capabilities_disabled):
        if capability != capability.upper() or not capability.isascii():
            yield Mistake(
                (*path, "imap_capabilities_disabled", index),
                worded('must be upper case: write "{capability}"', capability=capability.upper()),
            )
    for index, address in enumerate(account.from_id_login_addresses):
        yield from _from_id((*path, "from_id_login_addresses", index), account, address, domains)


def _destination(path: KeyPath, destination: Destination) -> Iterator[Mistake]:
    if destination.smtp_error is not None:
        if not SMTP_ERROR.fullmatch(destination.smtp_error):
            yield Mistake((*path, "smtp_error"), 'must be 421 or 550 and a message, like "550 no longer here"')
        if destination.rulesets or destination.mailbox != "Inbox":
            yield Mistake((*path, "smtp_error"), "can't be combined with mailbox or rulesets")
    for index, ruleset in enumerate(destination.rulesets):
        yield from _ruleset((*path, "rulesets", index), ruleset)


def _forwarding(path: KeyPath, account: Account, domains: Mapping[str, DomainConfig]) -> Iterator[Mistake]:
    """Mistakes in the addresses to which mail is sent on, by the account or by a rule."""
    yield from _forwards(path, account.forward_to, account, domains)
    for address, destination in account.destinations.items():
        for index, ruleset in enumerate(destination.rulesets):
            place = (*path, "destinations", address, "rulesets", index)
            yield from _forwards(place, ruleset.forward_to, account, domains)


def _forwards(
    path: KeyPath, addresses: Sequence[Address], account: Account, domains: Mapping[str, DomainConfig]
) -> Iterator[Mistake]:
    if len(addresses) > MAX_FORWARDS:
        yield Mistake((*path, "forward_to"), worded("can have up to {most} addresses", most=MAX_FORWARDS))
    known: set[AddressKey] = set()
    for index, address in enumerate(addresses):
        here: KeyPath = (*path, "forward_to", index)
        if address.key in known:
            yield Mistake(here, "is listed twice")
        known.add(address.key)
        if any(_leads_to(address, configured, domains) for configured in account.destinations):
            yield Mistake(here, "is this account's own address")


def _leads_to(address: Address, configured: str, domains: Mapping[str, DomainConfig]) -> bool:
    """Whether mail for the address may come to a destination: one with more behind a separator, any for a catchall."""
    localpart, _, domain = configured.rpartition("@")
    settings = domains.get(address.domain.unicode)
    if settings is None:
        return False
    try:
        if not localpart:
            return Domain.parse(domain) == address.domain
        own = Address.parse(configured)
    except AddressError:  # a mistake that another check reports
        return True
    wanted = canonical_localpart(own.localpart, settings)
    return own.domain == address.domain and canonical_localpart(address.localpart, settings) == wanted


def _ruleset(path: KeyPath, ruleset: Ruleset) -> Iterator[Mistake]:
    conditions = (
        ruleset.smtp_mail_from_regexp,
        ruleset.msg_from_regexp,
        ruleset.verified_domain,
        ruleset.headers_regexp,
        ruleset.conditions,
    )
    if not any(conditions):
        yield Mistake(path, "must have at least one condition")
    actions = (
        ruleset.mailbox,
        ruleset.label,
        ruleset.star,
        ruleset.read,
        ruleset.forward_to,
        ruleset.never_junk,
        ruleset.accept_rejects_to_mailbox,
        ruleset.is_forward,
        ruleset.list_allow_domain,
    )
    if not any(actions):
        yield Mistake(path, "must have at least one action")
    yield from _conditions((*path, "conditions"), ruleset)
    if ruleset.is_forward:
        if ruleset.smtp_mail_from_regexp is None or ruleset.verified_domain is None:
            yield Mistake((*path, "is_forward"), "requires smtp_mail_from_regexp and verified_domain")
        if ruleset.list_allow_domain is not None:
            yield Mistake((*path, "is_forward"), "can't be combined with list_allow_domain")
    if ruleset.accept_rejects_to_mailbox == "Inbox":
        yield Mistake((*path, "accept_rejects_to_mailbox"), "can't be Inbox")
    for pattern in (item for pair in ruleset.headers_regexp.items() for item in pair):
        yield from _header_pattern((*path, "headers_regexp"), pattern)


def _conditions(path: KeyPath, ruleset: Ruleset) -> Iterator[Mistake]:
    if len(ruleset.conditions) > MAX_CONDITIONS:
        yield Mistake(path, worded("can have up to {most} conditions", most=MAX_CONDITIONS))
    for index, condition in enumerate(ruleset.conditions):
        if text := _condition(condition):
            yield Mistake((*path, index), text)


def _condition(condition: Condition) -> str:
    """The error of a condition in words, "" for none."""
    value = condition.value.strip()
    if condition.part == "attachment":
        return ""
    if not value:
        return worded("must have a value")
    if len(value) > MAX_VALUE:
        return worded("can be up to {most} characters", most=MAX_VALUE)
    if condition.part == "larger":
        try:
            return "" if parse_size(value) > 0 else worded("must be more than 0")
        except ValueError as error:
            return reason_of(error)
    if condition.part == "text" and condition.test != "contains":
        return worded('must use the test "contains"')
    return ""


def _header_pattern(path: KeyPath, pattern: str) -> Iterator[Mistake]:
    if re.search(r"(?<!\\)[A-Z]", pattern):
        yield Mistake(path, worded('must be lowercase: "{pattern}"', pattern=pattern))
    if text := fault(pattern):
        yield Mistake(
            path, worded('"{pattern}" isn\'t a valid regular expression: {fault}', pattern=pattern, fault=text)
        )


def _mailboxes(path: KeyPath, account: Account) -> Iterator[Mistake]:
    for key in ("rejects_mailbox", "introbox"):
        if getattr(account, key) == "Inbox":
            yield Mistake((*path, key), "can't be Inbox")
    for address, destination in account.destinations.items():
        for index, ruleset in enumerate(destination.rulesets):
            # Mail that a rule accepted is never removed automatically (STORE-67); the rejects mailbox is emptied by
            # age.
            if ruleset.accept_rejects_to_mailbox is not None and (
                ruleset.accept_rejects_to_mailbox == account.rejects_mailbox
            ):
                place = (*path, "destinations", address, "rulesets", index, "accept_rejects_to_mailbox")
                yield Mistake(place, "can't be the rejects mailbox")
    if account.introbox is not None and account.introbox == account.rejects_mailbox:
        yield Mistake((*path, "introbox"), "can't be the rejects mailbox")


def is_queue_mailbox(name: str) -> bool:
    """Whether the name is that of the mailbox that the setting ``queue_mailbox`` shows, or of one in it (IMAP-162)."""
    return name == QUEUE or name.startswith(QUEUE + "/")


def _queue_mailbox(path: KeyPath, account: Account) -> Iterator[Mistake]:
    """A finding for each setting that names that mailbox: no mail is delivered to it or removed from it."""
    named: list[tuple[KeyPath, str | None]] = [(("rejects_mailbox",), account.rejects_mailbox)]
    named.append((("introbox",), account.introbox))
    named += [(("expire_after", name), name) for name in account.expire_after]
    for address, destination in account.destinations.items():
        where = ("destinations", address)
        named.append(((*where, "mailbox"), destination.mailbox))
        for index, ruleset in enumerate(destination.rulesets):
            named.append(((*where, "rulesets", index, "mailbox"), ruleset.mailbox))
            named.append(((*where, "rulesets", index, "accept_rejects_to_mailbox"), ruleset.accept_rejects_to_mailbox))
    for place, name in named:
        if name is not None and is_queue_mailbox(name):
            yield Mistake((*path, *place), IS_QUEUE)


def _junk_filter(path: KeyPath, settings: JunkFilter) -> Iterator[Mistake]:
    if not 0 <= settings.threshold <= 1:
        yield Mistake((*path, "threshold"), "must be between 0 and 1")
    if not settings.top_words:
        yield Mistake((*path, "top_words"), "must be at least 1")
    for key in ("max_power", "ignore_words"):
        if not 0 <= getattr(settings, key) < 0.5:
            yield Mistake((*path, key), "must be at least 0 and less than 0.5")
    if not (settings.onegrams or settings.twograms or settings.threegrams):
        yield Mistake(path, "requires onegrams, twograms, or threegrams")


def _from_id(
    path: KeyPath, account: Account, address: Address, domains: Mapping[str, DomainConfig]
) -> Iterator[Mistake]:
    settings = domains.get(address.domain.unicode)
    if settings is None:
        yield Mistake(
            path,
            "must be at a domain on this server",
            near(address.domain.unicode, domains),
            ("domains", address.domain.unicode),
        )
        return
    if not settings.localpart_separators:
        yield Mistake(path, "must be at a domain with localpart_separators")
    localpart = canonical_localpart(address.localpart, settings)
    for configured in account.destinations:
        try:
            own = Address.parse(configured)
        except AddressError:  # a catchall, or a mistake that another check reports
            continue
        if own.domain == address.domain and canonical_localpart(own.localpart, settings) == localpart:
            return
    yield Mistake(path, "doesn't belong to this account")


def patterns_of(account: Account) -> Iterator[tuple[KeyPath, str]]:
    """The patterns of an account, each with the path of its key."""
    for address, destination in account.destinations.items():
        for index, rule in enumerate(destination.rulesets):
            for path, pattern in patterns_of_rule(rule):
                yield ("destinations", address, "rulesets", index, *path), pattern
    yield from patterns_of_flags(account.automatic_junk_flags)


def patterns_of_rule(rule: Ruleset) -> Iterator[tuple[KeyPath, str]]:
    """The patterns of a rule, each with the path of its key."""
    for name in ("smtp_mail_from_regexp", "msg_from_regexp"):
        if pattern := getattr(rule, name):
            yield (name,), pattern
    for pair in rule.headers_regexp.items():
        for pattern in pair:
            yield ("headers_regexp",), pattern


def patterns_of_flags(flags: AutomaticJunkFlags) -> Iterator[tuple[KeyPath, str]]:
    """The patterns of mailboxes, each with the path of its key."""
    for name in ("junk_mailbox_regexp", "neutral_mailbox_regexp", "not_junk_mailbox_regexp"):
        if pattern := getattr(flags, name):
            yield ("automatic_junk_flags", name), pattern


def old_patterns(account: Account) -> list[tuple[KeyPath, str]]:
    """Why patterns never match that cannot be searched in linear time (STORE-162), each with its key's path."""
    return [(path, text) for path, pattern in patterns_of(account) if (text := pattern_warning(pattern))]


# Cross checks of ``[domains.NAME]``, and of the addresses that domains, accounts and reports share (ADMIN-9).


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
