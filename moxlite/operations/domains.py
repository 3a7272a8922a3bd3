"""The operations about domains and aliases in domains.toml (ADMIN-12, ADMIN-13, ADMIN-17, WEB-80, WEB-82)."""

from typing import Annotated, TypeAlias

import msgspec

from moxlite.operations import MANAGERS, OWNER, Operation, Role, Word, change, field, query
from moxlite.operations.server import ValueChange

Members: TypeAlias = Annotated[list[Word], field(metavar="MEMBER...", min_length=1, max_length=1000)]


class DomainInfo(msgspec.Struct, frozen=True):
    """A line of a list of domains."""

    domain: str
    disabled: bool
    reports_only: bool
    description: str


class AliasInfo(msgspec.Struct, frozen=True):
    """An alias, with its members and permissions."""

    alias: str
    members: list[str]
    post_public: bool
    list_members: bool
    allow_msg_from: bool


class NextStep(msgspec.Struct, frozen=True):
    """A step after a change: words, and commands for it."""

    words: str
    commands: list[str]


class AddedDomain(msgspec.Struct, frozen=True):
    """A new domain, in Unicode, and what it needs before mail flows, in order."""

    domain: str
    next: list[NextStep]


@query("config domain list", Role.COMMAND_LINE | Role.TOKEN)
class ListDomains(Operation[list[DomainInfo]], frozen=True):
    """List all domains. This includes disabled and report-only domains."""


@change("config domain add", MANAGERS)
class AddDomain(Operation[AddedDomain], frozen=True):
    """Add DOMAIN with new DKIM keys. ACCOUNT will get reports for this domain.

    If ACCOUNT doesn't exist, this creates it with the address LOCALPART@DOMAIN. Prints the next steps: addresses, DNS,
    and a test.
    """

    domain: Word
    account: Word
    localpart: Annotated[Word, field(argument=True)] = ""
    disabled: Annotated[bool, field("Defer incoming and outgoing mail until you run config domain enable.")] = False


class OneDomain(Operation[None], frozen=True):
    """A change of a domain."""

    domain: Word


@change(
    "config domain rm",
    OWNER,
    confirm=True,
    ask="Delete the domain {domain}? Mail to it will be rejected.",
    done="deleted domain {domain}",
)
class RemoveDomain(OneDomain, frozen=True):
    """Delete DOMAIN. You can't delete a domain with addresses or aliases. DKIM keys are moved to dkim/old."""


@change(
    "config domain disable",
    MANAGERS,
    done="mail from and to {domain} is now deferred. To undo this, run: moxlite config domain enable {domain}",
)
class DisableDomain(OneDomain, frozen=True):
    """Reject mail from and to DOMAIN with temporary errors. Users can still log in."""


@change("config domain enable", MANAGERS, done="mail from and to {domain} is accepted again")
class EnableDomain(OneDomain, frozen=True):
    """Accept mail for DOMAIN again."""


@change(
    "config domain strict",
    OWNER,
    done="{domain} {off:no longer|now} has strict DNS policies. To publish them, run: moxlite dns update {domain}",
)
class SetStrict(OneDomain, frozen=True):
    """Use strict DNS policies for DOMAIN. With --off, this turns them off. Then publish them: dns update DOMAIN.

    Receivers will reject mail from the domain if they can't verify it (DMARC p=reject), and no other CA can issue
    certificates for the domain and its subdomains (CAA). First check a month of DMARC reports to make sure all your
    senders pass.
    """

    off: Annotated[bool, field("Only ask receivers for reports (p=none), and allow any CA to issue certificates.")] = (
        False
    )


class PeerHost(msgspec.Struct, frozen=True):
    """A host of the server from which a domain moves here: its addresses, whether it has TLS, and why it cannot be
    used, or "".
    """

    host: str
    addresses: tuple[str, ...] = ()
    tls: bool = False
    problem: str = ""


class PeerState(msgspec.Struct, frozen=True, kw_only=True):
    """The server from which a domain moves here.

    Attributes:
      hosts: of that server; none if mail for unknown addresses is refused.
      disabled: the domain is disabled, so that all its mail goes there.
      takes_all: that server takes any address, even one without a mailbox.
      messages: that went there in the last 14 days.
      elsewhere: hosts of other servers that MX names, where no host is set.
    """

    domain: str
    hosts: list[PeerHost]
    disabled: bool
    takes_all: bool
    messages: int
    elsewhere: list[str]


