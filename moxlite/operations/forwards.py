"""The operations about addresses to which the mail of an account is sent on (SMTP-159). Forms as in `rules`."""

import datetime as dt
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from moxlite.operations import USERS, Line, Role, UserOperation, change, query
from moxlite.operations.rules import AddressText


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
    """List ACCOUNT's forwarding addresses and their status. They are confirmed, waiting for confirmation, bouncing, or
    stopped.

    This includes addresses from `forward_to`, from aliases that the account forwards for, and from its active Sieve
    script. Mail stays in the account until the forwarding address is confirmed.
    """


@change("account forward set", USERS, confirm=True)
class SetForwards(UserOperation[str], frozen=True):
    """Change the forwarding addresses. New addresses get a confirmation email. Returns a line for each address that
    couldn't get one."""

    changed: ForwardChange
    old: ForwardChange = ForwardChange()


class ForwardAddress(UserOperation[None], frozen=True):
    """An address to which mail is sent on."""

    address: AddressText


@change("account forward ask", USERS, done="sent a confirmation email to {address}")
class AskForward(ForwardAddress, frozen=True):
    """Send another confirmation email to ADDRESS. You can do this once a day."""


@change(
    "account forward confirm",
    Role.COMMAND_LINE,
    ask="Forward mail from {account} to {address} without confirmation?",
    done="account {account} can now forward mail to {address}",
)
class ConfirmForward(ForwardAddress, frozen=True):
    """Forward mail to ADDRESS without confirmation. For example, if you own both ACCOUNT and ADDRESS."""


@change("account forward start", USERS, done="account {account} forwards mail to {address} again")
class StartForward(ForwardAddress, frozen=True):
    """Resume forwarding to ADDRESS after bounces stopped it."""
