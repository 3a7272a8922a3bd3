"""State of a linked mailbox, for its users (LINK-4)."""

from typing import Literal, TypeAlias

import msgspec

from moxlite.store.mail.links import Outlet

Phase: TypeAlias = Literal["connecting", "copying", "current", "waiting", "refused", "paused"]
"""``copying``: messages are being fetched; ``current``: both sides are equal; ``waiting``: for the next try after a
failure; ``refused``: the password was not taken.
"""


class LinkState(msgspec.Struct):
    """State of a link. `mailbox`, `done`, `total`: progress in the mailbox that is copied now; `said`: why it waits;
    `again`: seconds until the next try; `problems`: what was left out, the first ones.
    """

    phase: Phase = "connecting"
    mailbox: str = ""
    done: int = 0
    total: int = 0
    said: str = ""
    again: float = 0.0
    problems: list[str] = msgspec.field(default_factory=list)


class Tested(msgspec.Struct, frozen=True):
    """Result of a test: names of mailboxes there, number of messages in all of them, and what the server can; the
    submission server that was given or found, and why it does not work, "" if it does.
    """

    mailboxes: list[str]
    messages: int
    instant: bool
    outlet: Outlet = Outlet()
    sending: str = ""
