"""The calls for filing rules, which are proposed when a message is moved (WEBMAIL-101..104)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from moxlite.admin.accountforms import shown
from moxlite.config.domains import Condition, Destination, Ruleset
from moxlite.config.snapshot import AccountRecipient
from moxlite.operations.rules import MAX_RULES, DestinationChange, DestinationForm, Rule, SetRules
from moxlite.proto.address import Address, AddressError, Domain
from moxlite.proto.mime.headers import HeaderSection
from moxlite.store.content import body
from moxlite.store.mail.facts import SMTPArrival, signing_domains, smtp_arrival
from moxlite.store.mail.settings import decline_list, decline_mailbox, decline_sender, is_declined
from moxlite.store.rows import mailboxes as mailbox_rows, messages as message_rows
from moxlite.store.types import MailboxID
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, UserError
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.querytypes import ID
from moxlite.web.webmail.reading.parsed import structure_of
from moxlite.wording import worded

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A rule to add or remove, for mail of a list or sender to one of the user's addresses."""

    recipient: str
    list_id: str
    msg_from: str
    remove: bool
    mailbox: str


class RuleCalls(AccountCalls):
    """The calls for filing rules."""

    @call()
    async def ruleset_suggest_move(
        self, caller: Caller, message_id: ID, from_mailbox_id: ID, to_mailbox_id: ID
    ) -> Suggestion | None:
        """The rule that would have filed a moved message into its new mailbox; null if there is no rule to propose."""
        proposal = await self._propose(caller, message_id, from_mailbox_id, to_mailbox_id)
        if proposal is None or proposal.destination.startswith("@"):
            return None
        return _suggestion(proposal)

    @call(once=True)
    async def ruleset_accept(self, caller: Caller, message_id: ID, from_mailbox_id: ID, to_mailbox_id: ID) -> None:
        """Add the proposed rule, or remove it; a conflict if it would not be proposed any more."""
        proposal = await self._propose(caller, message_id, from_mailbox_id, to_mailbox_id)
        if proposal is None:
            raise Conflict("this suggested rule is no longer available")
        await self._keep(caller, proposal)

    @call(once=True)
    async def ruleset_for_sender(self, caller: Caller, message_id: ID, mailbox_id: ID) -> Suggestion:
        """Add a rule that files mail of this message's sender, to the same address, into a mailbox.

        Returns the rule. A conflict if there is such a rule already.
        """
        name = caller.require().account
        snapshot = self._server.config.current
        async with self._accounts.use(name) as account:
            proposal = await account.read(
                lambda r: for_sender(r, snapshot, name, message_id, mailbox_id), op="webmail_sender_rule"
            )
        await self._keep(caller, proposal)
        return _suggestion(proposal)

    async def _keep(self, caller: Caller, proposal: Proposal) -> None:
        account = caller.require().account
        settings = self._server.config.current.account(account)
        destination = None if settings is None else settings.destinations.get(proposal.destination)
        change, seen = changes(destination, proposal, datetime.now(UTC).date())
        await self._server.perform(SetRules(proposal.destination, change, seen, account=account))

    @call()
    async def ruleset_never(
        self,
        caller: Caller,
        message_id: ID,
        from_mailbox_id: ID,
        to_mailbox_id: ID,
        never: Literal["message", "from_mailbox", "to_mailbox"],
    ) -> None:
        """Do not propose the rule again.

        ``never`` chooses the scope: this list or sender at this address and in this direction, or moves from, or to,
        this mailbox.
        """
        proposal = await self._propose(caller, message_id, from_mailbox_id, to_mailbox_id)

        def unit(tx: AccountTx) -> None:
            if never == "from_mailbox":
                decline_mailbox(tx, MailboxID(from_mailbox_id), to_mailbox=False)
            elif never == "to_mailbox":
                decline_mailbox(tx, MailboxID(to_mailbox_id), to_mailbox=True)
            elif proposal is not None and proposal.list_id:
                decline_list(tx, proposal.recipient, proposal.list_id, to_inbox=proposal.remove)
            elif proposal is not None:
                decline_sender(tx, proposal.recipient, proposal.msg_from, to_inbox=proposal.remove)

        async with self._accounts.use(caller.require().account) as account:
            await account.write(unit)

    async def _propose(self, caller: Caller, message_id: int, source: int, target: int) -> Proposal | None:
        name = caller.require().account
        snapshot = self._server.config.current
        async with self._accounts.use(name) as account:
            return await account.scan(
                lambda r: propose(r, snapshot, name, message_id, source, target), op="webmail_rule"
            )


def _suggestion(proposal: Proposal) -> Suggestion:
    return Suggestion(
        recipient=proposal.recipient,
        list_id=proposal.list_id,
        msg_from=proposal.msg_from,
        remove=proposal.remove,
        mailbox=proposal.mailbox,
    )


