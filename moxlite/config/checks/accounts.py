"""Cross checks of ``[accounts.NAME]`` (ADMIN-9, ADMIN-63)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from moxlite.config.domains import (
    Account,
    AutomaticJunkFlags,
    Condition,
    Destination,
    DomainConfig,
    JunkFilter,
    Ruleset,
)
from moxlite.config.snapshot import canonical_localpart
from moxlite.config.toml.decode import KeyPath, Mistake, near
from moxlite.config.transports import webhook_keys
from moxlite.config.values import parse_size
from moxlite.patterns.searching import fault, pattern_warning
from moxlite.proto.address import Address, AddressError, AddressKey, Domain
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


IMAP_PREFIX: Final = re.compile(r"[A-Za-z0-9 _-]{1,40}[./]")
"""Prefixes of Cyrus, Courier and Dovecot (RFC 2342 §5)."""


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
    if account.imap_prefix is not None and not IMAP_PREFIX.fullmatch(account.imap_prefix):
        yield Mistake((*path, "imap_prefix"), 'must end with the separator . or /, like "INBOX."')
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
