"""Settings of an account as forms: parts of domains.toml, with every value as a browser shows it and sends it back
(WEB-64..68).

A text that is not set is "". Durations, domains and addresses are texts as in the file. A save brings the old form, as
the browser got it, and the new one (WEB-89).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from moxlite.config.checks.accounts import patterns_of
from moxlite.config.domains import Account
from moxlite.config.toml.decode import KeyPath, dotted, encode
from moxlite.config.values import Section
from moxlite.decoders import from_builtins
from moxlite.patterns.searching import refusal
from moxlite.web.errors import FieldError, FieldErrors
from moxlite.wording import worded

F = TypeVar("F", bound=msgspec.Struct)

Line = Annotated[str, Meta(max_length=4096)]
"""A text of a setting: far longer than any that makes sense."""

MAX_RULES: Final = 1000
"""Rules of one address; a person does not make more."""

Lines = Annotated[list[Line], Meta(max_length=1000)]
Number = Annotated[float, Meta(ge=0, le=1e9)]
Whole = Annotated[int, Meta(ge=0, le=2**31)]


class HeaderRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Patterns for the name and the value of a header field."""

    name: Line
    value: Line


class RuleCondition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`Condition` of domains.toml."""

    part: Literal["from", "to", "subject", "text", "list", "larger", "attachment"]
    test: Literal["contains", "is", "begins", "ends"]
    value: Line


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`Ruleset` of domains.toml."""

    conditions: Annotated[list[RuleCondition], Meta(max_length=50)] = []
    match: Literal["all", "any"] = "all"
    mailbox: Line
    label: Line = ""
    star: bool = False
    forward_to: Annotated[list[Line], Meta(max_length=20)] = []
    never_junk: bool = False
    smtp_mail_from_regexp: Line
    msg_from_regexp: Line
    verified_domain: Line
    headers_regexp: Annotated[list[HeaderRule], Meta(max_length=50)]
    is_forward: bool
    list_allow_domain: Line
    accept_rejects_to_mailbox: Line
    comment: Line


class DestinationForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`Destination` of domains.toml: an address of the account."""

    mailbox: Line
    full_name: Line
    rulesets: Annotated[list[Rule], Meta(max_length=MAX_RULES)]
    smtp_error: Line
    refused_addresses: Lines
    message_auth_required_smtp_error: Line


class JunkFlagsForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`AutomaticJunkFlags` of domains.toml."""

    enabled: bool
    junk_mailbox_regexp: Line
    neutral_mailbox_regexp: Line
    not_junk_mailbox_regexp: Line


class JunkFilterForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`JunkFilter` of domains.toml."""

    threshold: Number
    onegrams: bool
    twograms: bool
    threegrams: bool
    max_power: Number
    top_words: Whole
    ignore_words: Number
    rare_words: Whole


class JunkForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The keys of `Account` about junk. Without ``junk_filter``, content is not judged."""

    automatic_junk_flags: JunkFlagsForm
    junk_filter: JunkFilterForm | None
    rejects_mailbox: Line
    keep_rejects: bool
    introbox: Line
    imap_capabilities_disabled: Lines


class OutgoingForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`OutgoingWebhook` of domains.toml."""

    url: Line
    authorization: Line
    events: Lines
    secret: Line


class IncomingForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`IncomingWebhook` of domains.toml."""

    url: Line
    authorization: Line
    secret: Line


class SendingForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The keys of `Account` about webhooks and sent mail. Without a URL there is no webhook."""

    outgoing_webhook: OutgoingForm
    incoming_webhook: IncomingForm
    from_id_login_addresses: Lines
    keep_retired_message_period: Line
    keep_retired_webhook_period: Line


def names_of(form: type[msgspec.Struct]) -> tuple[str, ...]:
    """The keys of domains.toml that a form shows."""
    return form.__struct_fields__


def shown(form: type[F], section: Section) -> F:
    """The form of a table of domains.toml."""
    table = encode(section, whole=True, only=form.__struct_fields__)
    return from_builtins({name: _widened(name, table.get(name)) for name in form.__struct_fields__}, form)


UNSET: Final[Mapping[str, Any]] = {
    "junk_filter": None,
    "outgoing_webhook": {"url": "", "authorization": "", "events": [], "secret": ""},
    "incoming_webhook": {"url": "", "authorization": "", "secret": ""},
}
"""Forms of tables that are not set; other values that are not set are empty texts."""

OPTIONAL: Final[Mapping[str, tuple[str, ...]]] = {
    "rulesets": Rule.__struct_fields__,
    "automatic_junk_flags": JunkFlagsForm.__struct_fields__,
}
"""Keys of tables within a form."""


def _widened(name: str, value: Any) -> Any:
    """The value of a key with all that its form shows; the patterns for header fields as a list."""
    if value is None:
        return UNSET.get(name, "")
    if name == "headers_regexp":
        return [{"name": key, "value": pattern} for key, pattern in value.items()]
    if name == "rulesets":
        return [{key: _widened(key, rule.get(key)) for key in OPTIONAL[name]} for rule in value]
    if name in OPTIONAL:
        return {key: _widened(key, value.get(key)) for key in OPTIONAL[name]}
    return value


def table_of(form: msgspec.Struct) -> dict[str, Any]:
    """The table of domains.toml for a form: without empty texts and lists. A webhook without a URL is left out. Raises
    FieldErrors.
    """
    table: dict[str, Any] = msgspec.to_builtins(form)
    for name in ("outgoing_webhook", "incoming_webhook"):
        if name in table and not table[name]["url"]:
            del table[name]
    for index, rule in enumerate(table.get("rulesets", ())):
        rule["headers_regexp"] = _by_name(rule["headers_regexp"], f"rulesets[{index}].headers_regexp")
    filled: dict[str, Any] = _filled(table)
    return filled


def check_patterns(table: Mapping[str, Any], settings: Account) -> None:
    """Check the patterns of a table that are not the account's already (STORE-162). Raises FieldErrors."""
    # Patterns from before the limits go on working, and must not keep their owner from saving something else.
    kept = {pattern for _, pattern in patterns_of(settings)}
    mistakes = [
        FieldError(dotted(path), text)
        for path, pattern in _patterns(table, ())
        if pattern not in kept and (text := refusal(pattern))
    ]
    if mistakes:
        raise FieldErrors(mistakes)


def _patterns(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """The patterns of a table, each with the path of its key."""
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from _patterns(one, (*path, index))
    elif isinstance(value, dict):
        for key, one in value.items():
            if key == "headers_regexp":
                yield from (((*path, key), pattern) for pair in one.items() for pattern in pair)
            elif key.endswith("_regexp"):
                yield (*path, key), one
            else:
                yield from _patterns(one, (*path, key))


def _by_name(rules: Iterable[dict[str, str]], field: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for rule in rules:
        if not rule["name"] or not rule["value"]:
            raise FieldErrors([FieldError(field, "enter a pattern for both the name and the value")])
        if rule["name"] in found:
            raise FieldErrors(
                [FieldError(field, worded('has "{one}" twice; combine both values in one pattern', one=rule["name"]))]
            )
        found[rule["name"]] = rule["value"]
    return found


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _filled(item) for name, item in value.items() if item not in ("", None) and item not in ([], {})}
    return [_filled(item) for item in value] if isinstance(value, list) else value
