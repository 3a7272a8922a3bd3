"""The operations about how mail that comes is sorted: the rules of addresses, forwards, junk (WEB-64..66, SMTP-159).

A form has keys of domains.toml with their values as a page shows them: a text that is not set is "", and domains and
addresses are texts as in the file. A change has the keys that differ; its `old` ones are what the user saw (WEB-89).
"""

import datetime as dt
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from moxlite.operations import USERS, Role, UserOperation, change, field, query

Line: TypeAlias = Annotated[str, Meta(max_length=4096)]
"""A text of a setting: far longer than any that makes sense."""

MAX_RULES = 1000
"""Rules of one address; a person does not make more."""

Lines: TypeAlias = Annotated[list[Line], Meta(max_length=1000)]
Number: TypeAlias = Annotated[float, Meta(ge=0, le=1e9)]
Whole: TypeAlias = Annotated[int, Meta(ge=0, le=2**31)]
AddressText: TypeAlias = Annotated[str, Meta(max_length=1000)]


# Rules of an address


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
    """List the rules of ACCOUNT: of ADDRESS, or of all its addresses. The first matching rule is used."""

    address: Annotated[AddressText, field(argument=True)] = ""


@change("account rule set", USERS, confirm=True)
class SetRules(UserOperation[None], frozen=True):
    """Change the rules and settings of an address. The owners of addresses to which rules forward are asked."""

    address: AddressText
    changed: DestinationChange
    old: DestinationChange = DestinationChange()


# Addresses to which the mail of an account is sent on


class ForwardForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`forward_to` and `keep_copy` of the account (SMTP-159)."""

    forward_to: Annotated[list[Line], Meta(max_length=20)]
    keep_copy: bool


class ForwardChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A change of `ForwardForm`."""

    forward_to: Annotated[list[Line], Meta(max_length=20)] | UnsetType = UNSET
    keep_copy: bool | UnsetType = UNSET


class ForwardTarget(msgspec.Struct, frozen=True, kw_only=True):
    """An address to which mail is sent on. ``new`` and ``asked`` ones get nothing yet; ``confirmed`` ones do, also
    while mail bounces since ``failing``; ``stopped`` ones get nothing. ``error``: of the last bounce, or why.
    ``alias``: the alias of which it is a member, ``script``: the name of the script that names it, "" both for an
    address of the form. ``ran``: a script made the address of variables. ``taken_over``: a script named it
    before agreement was asked for, so that it counts as agreed.
    """

    address: str
    state: Literal["new", "asked", "confirmed", "stopped"]
    since: dt.datetime | None = None
    failing: dt.datetime | None = None
    error: str = ""
    alias: str = ""
    script: str = ""
    ran: bool = False
    taken_over: bool = False


class Forwards(msgspec.Struct, frozen=True):
    """The settings, and the state of each address. ``script``: the name of the active script, which alone decides what
    is kept, "" for none.
    """

    form: ForwardForm
    targets: list[ForwardTarget]
    script: str


@query("account forward list", USERS)
class ListForwards(UserOperation[Forwards], frozen=True):
    """List forwarding addresses of ACCOUNT: confirmed, waiting for confirmation, bouncing, or stopped.

    This includes addresses from `forward_to`, from aliases that the account forwards for, and from its active Sieve
    script. Until an address is confirmed, its mail is kept in the account.
    """


@change("account forward set", USERS, confirm=True)
class SetForwards(UserOperation[str], frozen=True):
    """Change the forwarding addresses, and ask the owners of new ones. Returns why some were not asked, a line each."""

    changed: ForwardChange
    old: ForwardChange = ForwardChange()


class ForwardAddress(UserOperation[None], frozen=True):
    """An address to which mail is sent on."""

    address: AddressText


@change("account forward ask", USERS)
class AskForward(ForwardAddress, frozen=True):
    """Send another confirmation email to ADDRESS. You can do this once a day."""


@change(
    "account forward confirm",
    Role.COMMAND_LINE,
    ask="Send the mail of {account} to {address} without asking its owner?",
)
class ConfirmForward(ForwardAddress, frozen=True):
    """Forward mail from ACCOUNT to ADDRESS without confirmation. For example, if you own both."""


@change("account forward start", USERS)
class StartForward(ForwardAddress, frozen=True):
    """Resume forwarding to ADDRESS after it was stopped for bouncing."""


# The junk filter


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


class JunkChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A change of the settings about junk."""

    automatic_junk_flags: JunkFlagsForm | UnsetType = UNSET
    junk_filter: JunkFilterForm | UnsetType | None = UNSET
    rejects_mailbox: Line | UnsetType = UNSET
    keep_rejects: bool | UnsetType = UNSET
    introbox: Line | UnsetType = UNSET
    imap_capabilities_disabled: Lines | UnsetType = UNSET


class Junk(msgspec.Struct, frozen=True, kw_only=True):
    """Settings about junk, the numbers of wanted and junk messages that the filter has learned, and all mailboxes.
    ``standard``: what a filter that is turned on begins with.
    """

    form: JunkForm
    standard: JunkFilterForm
    hams: int
    spams: int
    mailboxes: list[str]


@query("account junk show", USERS)
class ShowJunk(UserOperation[Junk], frozen=True):
    """Show the junk settings of ACCOUNT, and what its filter has learned."""


@change("account junk set", USERS)
class SetJunk(UserOperation[None], frozen=True):
    """Change the settings about junk."""

    changed: JunkChange
    old: JunkChange = JunkChange()