# Proposals of filing rules after a message was moved (WEBMAIL-101..104): a rule that would have filed it there.
#
# A proposal is computed again when it is accepted, so a browser cannot add a rule of its own choice.


MAX_HEADER: Final = 256 * 1024  # octets of the header section that are read
MAX_FIELDS: Final = 1000  # of them, as in an opened message

LIST_ID: Final = re.compile(rb"<([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,250})>\s*\Z")
"""The end of a List-Id field (RFC 2919 §3); a name before it is for people."""


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A rule to add, or to remove.

    Attributes:
      destination: the own address that the message came to, as it is configured.
      list_id: List-Id of the mailing list, "" if the rule is for a sender; then `msg_from` is the address.
      remove: the message was moved back to the mailbox where the address delivers.
      mailbox: the mailbox into which the rule files.
    """

    destination: str
    recipient: str
    list_id: str
    msg_from: str
    remove: bool
    mailbox: str
    rule: Ruleset


def propose(r: Reader, snapshot: Snapshot, account: str, message_id: int, source: int, target: int) -> Proposal | None:
    """The rule to propose after a message was moved from `source` to `target`; None for no proposal.

    Raises NoSuchMessage, NoSuchMailbox.
    """
    message_rows.message(r, message_id)
    left, reached = mailbox_rows.mailbox(r, source), mailbox_rows.mailbox(r, target)
    if left.special_use or reached.special_use:
        return None
    came = smtp_arrival(r, message_id)
    recipient = _named(r, snapshot, account, message_id) if came is None else _recipient(snapshot, account, came)
    if recipient is None:
        return None
    default = recipient.destination.mailbox
    if default not in (left.name, reached.name):
        return None
    remove = reached.name == default
    verified = signing_domains(r, message_id)
    if came is not None and came.mailfrom_ok and came.mailfrom_domain:
        verified.append(came.mailfrom_domain)
    sender = _sender(r, message_id, came)
    list_id = _list_id(r, message_id)
    place = left if remove else reached
    rule = _rule(place.name, list_id, sender, verified)
    if rule is None:
        return None
    same = _same(recipient.destination.rulesets, rule)
    exact = [ruleset for ruleset in same if ruleset.mailbox == rule.mailbox]
    if (len(exact) != 1) if remove else bool(exact):
        return None
    to = str(recipient.canonical)
    declined = is_declined(r, to, listid=list_id, msgfrom=sender, to_inbox=remove, source=left.id, target=reached.id)
    if declined:
        return None
    return Proposal(
        destination=recipient.configured,
        recipient=to,
        list_id=list_id,
        msg_from="" if list_id else sender,
        remove=remove,
        mailbox=place.name,
        rule=rule,
    )


def for_sender(r: Reader, snapshot: Snapshot, account: str, message_id: int, target: int) -> Proposal:
    """The rule that files messages of this message's sender, without other conditions, into a mailbox (WEBMAIL-142).

    Raises NoSuchMessage, NoSuchMailbox, UserError.
    """
    message_rows.message(r, message_id)
    reached = mailbox_rows.mailbox(r, target)
    came = smtp_arrival(r, message_id)
    recipient = None if came is None else _recipient(snapshot, account, came)
    recipient = recipient or _named(r, snapshot, account, message_id) or _first(snapshot, account)
    if recipient is None:
        raise UserError("you need an address to create rules")
    sender = _sender(r, message_id, came)
    rule = _rule(reached.name, "", sender, ())
    if rule is None:
        raise UserError("you can't create a rule for this message because the sender is missing or invalid")
    return Proposal(
        destination=recipient.configured,
        recipient=str(recipient.canonical),
        list_id="",
        msg_from=sender,
        remove=False,
        mailbox=reached.name,
        rule=rule,
    )


def _recipient(snapshot: Snapshot, account: str, came: SMTPArrival) -> AccountRecipient | None:
    """The recipient of this account that a message came to; None if the address is not, or no longer, the account's
    own.
    """
    return _own(snapshot, account, came.rcptto, came.rcptto_domain) if came.rcptto else None


def _named(r: Reader, snapshot: Snapshot, account: str, message_id: int) -> AccountRecipient | None:
    """The first of the account's own addresses in To and Cc of a message, which may be imported; None without one."""
    envelope = structure_of(r, message_id).envelope
    for named in (*envelope.to, *envelope.cc):
        recipient = _own(snapshot, account, named.localpart, named.domain)
        if recipient is not None:
            return recipient
    return None


def _first(snapshot: Snapshot, account: str) -> AccountRecipient | None:
    """The account's first address; a catchall has no rules."""
    settings = snapshot.account(account)
    for configured in () if settings is None else settings.destinations:
        localpart, _, domain = configured.rpartition("@")
        recipient = _own(snapshot, account, localpart, domain) if localpart else None
        if recipient is not None:
            return recipient
    return None


