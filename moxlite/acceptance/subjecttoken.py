"""Who gets through by a token in the subject, and who is told one (SMTP-92, SMTP-95)."""

from __future__ import annotations

import logging
import time
from typing import Final

import msgspec

from moxlite.acceptance import subjectpass
from moxlite.acceptance.cases import Case
from moxlite.acceptance.evidence import SUBJECT_PASS, Fact, Headers, Strength
from moxlite.acceptance.plan import Plan
from moxlite.acceptance.replies import store_reply
from moxlite.mailauth.results import DMARCStatus
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.delivery.reputation import find_subjectpass_key, subjectpass_key
from moxlite.store.errors import StoreError

__all__ = ["may_have_token", "may_pass", "with_offer", "with_token"]

logger = logging.getLogger("moxlite.acceptance.subjecttoken")

GIVE: Final = 0.2
"""How far below the threshold the probability must be for a token (SMTP-95)."""

MAY_PASS: Final = frozenset({"junk-content", "junk-content-strict", "dns-blocklisted"})
"""Refusals after which the author may be told a token."""


def may_have_token(case: Case) -> bool:
    """Whether a token in the subject would change something."""
    settings, history = case.settings, case.history
    if settings is None or settings.subject_pass is None or case.evidence.msg_from is None:
        return False
    return history is not None and not history.conclusive


async def with_token(case: Case, headers: Headers, accounts: Accounts) -> Case:
    """Whether the subject has a token that we gave to this author (SMTP-92)."""
    author, settings = case.evidence.msg_from, case.settings
    assert author is not None
    assert settings is not None
    assert settings.subject_pass is not None
    subject = next((text for name, text in headers or () if name.lower() == "subject"), "")
    if "(pass:" not in subject:
        return case
    address = str(case.recipient.canonical)
    try:
        async with accounts.use(case.account) as account:
            key = await account.read(lambda r: find_subjectpass_key(r, address), op="subjectpass")
    except StoreError as error:
        logger.warning("token in a subject not looked at", extra={"kv": {"account": case.account, "err": error}})
        evidence = case.evidence.but(missing=(SUBJECT_PASS,))
        return msgspec.structs.replace(case, evidence=evidence, fault=store_reply(error))
    if not key or not subjectpass.is_valid(subject, key, author, time.time(), settings.subject_pass.period):
        return case
    fact = Fact(SUBJECT_PASS, "valid", True, Strength.PROOF, "header")
    return msgspec.structs.replace(case, evidence=case.evidence.but(fact))


def may_pass(case: Case, plan: Plan) -> bool:
    """Whether the author is told how to get through: one who is who it says, of whom nothing is known, and whose text
    alone would not be refused by far (SMTP-95).
    """
    checks, history, settings = case.evidence.checks, case.history, case.settings
    if not plan.junk or plan.word not in MAY_PASS or settings is None or settings.subject_pass is None:
        return False
    if checks is None or checks.dmarc.status is not DMARCStatus.PASS or case.evidence.msg_from is None:
        return False
    if history is None or history.method != "none":
        return False
    if plan.word == "dns-blocklisted":
        return True
    junk_filter, probability = settings.junk_filter, case.probability
    return junk_filter is not None and probability is not None and probability < junk_filter.threshold - GIVE


async def with_offer(case: Case, accounts: Accounts) -> Case:
    """A new token for the author; without one the message is refused as junk alone."""
    author = case.evidence.msg_from
    assert author is not None
    address = str(case.recipient.canonical)
    try:
        async with accounts.use(case.account) as account:
            key = await account.write(lambda tx: subjectpass_key(tx, address))
    except StoreError as error:
        logger.warning("no token for a subject", extra={"kv": {"account": case.account, "err": error}})
        return case
    return msgspec.structs.replace(case, token=subjectpass.make(key, author, time.time()))