@query("config domain peer show", MANAGERS)
class ShowPeer(Operation[PeerState], frozen=True):
    """Show and test the previous server of DOMAIN. It gets mail for addresses that don't exist here yet.

    If you haven't set a server, lists other servers in the domain's MX records.
    """

    domain: Word


@change("config domain peer set", MANAGERS)
class SetPeer(Operation[PeerState], frozen=True):
    """Set the previous server of DOMAIN. It gets mail for addresses that don't exist here yet.

    If you don't specify HOST, the domain's current MX records are used. Before accepting mail, this server checks if
    the address exists there. While DOMAIN is disabled, all mail goes to the previous server.
    """

    domain: Word
    hosts: Annotated[tuple[Word, ...], field(argument=True, metavar="HOST", max_length=5)] = ()


@change(
    "config domain peer rm",
    MANAGERS,
    ask="Forget the previous server of {domain}? Mail to addresses that aren't here yet will be rejected.",
    done="forgot the previous server of {domain}",
)
class RemovePeer(OneDomain, frozen=True):
    """Stop sending mail to the previous server. Mail to unknown addresses at DOMAIN will be rejected."""


class ConfigPlan(msgspec.Struct, frozen=True):
    """The changes that another domains.toml makes. `revision` is of the file as it is now."""

    revision: str
    changes: list[ValueChange]


@query("config plan", Role.COMMAND_LINE)
class PlanConfig(Operation[ConfigPlan], frozen=True):
    """Preview changes from replacing domains.toml with `text`."""

    text: str

    def __repr__(self) -> str:
        """Without the text, which has secrets."""
        return "PlanConfig()"


@change("config apply", Role.COMMAND_LINE, done="changes made")
class ApplyConfig(Operation[None], frozen=True):
    """Replace domains.toml with `text`, if it's valid and the file's revision is still `revision`."""

    text: str
    revision: Word

    def __repr__(self) -> str:
        """Without the text, which has secrets."""
        return f"ApplyConfig(revision={self.revision!r})"


@query("config alias list", Role.COMMAND_LINE | Role.TOKEN, columns=("alias", "members"))
class ListAliases(Operation[list[AliasInfo]], frozen=True):
    """List aliases for DOMAIN, or all."""

    domain: Annotated[str, field(argument=True)] = ""


@query("config alias print", Role.COMMAND_LINE | Role.TOKEN)
class PrintAlias(Operation[AliasInfo], frozen=True):
    """Show ALIAS with members and permissions."""

    alias: str


class AliasMembers(Operation[None], frozen=True):
    """A change of an alias with members."""

    alias: Word
    members: Members


@change("config alias add", MANAGERS, done="mail to {alias} now goes to {members}")
class AddAlias(AliasMembers, frozen=True):
    """Add ALIAS to deliver mail to every MEMBER. Anyone can send to the alias.

    At least one MEMBER must be an address on this server. Members on other servers get an email with a confirmation
    link, and won't receive mail until they confirm. To see their status, use `moxlite account forward list ACCOUNT`.
    """


@change("config alias update", Role.COMMAND_LINE | Role.TOKEN, done="changed alias {alias}")
class UpdateAlias(Operation[None], frozen=True):
    """Set permissions for ALIAS members and other senders. Values are true or false."""

    alias: str
    post_public: Annotated[bool | None, field("Anyone can write to ALIAS, not just members.", "--postpublic")] = None
    list_members: Annotated[bool | None, field("Members can see other members.", "--listmembers")] = None
    allow_msg_from: Annotated[bool | None, field("Members can send with ALIAS as From.", "--allowmsgfrom")] = None


@change("config alias rm", OWNER, confirm=True, done="deleted alias {alias}")
class RemoveAlias(Operation[None], frozen=True):
    """Delete ALIAS. Members can still use their own addresses."""

    alias: Word


@change("config alias addaddr", MANAGERS, done="mail to {alias} now also goes to {members}")
class AddMembers(AliasMembers, frozen=True):
    """Add members to ALIAS. Members on other servers have to confirm first."""


@change("config alias rmaddr", MANAGERS, done="mail to {alias} no longer goes to {members}")
class RemoveMembers(AliasMembers, frozen=True):
    """Remove members from ALIAS. You can't remove the last member."""
