"""The operations about addresses of an account and their rules (WEB-64, WEB-65).

A form has keys of domains.toml with their values as a page shows them: a text that is not set is "", and domains and
addresses are texts as in the file. A change has the keys that differ; its `old` ones are what the user saw (WEB-89).
"""

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from moxlite.operations import USERS, Line, Lines, UserOperation, change, field, query

MAX_RULES = 1000
"""Rules of one address; a person does not make more."""

AddressText: TypeAlias = Annotated[str, Meta(max_length=1000)]


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
    read: bool = False
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


Rules: TypeAlias = Annotated[list[Rule], Meta(max_length=MAX_RULES)]


class DestinationForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`Destination` of domains.toml: an address of the account."""

    mailbox: Line
    full_name: Line
    rulesets: Rules
    smtp_error: Line
    refused_addresses: Lines
    message_auth_required_smtp_error: Line


class DestinationChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A change of an address."""

    mailbox: Line | UnsetType = UNSET
    full_name: Line | UnsetType = UNSET
    rulesets: Rules | UnsetType = UNSET
    smtp_error: Line | UnsetType = UNSET
    refused_addresses: Lines | UnsetType = UNSET
    message_auth_required_smtp_error: Line | UnsetType = UNSET


class DestinationItem(msgspec.Struct, frozen=True):
    """An address of the account with its settings and rules."""

    address: str
    form: DestinationForm


@query("account rule list", USERS)
class ListRules(UserOperation[list[DestinationItem]], frozen=True):
    """List ACCOUNT's rules for ADDRESS, or for all addresses. Only the first matching rule is applied."""

    address: Annotated[AddressText, field(argument=True)] = ""


@change("account rule set", USERS, confirm=True, done="changed the rules of {address}")
class SetRules(UserOperation[None], frozen=True):
    """Change an address's rules and settings. New forwarding addresses get a confirmation email."""

    address: AddressText
    changed: DestinationChange
    old: DestinationChange = DestinationChange()
