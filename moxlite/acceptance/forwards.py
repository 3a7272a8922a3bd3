"""Sending on what an account gets, as actions of its plan: by its `forward_to` (SMTP-159), and to members at other
servers of an alias that it carries (SMTP-166).
"""

from __future__ import annotations

import msgspec

from moxlite.acceptance.cases import Case
from moxlite.acceptance.evidence import DMARC, Strength
from moxlite.acceptance.plan import Plan
from moxlite.acceptance.producers.dmarc import is_forward, is_listed, is_vouched
from moxlite.proto.mime.headers import HeaderSection
from moxlite.store.delivery.actions import AnyAction, FileInto, Mark, Redirect

__all__ = ["delivered_to", "sends_on", "with_forwards"]


def sends_on(case: Case) -> bool:
    """Whether the message may be sent on."""
    return bool(case.settings is not None and case.settings.forward_to and not case.author) or bool(_external(case))


def _external(case: Case) -> tuple[str, ...]:
    """The members of the alias that this account sends to."""
    alias = case.alias
    if alias is None or alias.carrier is None or alias.carrier != case.recipient or not case.may_post:
        return ()
    author = case.evidence.msg_from
    return tuple(str(one) for one in alias.external if alias.alias.deliver_to_sender or one != author)


def with_forwards(case: Case, plan: Plan) -> Plan:
    """The plan with the actions that send the message on: after all others, for they depend on where it is filed.

    Not for bounces, junk, and reports of other servers, not with strong bad evidence, and not for what is filed
    nowhere. A message that has passed this account before, as its Delivered-To tells, is kept (RFC 9228).
    """
    settings = case.settings
    if settings is None or not sends_on(case) or not _is_wanted(case, plan):
        return plan
    own = {str(case.recipient.canonical).lower(), str(case.asked).lower()}
    if not case.passed.isdisjoint(own):
        return plan
    external = _external(case)
    forward_to = () if case.author else settings.forward_to
    targets = [str(one) for one in forward_to if str(one).lower() not in {*own, *map(str.lower, external)}]
    actions: tuple[AnyAction, ...] = plan.actions
    place = next(one.mailbox for one in actions if isinstance(one, FileInto))
    has_script = case.filtered is not None and case.filtered.script != ""
    if case.author or (targets and not settings.keep_copy and not has_script):  # a script says what is kept
        actions = tuple(one for one in actions if not isinstance(one, FileInto))
    sent = tuple(Redirect(to=one, otherwise=place, by_account=True) for one in targets)
    alias = str(case.alias.canonical) if case.alias is not None else ""
    sent += tuple(Redirect(to=one, otherwise=place, by_account=True, alias=alias) for one in external)
    return msgspec.structs.replace(plan, actions=(*actions, *sent))


def _is_wanted(case: Case, plan: Plan) -> bool:
    """Whether the account takes the message as ordinary mail."""
    evidence = case.evidence
    if plan.reply is not None or plan.junk or case.accepted or case.report is not None or case.recipient.reports:
        return False
    if evidence.envelope.sender.is_null or _is_doubtful(case):
        return False
    filed = [one for one in plan.actions if isinstance(one, FileInto)]
    return bool(filed) and all(one.mark is not Mark.REJECT for one in filed)


def _is_doubtful(case: Case) -> bool:
    """Whether strong evidence speaks against the message. A DMARC failure of the owner's lists and forwarders does not,
    nor one that a trusted sealer excuses: From becomes another there (QUEUE-179).
    """
    excused = is_listed(case) or is_forward(case) or is_vouched(case)
    bad = (one.name for one in case.evidence.facts if one.good is False and one.strength >= Strength.STRONG)
    return any(name != DMARC or not excused for name in bad)


def delivered_to(section: HeaderSection) -> frozenset[str]:
    """The addresses of Delivered-To (RFC 9228), in lower case."""
    return frozenset(text.decode("utf-8", "replace").strip().lower() for text in section.texts(b"delivered-to"))
