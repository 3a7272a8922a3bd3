"""The operations about DNS: providers, publishing the records of a domain, rotation of its keys (ADMIN-71b, ADMIN-71c,
AUTH-115).
"""

from typing import Annotated, Literal, TypeAlias

import msgspec

from moxlite.operations import MANAGERS, Operation, Role, change, field, query

Name = Annotated[str, field(metavar="DOMAIN", max_length=320)]


class Question(msgspec.Struct, frozen=True):
    """A question of a provider: the name of the answer, and words. `secret`: typed unseen."""

    option: str
    words: str
    secret: bool


class DNSProvider(msgspec.Struct, frozen=True):
    """A provider that can be set. `rights`: what its token needs, and where it is made."""

    name: str
    title: str
    rights: str
    questions: list[Question]


class ProviderInUse(msgspec.Struct, frozen=True):
    """The provider of a domain; `provider` is "" where none is set. `published`: steps that can be undone."""

    provider: str
    title: str
    zone: str
    enforce: bool
    published: int


class RecordGroup(msgspec.Struct, frozen=True):
    """Part of a plan, as lines of a diff. `rules`: it binds others: receivers, other senders, other CAs."""

    title: str
    rules: bool
    lines: list[str]


class RecordPlan(msgspec.Struct, frozen=True):
    """Changes to make, as lines of a diff, in all and by group, and notes on what stays."""

    lines: list[str]
    groups: list[RecordGroup]
    notes: list[str]


Stage: TypeAlias = Literal["resting", "publishing", "waiting", "retiring"]


HostStage: TypeAlias = Literal["resting", "publishing", "waiting", "ordering", "retiring"]


class Rotation(msgspec.Struct, frozen=True, kw_only=True):
    """The rotation of a domain's signing key.

    Attributes:
      words: a sentence about the stage.
      since, until: RFC 3339, "" where unknown.
      new, old: the selectors that come and go.
      stopped: by the owner.
      todo: what the owner has to type. problem: why there is no progress.
    """

    domain: str
    stage: Stage
    words: str
    since: str
    until: str
    new: str
    old: list[str]
    stopped: bool
    todo: list[str]
    problem: str


class HostRotation(msgspec.Struct, frozen=True, kw_only=True):
    """The rotation of the key with which a host is certified, and which TLSA records name.

    Attributes:
      words: a sentence about the stage.
      since, until: RFC 3339, "" where unknown.
      made_here: the present key is one that the server made in the place of a configured one.
      stopped: by the owner.
      todo: what the owner has to type. problem: why there is no progress.
    """

    host: str
    stage: HostStage
    words: str
    since: str
    until: str
    made_here: bool
    stopped: bool
    todo: list[str]
    problem: str


class HostRotating(Operation[HostRotation], frozen=True, kw_only=True):
    """An operation on the rotation of a host's key."""

    host: Annotated[str, field(metavar="HOST", max_length=255)]


class Rotating(Operation[Rotation], frozen=True, kw_only=True):
    """An operation on the rotation of a domain's key."""

    domain: Name


@query("dns provider list", Role.ADMIN | Role.TOKEN)
class ListProviders(Operation[list[DNSProvider]], frozen=True, kw_only=True):
    """List supported providers."""


@query("dns provider show", Role.ADMIN | Role.TOKEN)
class ShowProvider(Operation[ProviderInUse], frozen=True, kw_only=True):
    """Show the DNS provider for DOMAIN."""

    domain: Name


@change("dns provider set", Role.ADMIN, confirm=True)
class SetProvider(Operation[ProviderInUse], frozen=True, kw_only=True):
    """Test and set the DNS provider for DOMAIN's zone."""

    domain: Name
    provider: Annotated[str, msgspec.Meta(max_length=40)]
    secrets: Annotated[dict[str, Annotated[str, msgspec.Meta(max_length=4096)]], msgspec.Meta(max_length=8)]
    enforce: bool = False


@change("dns provider rm", Role.ADMIN, confirm=True)
class RemoveProvider(Operation[None], frozen=True, kw_only=True):
    """Remove the DNS provider and token for DOMAIN."""

    domain: Name


@query("dns plan", Role.ADMIN | Role.TOKEN)
class PlanRecords(Operation[RecordPlan], frozen=True, kw_only=True):
    """Preview changes from publishing DOMAIN's records, or from undoing the last step."""

    domain: Name
    undo: bool = False
    addresses: bool = False
    replace: bool = False


@change("dns publish", Role.ADMIN | Role.TOKEN)
class PublishRecords(Operation[list[str]], frozen=True, kw_only=True):
    """Change DOMAIN's records as planned, unless the plan no longer matches `lines`. Returns accepted and skipped
    changes. `lenient`: don't publish strict policies.
    """

    domain: Name
    lines: list[str]
    undo: bool = False
    addresses: bool = False
    replace: bool = False
    lenient: bool = False


@query("dns rotation show", MANAGERS)
class ShowRotation(Rotating, frozen=True, kw_only=True):
    """Show DKIM key rotation status for DOMAIN."""


@change("dns rotation stop", MANAGERS)
class StopRotation(Rotating, frozen=True, kw_only=True):
    """Pause DKIM key rotation for DOMAIN. Published records don't change, and the server continues to sign with the
    current key."""


@change("dns rotation start", MANAGERS)
class StartRotation(Rotating, frozen=True, kw_only=True):
    """Resume a paused rotation."""


@change("dns rotation now", MANAGERS)
class RotateNow(Rotating, frozen=True, kw_only=True):
    """Replace DOMAIN's DKIM key now, not on schedule. This takes hours to days, because DNS caches have to expire."""


@query("dns host-key show", MANAGERS)
class ShowHostRotation(Operation[list[HostRotation]], frozen=True, kw_only=True):
    """Show key rotation status for each host with TLSA records."""


@change("dns host-key stop", MANAGERS)
class StopHostRotation(HostRotating, frozen=True, kw_only=True):
    """Pause key rotation for HOST. Records and the current certificate don't change."""


@change("dns host-key start", MANAGERS)
class StartHostRotation(HostRotating, frozen=True, kw_only=True):
    """Resume a paused rotation."""


@change("dns host-key now", MANAGERS)
class RotateHostNow(HostRotating, frozen=True, kw_only=True):
    """Replace the key for HOST now, not on schedule. This takes hours to days, because DNS caches have to expire."""
