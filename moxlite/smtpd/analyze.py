"""The delivery decision (SMTP-81..98): what becomes of an incoming message for one recipient, and why.

Evidence goes in, a verdict comes out. The verdict's `reason` is a stable word that stands in the header, the log and
the metrics.
"""

from typing import Final

import msgspec

from moxlite.config.snapshot import AccountRecipient, Snapshot
from moxlite.net.limits import IPAddress
from moxlite.proto.address import Address, AddressError, Domain, Localpart, Path
from moxlite.proto.mime.types import MailAddress
from moxlite.proto.smtp.replies import Response

__all__ = ["Evidence", "Verdict", "decide", "from_address"]

AMBIGUOUS_FROM: Final = Response(550, "5.7.1", ("message has more than one From field",))


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a message before it is decided about.

    Attributes:
      remote: the client; hello: what it called itself, None if that was no name.
      sender: reverse path.
      msg_from: the address of the From field, None if there is not exactly one.
      from_fields: how many From fields there are.
      trusted: comes from our own queue.
    """

    remote: IPAddress
    hello: Domain | None
    sender: Path
    msg_from: Address | None
    from_fields: int
    trusted: bool


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The decision. `refusal` is None to accept into `mailbox`."""

    reason: str
    mailbox: str
    refusal: Response | None = None


async def decide(evidence: Evidence, recipient: AccountRecipient, snapshot: Snapshot) -> Verdict:
    """What becomes of the message for this recipient. The first step that decides wins."""
    mailbox = recipient.destination.mailbox
    if evidence.trusted:
        return Verdict(reason="own-queue", mailbox=mailbox)
    if evidence.from_fields > 1:
        return Verdict(reason="ambiguous-from", mailbox=mailbox, refusal=AMBIGUOUS_FROM)
    return Verdict(reason="no-bad-signals", mailbox=mailbox)


def from_address(found: tuple[MailAddress, ...]) -> Address | None:
    """The address of a From field that holds exactly one (SMTP-76)."""
    if len(found) != 1 or not found[0].domain:
        return None
    try:
        return Address(Localpart(found[0].localpart), Domain.parse(found[0].domain))
    except AddressError:
        return None
