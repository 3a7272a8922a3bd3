"""The operations about the settings of an account's junk filter (WEB-66). Forms as in `rules`."""

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from moxlite.operations import USERS, Line, Lines, UserOperation, change, query

Number: TypeAlias = Annotated[float, Meta(ge=0, le=1e9)]
Whole: TypeAlias = Annotated[int, Meta(ge=0, le=2**31)]


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
    file_unsure: bool = False


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


class JunkLack(msgspec.Struct, frozen=True):
    """Messages or senders that the filter has learned: `count` of the `needed` ones without which it doesn't judge."""

    kind: Literal["hams", "spams", "ham-senders", "spam-senders", "words", "lead"]
    count: int
    needed: int


class Junk(msgspec.Struct, frozen=True, kw_only=True):
    """Settings about junk, the numbers of wanted and junk messages that the filter has learned, and all mailboxes.
    ``lacks``: what it must still learn before it judges. ``standard``: what a filter that is turned on begins with.
    ``latest``: how many of the latest 1,000 messages that came are in each mailbox that has some. ``kept``: messages
    that `MarkInbox` would mark, ``marked``: those whose mark `UnmarkInbox` would remove. ``filed``: messages of the
    last 7 days that the filter moved to Junk, ``refused``: those that it rejected and whose copies are there.
    """

    form: JunkForm
    standard: JunkFilterForm
    hams: int
    spams: int
    lacks: list[JunkLack]
    mailboxes: list[str]
    latest: dict[str, int]
    kept: int
    marked: int
    filed: int
    refused: int


@query("account junk show", USERS)
class ShowJunk(UserOperation[Junk], frozen=True):
    """Show ACCOUNT's junk settings and junk filter statistics."""


@change("account junk set", USERS, done="changed the junk settings of account {account}")
class SetJunk(UserOperation[None], frozen=True):
    """Change junk settings."""

    changed: JunkChange
    old: JunkChange = JunkChange()


@change("account junk mark-inbox", USERS)
class MarkInbox(UserOperation[int], frozen=True):
    """Mark old read mail in ACCOUNT's Inbox as not junk.

    The junk filter learns from what was received more than 14 days ago. Use this if ACCOUNT's owner only ever marks
    junk, and agrees. Messages that are already marked don't change. At most 1,000 messages are marked. To undo this,
    use `unmark-inbox`.
    """


@change("account junk unmark-inbox", USERS)
class UnmarkInbox(UserOperation[int], frozen=True):
    """Undo `mark-inbox` for messages still in the Inbox."""
