"""The operations on linked mailboxes (LINK-4)."""

from typing import Annotated, Literal, TypeAlias

import msgspec

from moxlite.operations import Operation, Role, Word, change, field, query

Account: TypeAlias = Annotated[Word, field(metavar="ACCOUNT")]
LinkName: TypeAlias = Annotated[Word, field(metavar="LINK")]


class LinkInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A linked mailbox.

    Attributes:
      name: the mailbox below which its mailboxes are.
      state: connecting, copying, current, waiting, refused or paused.
      text: why it waits, or how far the copy is.
      problems: what was left out.
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


class LinkTest(msgspec.Struct, frozen=True, kw_only=True):
    """Result of a test: mailboxes, messages in all of them, and whether it tells of new mail at once."""

    mailboxes: list[str]
    messages: int
    instant: bool


@query("link list", Role.COMMAND_LINE, columns=("name", "address", "host", "state", "text"))
class ListLinks(Operation[list[LinkInfo]], frozen=True):
    """List the mailboxes at other providers that are linked to ACCOUNT, and what each does."""

    account: Account


@change("link add", Role.COMMAND_LINE)
class AddLink(Operation[LinkInfo], frozen=True):
    """Mirror the mailboxes of ADDRESS at another provider in ACCOUNT, below a mailbox of their own."""

    account: Account
    address: str
    host: str
    password: str
    name: str = ""
    user: str = ""
    port: int = 0
    tls: Literal["implicit", "starttls", "none"] = "implicit"

    def __repr__(self) -> str:
        """Without the password."""
        return f"AddLink({self.account!r}, {self.address!r}, {self.host!r})"


@query("link test", Role.COMMAND_LINE)
class TryLink(Operation[LinkTest], frozen=True):
    """Log in as ADDRESS at another provider and say what is there; nothing is kept."""

    address: str
    host: str
    password: str
    user: str = ""
    port: int = 0
    tls: Literal["implicit", "starttls", "none"] = "implicit"

    def __repr__(self) -> str:
        """Without the password."""
        return f"TryLink({self.address!r}, {self.host!r})"


@change("link set-password", Role.COMMAND_LINE)
class SetLinkPassword(Operation[None], frozen=True):
    """Give a linked mailbox of ACCOUNT the password that it has at its provider now."""

    account: str
    link: str
    password: str

    def __repr__(self) -> str:
        """Without the password."""
        return f"SetLinkPassword({self.account!r}, {self.link!r})"


@change("link pause", Role.COMMAND_LINE)
class PauseLink(Operation[None], frozen=True):
    """Stop mirroring LINK until `moxlite link resume`; its mailboxes stay."""

    account: Account
    link: LinkName


@change("link resume", Role.COMMAND_LINE)
class ResumeLink(Operation[None], frozen=True):
    """Go on mirroring LINK, and try now."""

    account: Account
    link: LinkName


@change("link rm", Role.COMMAND_LINE, ask="Unlink {link}? Nothing is removed at the other provider.")
class RemoveLink(Operation[None], frozen=True):
    """Unlink LINK. Its mailboxes stay here as they are, or are deleted; the other provider keeps all."""

    account: Account
    link: LinkName
    delete: Annotated[bool, field("Delete its mailboxes here.")] = False
