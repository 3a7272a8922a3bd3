"""Producers that carry out the wishes of the account's owner."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Final

import msgspec

from moxlite.acceptance.cases import FROM_VALIDATION, HISTORY, RULESET, Case, ScriptDecision
from moxlite.acceptance.plan import Proposal, Reason
from moxlite.acceptance.producers.judgement import is_listed, is_unproven, is_unsure_junk, quarantined
from moxlite.config.domains import Ruleset
from moxlite.config.values import NamedSender
from moxlite.net.limits import IPAddress, unmap
from moxlite.proto.address import Address, AddressKey, Domain
from moxlite.proto.mime.automatic import is_machine
from moxlite.proto.sieve.outcome import AnswerAction, FileAction, KeepAction, RedirectAction, RejectAction
from moxlite.proto.smtp.replies import Response
from moxlite.store.delivery.actions import AnyAction, Failed, FileInto, Mark, Redirect, Remember, Vacation
from moxlite.store.delivery.vacation import INTERVAL, entity
from moxlite.store.names import INBOX
from moxlite.store.rows.mailboxes import FLAG_NAMES
from moxlite.store.types import Flag
from moxlite.wording import worded

# Senders blocked or allowed by the account's owner (SMTP-169).


BLOCKED: Final = Response(550, "5.7.1", ("the recipient blocked this sender",))


def blocked_sender(case: Case) -> Sequence[Proposal]:
    """Refuse mail from a sender whom the owner blocks. An address in From or MAIL FROM needs no proof for that, and one
    of several authors is enough.
    """
    if case.settings is None or not case.settings.senders.blocked:
        return ()
    sender = case.evidence.envelope.sender
    own = list(case.evidence.authors)
    if isinstance(sender.host, Domain):
        own.append(Address(sender.localpart, sender.host))
    if not _names(case.settings.senders.blocked, own, case.evidence.envelope.remote):
        return ()
    return (Proposal(because=Reason("blocked-sender", "senders"), reply=BLOCKED, junk=True),)


def is_allowed(case: Case) -> bool:
    """Whether the owner allows the author, whose identity is proven."""
    checks, author = case.evidence.checks, case.evidence.msg_from
    if case.settings is None or checks is None or author is None or is_unproven(case):
        return False
    return _names(case.settings.senders.allowed, [author], case.evidence.envelope.remote)


def allowed_sender(case: Case) -> Sequence[Proposal]:
    """Accept mail of a proven author whom the owner allows, regardless of SPF, the reverse name, the junk filter and
    block lists.
    """
    if not is_allowed(case):
        return ()
    return (Proposal(because=Reason("allowed-sender", "senders", (FROM_VALIDATION,)), binding=True),)


def is_never_junk(case: Case) -> bool:
    """Whether the matching ruleset keeps the message from the junk filter: its author is proven, since forgers choose
    authors whom rules name.
    """
    return case.rule is not None and case.rule.never_junk and case.evidence.checks is not None and not is_unproven(case)


def never_junk(case: Case) -> Sequence[Proposal]:
    """Accept mail of a proven author that a ruleset says is never junk, regardless of history, SPF, the reverse name,
    the junk filter and block lists.
    """
    if not is_never_junk(case):
        return ()
    return (Proposal(because=Reason("ruleset-never-junk", "ruleset", (RULESET, FROM_VALIDATION)), binding=True),)


def _names(named: Iterable[NamedSender], addresses: Sequence[Address], remote: IPAddress) -> bool:
    """Whether a list names one of the addresses, a domain at or above theirs, or the client's network."""
    for one in named:
        if isinstance(one, IPv4Network | IPv6Network):
            if unmap(remote) in one:
                return True
        elif isinstance(one, Domain):
            if any(address.domain.is_below(one) for address in addresses):
                return True
        elif any(address.domain == one.domain and _same(address.localpart, one.localpart) for address in addresses):
            return True
    return False


def _same(one: str, other: str) -> bool:
    """Whether two localparts are equal without regard to case: few hosts distinguish it, and neither do senders of
    unwanted mail.
    """
    return one.lower() == other.lower()


# The matching ruleset of the destination, which decides where mail is filed (SMTP-82, SMTP-84, SMTP-98;
# STORE-64..67).


