"""Checks of tokens in the subject, and offers of new tokens (SMTP-92, SMTP-95)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
import time
from itertools import islice
from typing import Final

import msgspec

from moxlite.acceptance.cases import Case
from moxlite.acceptance.evidence import SUBJECT_PASS, Headers
from moxlite.acceptance.plan import Plan, store_reply
from moxlite.mailauth.results import DMARCStatus
from moxlite.proto.address import Address
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.delivery.reasons import Fact, Strength
from moxlite.store.delivery.reputation import find_subjectpass_key, subjectpass_key
from moxlite.store.errors import StoreError

logger = logging.getLogger("moxlite.acceptance.subjecttoken")

GIVE: Final = 0.2
"""Minimum distance of the probability below the threshold for an offer (SMTP-95)."""

MAY_PASS: Final = frozenset({"junk-content", "junk-content-strict", "dns-blocklisted"})
"""Refusals after which a token may be offered to the author."""


def may_have_token(case: Case) -> bool:
    """Whether a token in the subject would change the decision."""
    settings, history = case.settings, case.history
    if settings is None or settings.subject_pass is None or case.evidence.msg_from is None:
        return False
    return history is not None and not history.conclusive


async def with_token(case: Case, headers: Headers, accounts: Accounts) -> Case:
    """The case with the fact whether the subject has a valid token for this author (SMTP-92)."""
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
    if not key or not is_valid(subject, key, author, time.time(), settings.subject_pass.period):
        return case
    fact = Fact(SUBJECT_PASS, "valid", True, Strength.PROOF, "header")
    return msgspec.structs.replace(case, evidence=case.evidence.but(fact))


def may_pass(case: Case, plan: Plan) -> bool:
    """Whether a token is offered: the author is proven, nothing is known about it, and the text alone is not clearly
    junk (SMTP-95).
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
    """The case with a new token for the author. Without a key it is unchanged, and the message is refused as junk."""
    author = case.evidence.msg_from
    assert author is not None
    address = str(case.recipient.canonical)
    try:
        async with accounts.use(case.account) as account:
            key = await account.write(lambda tx: subjectpass_key(tx, address))
    except StoreError as error:
        logger.warning("no token for a subject", extra={"kv": {"account": case.account, "err": error}})
        return case
    return msgspec.structs.replace(case, token=make(key, author, time.time()))


# Tokens in the subject, which let a suspected sender's next message pass (SMTP-92, SMTP-95).
#
# The refusal contains the token, so only an author whose domain has sent the refused message (DMARC) can have it. It
# is valid for one author at one of our addresses, for a time.
#
#     (pass:AGkgQ1k…)     22 characters of base64url: 16 octets
#      octet 0            version, 0
#      octets 1..3        when it was made, in units of 256 s since 1970: enough until 2106
#      octets 4..15       the beginning of HMAC-SHA256 over octets 0..3 and the author's address


UNIT: Final = 256
"""Seconds per unit of the time in a token: it then fits in three octets."""

MAX_LOOKED_AT: Final = 4
"""Maximum tokens of one subject that are checked: a reply to a reply may contain the earlier token, too."""

_TOKEN: Final = re.compile(r"\(pass:([A-Za-z0-9_-]{22})\)")


def make(key: str, author: Address, now: float) -> str:
    """A token with its parentheses. `key` is that of our address; `now` in seconds UTC."""
    head = (int(now) // UNIT).to_bytes(4, "big")  # the first octet is 0: the version
    octets = head + _proof(key, head, author)
    return f"(pass:{base64.urlsafe_b64encode(octets).decode('ascii').rstrip('=')})"


def is_valid(subject: str, key: str, author: Address, now: float, period: float) -> bool:
    """Whether a subject has a token for this author that is at most `period` seconds old. Header folding may have split
    it.
    """
    text = "".join(subject.split())
    return any(_holds(match[1], key, author, now, period) for match in islice(_TOKEN.finditer(text), MAX_LOOKED_AT))


def _holds(token: str, key: str, author: Address, now: float, period: float) -> bool:
    octets = base64.urlsafe_b64decode(token + "==")
    head = octets[:4]
    if head[0] != 0 or not hmac.compare_digest(octets[4:], _proof(key, head, author)):
        return False
    made = int.from_bytes(head, "big") * UNIT
    return made <= now <= made + UNIT + period


def _proof(key: str, head: bytes, author: Address) -> bytes:
    return hmac.digest(key.encode("ascii"), head + str(author).lower().encode(), hashlib.sha256)[:12]
