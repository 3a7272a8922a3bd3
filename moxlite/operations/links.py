"""The operations on linked mailboxes (LINK-4)."""

from typing import Annotated, Literal, TypeAlias

import msgspec

from moxlite.operations import USERS, Operation, Role, UserOperation, Word, change, field, query

Account: TypeAlias = Annotated[Word, field(metavar="ACCOUNT")]
LinkName: TypeAlias = Annotated[str, field(metavar="LINK", max_length=4096)]
Host: TypeAlias = Annotated[str, msgspec.Meta(max_length=255)]
Port: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Secret: TypeAlias = Annotated[str, msgspec.Meta(max_length=1000)]


class LinkInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A linked mailbox.

    Attributes:
      name: the mailbox below which its mailboxes are.
      state: connecting, copying, current, waiting, refused or paused.
      text: why it waits, or how far the copy is.
      problems: what was left out.
      protocol: imap, or pop3.
      keep_days: with POP3, days until mail that is here is removed there; None: never.
      smtp_host, smtp_port, smtp_tls, smtp_user: the server by which mail from its address goes out; "" for none.
      sends: whether mail from its address can go out now.
      keeps_copy: the provider puts what is sent into its Sent by itself.
      sorts: new mail of its Inbox is sorted by the junk filter, rules and script of the account.
      sending: after an attempt to find or test that server, why nothing is sent; else "".
    """

    name: str
    address: str
    host: str
    port: int
    tls: str
    user: str
    state: str
    text: str
    problems: list[str]
    protocol: str = "imap"
    keep_days: int | None = None
    smtp_host: str = ""
    smtp_port: int = 0
    smtp_tls: str = "implicit"
    smtp_user: str = ""
    sends: bool = False
    keeps_copy: bool = False
    sorts: bool = False
    sending: str = ""


class LinkTest(msgspec.Struct, frozen=True, kw_only=True):
    """Result of a test: mailboxes, messages in all of them, and whether it tells of new mail at once; the submission
    server, "" if none was given or found, and why it does not work, "" if it does.
    """

    mailboxes: list[str]
    messages: int
    instant: bool
    smtp_host: str = ""
    smtp_port: int = 0
    smtp_tls: str = "implicit"
    keeps_copy: bool = False
    sending: str = ""


Wants: TypeAlias = Literal["", "app", "allow"]
"""Condition of a provider. ``app``: a password for this server alone; ``allow``: IMAP switched on there."""


class FoundServer(msgspec.Struct, frozen=True):
    """A mail server with the user there; `port` is never 0."""

    host: str
    port: int
    tls: Literal["implicit", "starttls", "none"]
    user: str


class FoundServers(msgspec.Struct, frozen=True, kw_only=True):
    """The mail servers of an address.

    Attributes:
      incoming: for reading, by `protocol`; POP3 only where no IMAP server was found.
      smtp: for sending; None if none was found.
      provider: its name, "" if it is not a large one; wants, page: what it wants first, and where that is done.
      proven: false if only DNS without signatures names a server of another domain.
    """

    incoming: FoundServer
    protocol: Literal["imap", "pop3"] = "imap"
    smtp: FoundServer | None = None
    provider: str = ""
    wants: Wants = ""
    page: str = ""
    proven: bool = True


@query("link find", Role.COMMAND_LINE)
class FindServers(Operation[FoundServers], frozen=True):
    """Find mail servers for ADDRESS. This uses known providers, PACC, autoconfig, SRV records, and common names."""

    address: Annotated[Word, field(metavar="ADDRESS")]


@query("link list", Role.COMMAND_LINE, columns=("name", "address", "host", "state", "text"))
class ListLinks(Operation[list[LinkInfo]], frozen=True):
    """List ACCOUNT's linked accounts and their status. They are accounts at other providers."""

    account: Account


class LinkRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The servers of an address at another provider, and the user there.

    Attributes:
      user: "": the address. port, smtp_port: 0: the usual one.
      smtp_host: the server that sends mail from ADDRESS; "": the one of a known provider, or that DNS names.
      smtp_user: "": `user`.
      keeps_copy: whether the provider puts what is sent into its Sent by itself; None: as known of the provider.
      sends: False: nothing is sent from ADDRESS.
    """

    address: str
    host: str
    password: str
    user: str = ""
    port: int = 0
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    smtp_host: str = ""
    smtp_port: int = 0
    smtp_tls: Literal["implicit", "starttls"] = "implicit"
    smtp_user: str = ""
    keeps_copy: bool | None = None
    sends: bool = True
    protocol: Literal["imap", "pop3"] = "imap"

    def __repr__(self) -> str:
        """Without the password."""
        return f"{type(self).__name__}({self.address!r}, {self.host!r})"


@change("link add", Role.COMMAND_LINE)
class AddLink(LinkRequest, Operation[LinkInfo], frozen=True, kw_only=True):
    """Link ADDRESS at another provider to ACCOUNT. Mail syncs to a separate mailbox.

    Attributes:
      name: the mailbox; "": named after the address.
      keep_days: with POP3, days until mail is deleted from the provider; None: never.
      sorts: sort new Inbox mail with the account's junk filter, rules, and script.
    """

    account: Account
    name: str = ""
    keep_days: int | None = None
    sorts: bool = False


@query("link test", Role.COMMAND_LINE)
class TryLink(LinkRequest, Operation[LinkTest], frozen=True, kw_only=True):
    """Test the login for ADDRESS at another provider. This shows a summary of the mail there, and doesn't store
    anything.
    """


@change("link set-password", USERS, confirm=True, done="changed the password of linked account {link}")
class SetLinkPassword(UserOperation[None], frozen=True):
    """Update the password for ACCOUNT's linked account after changing it at the provider."""

    link: LinkName
    password: Secret

    def __repr__(self) -> str:
        """Without the password."""
        return f"SetLinkPassword({self.account!r}, {self.link!r})"


@change("link set-sending", USERS, confirm=True)
class SetLinkSending(UserOperation[LinkInfo], frozen=True):
    """Set the outgoing server for LINK's address. This tests it with LINK's password first."""

    link: LinkName
    smtp_host: Annotated[Host, field("Submission server. [default: the provider's, if known]")] = ""
    smtp_port: Annotated[Port, field("Port. [default: standard port]")] = 0
    smtp_tls: Annotated[Literal["implicit", "starttls"], field("Implicit TLS or STARTTLS.")] = "implicit"
    smtp_user: Annotated[Secret, field("User name for SMTP. [default: LINK's user name]")] = ""
    keeps_copy: Annotated[bool | None, field("The provider saves sent messages in its Sent folder.")] = None
    off: Annotated[bool, field("Don't send from this address.")] = False


@change(
    "link set-sorting", USERS, done="new mail of linked account {link} is {off:no longer|now} sorted like mail here"
)
class SetLinkSorting(UserOperation[None], frozen=True):
    """Sort new mail in LINK's Inbox like mail here. This uses ACCOUNT's junk filter, rules, and script, on both sides.
    This files mail, flags it, or moves it to the trash, but won't send replies or forward anything.
    """

    link: LinkName
    off: Annotated[bool, field("Leave new mail in the Inbox.")] = False


@change(
    "link pause",
    USERS,
    done="paused linked account {link}. To undo this, run: moxlite link resume {account} {link:q}",
)
class PauseLink(UserOperation[None], frozen=True):
    """Pause LINK until you run `moxlite link resume`. You can still view synced mail."""

    link: LinkName


@change("link resume", USERS, done="resumed linked account {link}")
class ResumeLink(UserOperation[None], frozen=True):
    """Resume LINK and sync now."""

    link: LinkName


@change("link rename", USERS, done="renamed linked account {link} to {name}")
class RenameLink(UserOperation[None], frozen=True):
    """Rename LINK and its mailboxes here to NAME. This doesn't change anything at the provider."""

    link: LinkName
    name: Annotated[str, field(metavar="NAME", max_length=4096)]


@change(
    "link rm",
    USERS,
    confirm=True,
    ask="Unlink {link}? Mail at the other provider won't be deleted.",
    done="unlinked {link}, and {delete_copies:deleted|kept} its mailboxes here",
)
class RemoveLink(UserOperation[None], frozen=True):
    """Unlink LINK. You can keep or delete its mailboxes here. This doesn't delete anything at the provider."""

    link: LinkName
    delete_copies: Annotated[bool, field("Also delete the copied mailboxes.", "--delete")] = False