def _own(snapshot: Snapshot, account: str, localpart: str, domain: str) -> AccountRecipient | None:
    try:
        owner = snapshot.owner(Address.of(localpart, domain))
    except AddressError:
        return None
    return owner if owner is not None and owner.account == account else None


def _sender(r: Reader, message_id: int, came: SMTPArrival | None) -> str:
    """The address in From, in the form that rules compare; "" if there is no valid one."""
    if came is not None:
        return f"{came.msgfrom}@{came.msgfrom_domain}".lower() if came.msgfrom_domain else ""
    senders = structure_of(r, message_id).envelope.from_
    try:
        domain = Domain.parse(senders[0].domain) if len(senders) == 1 and senders[0].localpart else None
    except AddressError:
        return ""
    return "" if domain is None else str(senders[0].key)


def _list_id(r: Reader, message_id: int) -> str:
    """The List-Id if there is exactly one and it is valid, else ""."""
    root = structure_of(r, message_id).root
    content = body.locate(r, message_id)
    section = HeaderSection(body.read_content(r, content, 0, min(root.body, MAX_HEADER)), MAX_FIELDS)
    values = section.texts(b"list-id")
    match = LIST_ID.search(values[0]) if len(values) == 1 else None
    return match[1].decode("ascii").lower() if match is not None and b"." in match[1] else ""


def _rule(mailbox: str, list_id: str, sender: str, verified: Sequence[str]) -> Ruleset | None:
    if list_id:
        # the shortest verified domain of the list: its host's, rather than the list's own name there
        above = [domain for domain in verified if domain and (list_id == domain or list_id.endswith(f".{domain}"))]
        if not above:
            return None
        pattern = {"^list-id$": re.escape(f"<{list_id}>") + "$"}
        allowed = Domain.parse(min(above, key=len))
        # Anyone can write a List-Id: it is the list's in mail that its domain proves.
        return Ruleset(mailbox=mailbox, verified_domain=allowed, headers_regexp=pattern, list_allow_domain=allowed)
    if not sender:
        return None
    return Ruleset(mailbox=mailbox, conditions=(Condition(part="from", test="is", value=sender),))


def _same(rules: Sequence[Ruleset], rule: Ruleset) -> list[Ruleset]:
    """The rules that match the same mail, whatever mailbox they file it into. Rules for a list that were made before
    they had its proven domain are the same, and rules for a sender that were made as a pattern.
    """

    def bare(ruleset: Ruleset) -> Ruleset:
        proven = ruleset.verified_domain or ruleset.list_allow_domain
        plain = msgspec.structs.replace(ruleset, mailbox=rule.mailbox, comment="", verified_domain=proven)
        senders = [one.value for one in rule.conditions if one.part == "from"]
        if len(senders) == 1 and plain.msg_from_regexp == f"^{re.escape(senders[0])}$":
            return msgspec.structs.replace(plain, msg_from_regexp=None, conditions=rule.conditions)
        return plain

    return [ruleset for ruleset in rules if bare(ruleset) == bare(rule)]


def changes(
    destination: Destination | None, proposal: Proposal, today: date
) -> tuple[DestinationChange, DestinationChange]:
    """Add or remove the rule: the rules after it, and before. A rule that matches the same mail but files it elsewhere
    is removed, because it would win.

    Raises:
      UserError: the address is from a catchall, which has no rules of its own.
      Conflict: the rules were changed meanwhile.
    """
    if proposal.destination.startswith("@"):
        raise UserError(
            worded(
                "you get mail for {recipient} through the catchall address {destination}; add it to your "
                "addresses first",
                recipient=proposal.recipient,
                destination=proposal.destination,
            )
        )
    if destination is None:
        raise Conflict(worded("{destination} no longer belongs to this account", destination=proposal.destination))
    same = _same(destination.rulesets, proposal.rule)
    exact = [ruleset for ruleset in same if ruleset.mailbox == proposal.mailbox]
    if (len(exact) != 1) if proposal.remove else bool(exact):
        raise Conflict("this address's rules have changed")
    kept = [ruleset for ruleset in destination.rulesets if ruleset not in same]
    if not proposal.remove:
        if len(kept) >= MAX_RULES:
            raise UserError(
                worded("{destination} already has {most} rules", destination=proposal.destination, most=MAX_RULES)
            )
        kept.append(msgspec.structs.replace(proposal.rule, comment=f"by webmail on {today.isoformat()}"))
    after, before = (_forms(rulesets) for rulesets in (kept, destination.rulesets))
    return DestinationChange(rulesets=after), DestinationChange(rulesets=before)


def _forms(rulesets: Sequence[Ruleset]) -> list[Rule]:
    return shown(DestinationForm, Destination(rulesets=tuple(rulesets))).rulesets