def matching_ruleset(case: Case) -> Sequence[Proposal]:
    """File the message into the rule's mailbox, with its label and flags; junk too, if the rule accepts it."""
    rule = case.rule
    if rule is None:
        return ()
    forwarder = ""
    if rule.is_forward and rule.verified_domain is not None and not case.evidence.envelope.trusted:
        forwarder = rule.verified_domain.unicode
    if quarantined(case) or is_unsure_junk(case):  # a rule without proof of the sender files nothing that goes to Junk
        return ()
    mark = Mark.FORWARD if forwarder else Mark.LIST if is_listed(case) else None
    files = marked_by_rule(rule, FileInto(mailbox=case.destined, mark=mark, forwarder=forwarder))
    if_junk: tuple[FileInto, ...] = ()
    if rule.accept_rejects_to_mailbox is not None:
        if_junk = (
            FileInto(
                mailbox=rule.accept_rejects_to_mailbox,
                flags=int(Flag.SEEN),
                mark=Mark.REJECT,
                destined=case.destined,
                forwarder=forwarder,
            ),
        )
    because = Reason("ruleset", "ruleset", (RULESET,))
    return (Proposal(because=because, actions=(files,), keep=False, if_junk=if_junk),)


def marked_by_rule(rule: Ruleset, files: FileInto) -> FileInto:
    """The filing with the flags and the label that a rule gives."""
    keywords = files.keywords if rule.label is None else tuple(dict.fromkeys((*files.keywords, rule.label)))
    flags = files.flags | int(Flag.FLAGGED) * rule.star | int(Flag.SEEN) * rule.read
    return msgspec.structs.replace(files, flags=flags, keywords=keywords)


# Mail of unknown authors, filed into its own mailbox (SMTP-89, STORE-68).


KNOWN: Final = frozenset({"contact", "msgfromfull", "msgtofull"})
"""Methods that know the author, and not only the domain or network."""


def first_contact(case: Case) -> Sequence[Proposal]:
    """File mail for the Inbox into the introbox if its author is not known, or not proven. A matching ruleset takes
    precedence, as the owner has chosen its mailbox.
    """
    settings, history = case.settings, case.history
    if settings is None or not settings.introbox or history is None:
        return ()
    if history.method in KNOWN and not is_unproven(case):
        return ()
    if case.rule is not None or case.destined != INBOX or case.recipient.reports:
        return ()
    if quarantined(case) or is_unsure_junk(case) or is_allowed(case):
        return ()
    files = FileInto(mailbox=settings.introbox, destined=INBOX)
    return (Proposal(because=Reason("introbox", "introbox", (HISTORY,)), actions=(files,), keep=False),)


# The decision of the account's Sieve script, and of its vacation form (SMTP-160, SMTP-161).


REASON_LINES: Final = 10
"""Lines of a reason for a refusal that go into the reply: some clients read no more."""

FORM: Final = "form"
"""Handle of the answers of the vacation form."""

_FLAGS: Final = {name.lower(): flag for flag, name in FLAG_NAMES.items()}


def sieve_script(case: Case) -> Sequence[Proposal]:
    """Decision of the script, in place of the mailbox of the destination or ruleset; else an answer by the form."""
    filtered = case.filtered
    if filtered is None:
        return ()
    actions = _once_each(_with_answer(case, filtered))
    if filtered.error:
        actions = (*actions, Failed(script=filtered.script, line=filtered.line, text=filtered.error))
        return (Proposal(because=Reason("sieve-error", "sieve"), actions=actions, instead=True),)
    reject = next((action for action in filtered.actions if isinstance(action, RejectAction)), None)
    if reject is None:
        word = "sieve" if filtered.script else "vacation"
        return (Proposal(because=Reason(word, "sieve"), actions=actions, instead=True),)
    if not case.accepted and _may_refuse(case):
        return (Proposal(because=Reason("sieve-reject", "sieve"), reply=_refusal(reject.text), instead=True),)
    # The refusal would be a notice to an address that may be forged (RFC 5429 §2.1), or in the name of an alias that
    # has other members: the message is kept.
    return (Proposal(because=Reason("sieve-kept", "sieve"), actions=filtered.kept, instead=True),)


def _may_refuse(case: Case) -> bool:
    if case.alias is not None:
        return case.alone and not case.alias.external
    return case.alone or _is_proven(case)


def _refusal(text: str) -> Response:
    lines = tuple(line.strip()[:400] for line in text.splitlines() if line.strip())[:REASON_LINES]
    return Response(550, "5.7.1", lines or ("the recipient's filter rejected this message",))


