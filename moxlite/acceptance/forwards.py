"""Sending on what an account gets, as actions of its plan: by its `forward_to` or that of a rule (SMTP-159), by the
`redirect` of its script (SMTP-160a), and to members at other servers of an alias that it carries (SMTP-166). One way
out for all.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from moxlite.acceptance.cases import DMARC, Case
from moxlite.acceptance.plan import Plan
from moxlite.acceptance.producers.judgement import is_forward, is_listed, is_vouched
from moxlite.config.snapshot import AccountRecipient, AliasRecipient, Snapshot
from moxlite.proto.address import Address, AddressError, AddressKey, one_spelling
from moxlite.proto.mime.headers import HeaderSection
from moxlite.store.delivery.actions import AnyAction, FileInto, Mark, Redirect
from moxlite.store.delivery.reasons import Strength


def _external(case: Case) -> tuple[str, ...]:
    """The members of the alias that this account sends to."""
    alias = case.alias
    if alias is None or alias.carrier is None or alias.carrier != case.recipient or not case.may_post:
        return ()
    author = case.evidence.msg_from
    return tuple(str(address) for address in alias.external if alias.alias.deliver_to_sender or address != author)


def with_forwards(snapshot: Snapshot, case: Case, plan: Plan) -> Plan:
    """The plan with the actions that send the message on: after all others, for they depend on where it is filed.

    Not for bounces, junk, and reports of other servers, not with strong bad evidence, not for what is filed nowhere,
    and not in a circle. Where a script or `keep_copy` would leave such a message nowhere, it is kept.
    """
    if any(isinstance(action, Redirect) for action in plan.actions) and not _may_go_on(case):
        plan = msgspec.structs.replace(plan, actions=tuple(dict.fromkeys(map(_kept_here, plan.actions))))
    settings = case.settings
    wanted, external = _targets(case), _external(case)
    if settings is None or not (wanted or external) or not _is_wanted(case, plan):
        return plan
    back = circles(snapshot, case, (*wanted, *external))
    targets = [one for one in wanted if one not in back]
    actions: tuple[AnyAction, ...] = plan.actions
    place = next(action.mailbox for action in actions if isinstance(action, FileInto))
    has_script = case.filtered is not None and case.filtered.script != ""
    # Where a script is active, it alone says what is kept; a rule that forwards keeps the message.
    moves_on = not settings.keep_copy and not has_script and not {*map(str, settings.forward_to)}.isdisjoint(targets)
    if not back and (case.author or moves_on):
        actions = tuple(action for action in actions if not isinstance(action, FileInto))
    sent = tuple(Redirect(to=target, otherwise=place) for target in targets)
    alias = str(case.alias.canonical) if case.alias is not None else ""
    sent += tuple(Redirect(to=one, otherwise=place, alias=alias) for one in external if one not in back)
    return msgspec.structs.replace(plan, actions=(*actions, *sent))


def _targets(case: Case) -> list[str]:
    """The addresses of `forward_to`, of the account and of the rule, that get the message: but those that the script or
    the alias sends it to.
    """
    if case.settings is None or case.author:
        return []
    wanted = (*case.settings.forward_to, *(() if case.rule is None else case.rule.forward_to))
    others = {*map(AddressKey.parse, _external(case))}
    others |= {*map(AddressKey.parse, case.filtered.redirects if case.filtered else ())}
    return [str(address) for address in dict.fromkeys(wanted) if address.key not in others]


def _is_wanted(case: Case, plan: Plan) -> bool:
    """Whether the account takes the message as ordinary mail, which may go on."""
    if plan.reply is not None or plan.junk or case.accepted or case.report is not None or case.recipient.reports:
        return False
    if not _may_go_on(case):
        return False
    filed = [action for action in plan.actions if isinstance(action, FileInto)]
    return bool(filed) and all(file_into.mark is not Mark.REJECT for file_into in filed)


def _may_go_on(case: Case) -> bool:
    """Whether the message is no bounce, and no strong evidence speaks against it. A DMARC failure of the owner's lists
    and forwarders does not, nor one that a trusted sealer excuses: From becomes another there (QUEUE-179).
    """
    if case.evidence.envelope.sender.is_null:
        return False
    excused = is_listed(case) or is_forward(case) or is_vouched(case)
    bad = (one.name for one in case.evidence.facts if one.good is False and one.strength >= Strength.STRONG)
    return not any(name != DMARC or not excused for name in bad)


def _kept_here(action: AnyAction) -> AnyAction:
    """The action; in place of sending the message on, keeping it."""
    return FileInto(mailbox=action.otherwise) if isinstance(action, Redirect) else action


# Circles


def passed_by(snapshot: Snapshot, section: HeaderSection) -> frozenset[str]:
    """The places that a message has passed, as Delivered-To tells (RFC 9228): accounts, aliases, and addresses at other
    servers. All addresses of an account are one place, whatever is behind a separator.
    """
    texts = (text.decode("utf-8", "replace").strip() for text in section.texts(b"delivered-to"))
    return frozenset(_place(snapshot, text) for text in texts)


def circles(snapshot: Snapshot, case: Case, addresses: Iterable[str]) -> frozenset[str]:
    """The addresses to which the message would go in a circle: it has been there, it has been here before, or they are
    the account's own.
    """
    own = _own(case)
    if not case.passed.isdisjoint(own):
        return frozenset(addresses)
    # Not a set of both: strangers choose how many places there are, and owners how many addresses.
    return frozenset(
        address for address in addresses if (place := _place(snapshot, address)) in case.passed or place in own
    )


def _own(case: Case) -> frozenset[str]:
    """The places at which the message is now."""
    alias = () if case.alias is None else (_of_alias(case.alias.canonical),)
    return frozenset((_of_account(case.account), *alias))


def _place(snapshot: Snapshot, text: str) -> str:
    try:
        found = snapshot.lookup(Address.parse(text))
    except AddressError:
        return text.lower()
    if isinstance(found, AccountRecipient):
        return _of_account(found.account)
    return _of_alias(found.canonical) if isinstance(found, AliasRecipient) else one_spelling(text)


def _of_account(name: str) -> str:
    return f"account {name}"


def _of_alias(canonical: Address) -> str:
    return f"alias {canonical}".lower()
