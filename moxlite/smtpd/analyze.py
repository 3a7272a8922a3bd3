"""The delivery decision (SMTP-81..98): what becomes of an incoming message for one recipient, and why.

Evidence goes in, a verdict comes out. The verdict's `reason` is a stable word that stands in the header, the log and
the metrics.
"""

from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Final

import msgspec

from moxlite.config.domains import Ruleset
from moxlite.config.snapshot import AccountRecipient
from moxlite.net.limits import IPAddress
from moxlite.proto.address import Address, AddressError, Domain, Localpart, Path
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.types import MailAddress
from moxlite.proto.mime.words import decode_words
from moxlite.proto.smtp.replies import Response
from moxlite.store.delivery.rulesets import Conditions, RuleFacts, first_match

__all__ = ["Evidence", "Headers", "Verdict", "decide", "find_rule", "from_address", "readable_headers"]

Headers = tuple[tuple[str, str], ...] | None
"""Names and texts of header fields; None when they cannot be parsed."""

MAX_FIELDS: Final = 1000
"""Header fields that rules may look at (STORE-64)."""

AMBIGUOUS_FROM: Final = Response(550, "5.7.1", ("message has more than one From field",))


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a message before it is decided about.

    Attributes:
      remote: the client; hello: what it called itself, None if that was no name.
      sender: reverse path.
      msg_from: the address of the From field, None if there is not exactly one.
      from_fields: how many From fields there are.
      trusted: comes from our own queue.
      verified_domains: of a verified EHLO, MAIL FROM or DKIM signature, Unicode, lower case.
      dkim_domains: those of them with a passing signature.
    """

    remote: IPAddress
    hello: Domain | None
    sender: Path
    msg_from: Address | None
    from_fields: int
    trusted: bool
    verified_domains: tuple[str, ...] = ()
    dkim_domains: tuple[str, ...] = ()


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The decision. `refusal` is None to accept into `mailbox`.

    `destined`: the mailbox it was meant for; with it the message is one that would be rejected, accepted because a rule
    says so (STORE-67). `forwarder`: the verified domain that has passed it on, None if a rule says nothing of that
    (STORE-66).
    """

    reason: str
    mailbox: str
    refusal: Response | None = None
    destined: str | None = None
    forwarder: str | None = None


def readable_headers(section: HeaderSection) -> Headers:
    """The fields of a header section as rules see them: unfolded and decoded. Some 10 µs for each field."""
    junk = section.first(b"")
    if junk is not None and junk.start == 0:
        return None  # STORE-52: it does not even begin with a field
    named = (field for field in section if field.name)
    return tuple([(field.label.decode("ascii"), decode_words(field.text)) for field in islice(named, MAX_FIELDS)])


async def find_rule(
    evidence: Evidence, recipient: AccountRecipient, headers: Callable[[], Awaitable[Headers]]
) -> Ruleset | None:
    """The first ruleset of the destination whose conditions all hold (SMTP-82, STORE-64)."""
    rules = recipient.destination.rulesets
    if not rules:
        return None
    facts = RuleFacts(
        mail_from=evidence.sender.pack(True),
        msg_from=None if evidence.msg_from is None else evidence.msg_from.pack(True),
        verified_domains=evidence.verified_domains,
        headers=await headers(),
    )
    index = await first_match([_conditions(rule) for rule in rules], facts)
    return None if index is None else rules[index]


def _conditions(rule: Ruleset) -> Conditions:
    return Conditions(
        smtp_mail_from_regexp=rule.smtp_mail_from_regexp or "",
        msg_from_regexp=rule.msg_from_regexp or "",
        verified_domain="" if rule.verified_domain is None else rule.verified_domain.unicode,
        headers_regexp=rule.headers_regexp,
    )


async def decide(
    evidence: Evidence, recipient: AccountRecipient, rule: Ruleset | None, is_junk: Callable[[], Awaitable[bool]]
) -> Verdict:
    """What becomes of the message for this recipient. The first step that decides wins.

    Args:
      rule: from `find_rule`.
      is_junk: asks the account's junk filter. Its word alone refuses nothing, as long as nothing is known of the
        sender; it decides for rules with ``accept_rejects_to_mailbox`` (SMTP-93, SMTP-98).

    Raises what `is_junk` raises.
    """
    mailbox = recipient.destination.mailbox if rule is None else rule.mailbox
    if evidence.trusted:
        return Verdict(reason="own-queue", mailbox=mailbox)
    if evidence.from_fields > 1:
        return Verdict(reason="ambiguous-from", mailbox=mailbox, refusal=AMBIGUOUS_FROM)
    forwarder = rule.verified_domain if rule is not None and rule.is_forward else None
    passed_on = None if forwarder is None else forwarder.unicode
    if rule is not None and rule.accept_rejects_to_mailbox is not None and await is_junk():
        kept = rule.accept_rejects_to_mailbox
        return Verdict(reason="junk-content", mailbox=kept, destined=mailbox, forwarder=passed_on)
    return Verdict(reason="no-bad-signals", mailbox=mailbox, forwarder=passed_on)


def from_address(found: tuple[MailAddress, ...]) -> Address | None:
    """The address of a From field that holds exactly one (SMTP-76)."""
    if len(found) != 1 or not found[0].domain:
        return None
    try:
        return Address(Localpart(found[0].localpart), Domain.parse(found[0].domain))
    except AddressError:
        return None