def _with_answer(case: Case, filtered: ScriptDecision) -> Iterator[AnyAction]:
    answers = False
    problem = ""
    for action in filtered.actions if filtered.script else (KeepAction(implicit=True),):
        match action:
            case KeepAction():
                yield from (_flagged(kept, action.flags) for kept in filtered.kept)
            case FileAction():
                if action.mailbox == filtered.kept_in or filtered.folders.accept(action):
                    yield _flagged(_into(filtered, action.mailbox), action.flags)
                else:
                    problem = worded("folder “{name}” doesn't exist, so the message was kept", name=action.mailbox)
                    yield from (_flagged(kept, action.flags) for kept in filtered.kept)
            case RedirectAction() if action.address in filtered.circles:
                problem = worded("a redirect to {address} would loop, so the message was kept", address=action.address)
                yield from filtered.kept
            case RedirectAction():
                yield Redirect(to=action.address, otherwise=filtered.kept_in, by_script=True)
            case AnswerAction():
                answers = True
                yield from _answer(case, filtered, action, action.handle or _handle(action))
            case _:
                pass  # discard and reject
    if problem:
        yield Failed(script=filtered.script, line=0, text=problem)
    if filtered.tracked and not filtered.error:
        yield Remember(keys=filtered.tracked)
    if filtered.form is not None and not answers:
        away = filtered.form
        text = entity(away) if away.html else away.text
        form = AnswerAction(text=text, mime=bool(away.html), subject=away.subject, addresses=away.addresses)
        yield from _answer(case, filtered, form, FORM)


def _once_each(actions: Iterable[AnyAction]) -> tuple[AnyAction, ...]:
    """The actions, each mailbox filed into once: with the flags of the last command (RFC 5228 §2.10.3)."""
    found: dict[object, AnyAction] = {}
    for action in actions:
        found[action.mailbox if isinstance(action, FileInto) else len(found)] = action
    return tuple(found.values())


def _into(filtered: ScriptDecision, mailbox: str) -> FileInto:
    """Filing into a mailbox, marked as the message would have been without a script."""
    first = filtered.kept[0] if filtered.kept else FileInto(mailbox=mailbox)
    return msgspec.structs.replace(first, mailbox=mailbox, destined="")


def _flagged(files: FileInto, flags: Sequence[str]) -> FileInto:
    bits, keywords = files.flags, list(files.keywords)
    for name in flags:
        flag = _FLAGS.get(name.lower())
        if flag is None:
            keywords.append(name)
        else:
            bits |= int(flag)
    return msgspec.structs.replace(files, flags=bits & ~int(Flag.DELETED), keywords=tuple(dict.fromkeys(keywords)))


def _handle(action: AnswerAction) -> str:
    """Handle of an answer without one: answers alike count together (RFC 5230 §4.2)."""
    parts = (action.text, action.subject, action.sender, str(action.mime))
    return "text " + hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _answer(case: Case, filtered: ScriptDecision, action: AnswerAction, handle: str) -> Iterator[Vacation]:
    sender = case.evidence.envelope.sender.address
    if sender is None or filtered.automatic or not _is_proven(case) or is_machine(sender.localpart):
        return
    own = set(map(AddressKey.parse, action.addresses))
    # A reply to mail for an alias, or for a postmaster or reports, would tell who is behind it.
    if case.alias is None and case.recipient.reports is None and not case.recipient.implied:
        own |= {case.recipient.canonical.key, AddressKey.parse(str(case.asked))}
    if (own.isdisjoint(filtered.named) and not filtered.own) or sender.key in own:  # RFC 5230 §4.5
        return
    yield Vacation(
        handle=hashlib.sha256(handle.encode()).digest()[:16],
        to=str(sender).lower(),
        seconds=INTERVAL if action.seconds is None else action.seconds,
        subject=action.subject,
        text=action.text,
        sender=action.sender,
        mime=action.mime,
    )


def _is_proven(case: Case) -> bool:
    """Whether the envelope's sender is no forgery: SPF passes for it, or an aligned signature does."""
    envelope, checks = case.evidence.envelope, case.evidence.checks
    if envelope.trusted:
        return True
    if checks is None or not isinstance(envelope.sender.host, Domain):
        return False
    if checks.mail_from_verified:
        return True
    domain = envelope.sender.host.ascii
    return any(domain == signer or domain.endswith(f".{signer}") for signer in checks.signers)
