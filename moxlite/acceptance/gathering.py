"""Gathering evidence: the only part of acceptance that waits."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import islice
from typing import Final

import msgspec
import trio

from moxlite.acceptance.bounces import AskSent, is_stray
from moxlite.acceptance.cases import (
    DKIM_DOMAIN,
    DNSBL,
    EHLO_DOMAIN,
    FROM_READERS,
    HISTORY,
    INDIRECT,
    JUNK,
    MAILFROM_DOMAIN,
    ORIGIN,
    RATE,
    REPORT,
    RULESET,
    STRAY,
    SUBJECT_PASS,
    Case,
    Envelope,
    Evidence,
    FromField,
    Headers,
    facts_of,
    read_from,
)
from moxlite.acceptance.checks import Checks
from moxlite.acceptance.conditions import RuleFacts, content_of
from moxlite.acceptance.forwards import passed_by, with_forwards
from moxlite.acceptance.history import Reputation, Sender, reputation
from moxlite.acceptance.plan import ACCEPTED, Plan, Proposal, merge
from moxlite.acceptance.producers import ORDER
from moxlite.acceptance.producers.judgement import UNSURE, is_forward, is_listed, is_unproven
from moxlite.acceptance.producers.wishes import is_allowed, is_never_junk
from moxlite.acceptance.replies import store_reply
from moxlite.acceptance.reportmail import ReportFound, Unusable
from moxlite.acceptance.rules import first_match, readable_fields
from moxlite.acceptance.sieve.filtering import is_filtered, with_script
from moxlite.config.snapshot import Snapshot
from moxlite.config.static import RateLimits
from moxlite.mailauth.results import DMARCStatus, IPRevStatus
from moxlite.net.limits import is_exempt, unmap
from moxlite.proto import publicsuffix
from moxlite.proto.address import Address, AddressKey, unicode_domain
from moxlite.proto.mime.headers import HeaderSection
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.content.prepare import PreparedMessage
from moxlite.store.content.spoolheader import look_at
from moxlite.store.delivery.reasons import Fact, Strength
from moxlite.store.delivery.reputation import find_subjectpass_key, received_since, subjectpass_key
from moxlite.store.errors import StorageBroken, StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.junk.classify import classify
from moxlite.store.junk.score import Judgement
from moxlite.store.mail.facts import ip_classes
from moxlite.store.options import DAY
from moxlite.store.reports.received import Kind as ReportKind

logger = logging.getLogger("moxlite.acceptance.gathering")

HEADER_ON_LOOP: Final = 8 << 10
"""Maximum octets of a header section that is decoded on the loop: 100 fields, in a millisecond (STORE-7)."""


SHIFT: Final = 0.05
"""Maximum difference between one message's threshold and the filter's: a sender must not find the threshold by
trial.
"""

_secret: Final = secrets.token_bytes(16)
"""The shift is derived from it and the message, so that a retry has the same one."""


class Message:
    """The octets of a message as evidence. Results are kept for the next recipient."""

    def __init__(self, prepared: PreparedMessage, section: HeaderSection) -> None:
        """`section` is the header section as received; from here on it is read by the charset of the texts."""
        section.hint = prepared.index.root.hint
        self.prepared = prepared
        self.section = section
        self._headers: Headers = None
        self._read = False
        self._passed: frozenset[str] | None = None
        self._authors: FromField | None = None

    async def authors(self) -> FromField:
        """The authors, by our own reading of the From field and by all others."""
        if self._authors is None:
            self._authors = await look_at(self.section, partial(read_from, shown=self.prepared.index.envelope.from_))
        return self._authors

    async def headers(self) -> Headers:
        """The header fields in the form for rules."""
        if not self._read:
            if len(self.section.octets) <= HEADER_ON_LOOP:
                self._headers = readable_fields(self.section)
            else:
                self._headers = await trio.to_thread.run_sync(readable_fields, self.section)
            self._read = True
        return self._headers

    async def passed(self, snapshot: Snapshot) -> frozenset[str]:
        """The places that the message has passed (`forwards.passed_by`).

        Looked up once for all recipients, and in a thread where the header is long: 10,000 Delivered-To fields, which a
        stranger may write, take 0.15 s.
        """
        if self._passed is None:
            self._passed = await look_at(self.section, partial(passed_by, snapshot))
        return self._passed


async def evidence_of(envelope: Envelope, message: Message, checks: Checks | None = None) -> Evidence:
    """The evidence for all recipients of a message: its envelope, its header, and the checks of its sender."""
    named = await message.authors()
    author, from_fields = named.author, message.section.count(b"from")
    if checks is not None and named.doubtful:
        # The domain is proven for one of the addresses, and readers may show another one.
        checks = msgspec.structs.replace(checks, from_validation="none")
    facts = []
    if envelope.trusted:
        facts.append(Fact(ORIGIN, "own queue", True, Strength.PROOF, "connection"))
    if author is not None:
        facts.append(Fact("from", str(author), None, Strength.HINT, "header"))
    if named.doubtful:
        facts.append(Fact(FROM_READERS, "differ", False, Strength.WEAK, "header"))
    if from_fields != 1:
        facts.append(Fact("from-fields", str(from_fields), False, Strength.WEAK, "header"))
    if checks is not None:
        facts += facts_of(checks)
    return Evidence(
        envelope=envelope,
        msg_from=author,
        from_fields=from_fields,
        facts=tuple(facts),
        checks=checks,
        authors=named.authors,
        doubtful=named.doubtful,
    )


class Decision(msgspec.Struct, frozen=True):
    """A case with all evidence, the proposals for it, and the plan."""

    case: Case
    proposals: tuple[Proposal, ...]
    plan: Plan


async def decide(
    case: Case,
    message: Message,
    accounts: Accounts,
    snapshot: Snapshot,
    whole: Callable[[Case], PreparedMessage] | None = None,
    lists: Callable[[], Awaitable[str]] | None = None,
    reports: Callable[[ReportKind], Awaitable[ReportFound]] | None = None,
    limits: RateLimits | None = None,
    sent: AskSent | None = None,
) -> Decision:
    """Gather the evidence that the case needs, and plan.

    Args:
      whole: the message as the junk filter reads it, with its trace fields.
      lists: returns the block list with the client's address, or ""; called if nothing else is against the message.
      reports: returns the report in the message; called if it came to a report address; raises Unusable.
      limits: limits for each network.
      sent: asks the queue whether it has sent a returned message.
    """
    made = (lambda _: message.prepared) if whole is None else whole
    # From cheap to dear, and each step only if the ones before have not decided: history is a read or two, the junk
    # filter reads the whole text, a block list asks DNS, and a script runs only on mail that is kept.
    case = msgspec.structs.replace(await _with_rule(case, message), passed=await message.passed(snapshot))
    if case.evidence.checks is not None and not case.simulated:
        case = await _with_past(case, message, accounts, limits)
        case = await _with_bounce(case, message, accounts, sent)
        if reports is not None and case.recipient.reports is not None and not case.evidence.fact(RATE):
            case = await _with_report(case, partial(reports, "dmarc" if case.recipient.reports == "dmarc" else "tls"))
    if may_have_token(case):
        case = await with_token(case, await message.headers(), accounts)
    if _needs_judgement(case):
        case = await _with_judgement(case, message, accounts, partial(_classify, accounts, case.account, made(case)))
    decided = _decided(case)
    if (
        lists is not None
        and decided.plan.word == ACCEPTED
        and case.evidence.checks is not None
        and not is_forward(case)
    ):
        zone = await lists()
        if zone:
            fact = Fact(DNSBL, zone, False, Strength.STRONG, f"dns {zone}")
            decided = _decided(msgspec.structs.replace(case, evidence=case.evidence.but(fact)))
    if may_pass(decided.case, decided.plan):
        decided = _decided(await with_offer(decided.case, accounts))
    if is_filtered(decided.case, decided.plan):
        octets = partial(made, decided.case)
        case = await with_script(decided.case, decided.plan, octets, message.section, accounts, snapshot)
        decided = decided if case.filtered is None else _decided(case)
    return msgspec.structs.replace(decided, plan=with_forwards(snapshot, decided.case, decided.plan))


def _decided(case: Case) -> Decision:
    proposals = tuple(proposal for producer in ORDER for proposal in producer(case))
    return Decision(case, proposals, merge(case, proposals))


def _needs_judgement(case: Case) -> bool:
    """Whether the content is judged: if history is not sure of the sender, or a ruleset accepts junk."""
    evidence = case.evidence
    if evidence.envelope.trusted or is_listed(case) or case.report is not None or evidence.fact(STRAY):
        return False
    if evidence.fact(RATE) or evidence.fact(SUBJECT_PASS) or is_allowed(case) or is_never_junk(case):
        return False
    if case.history is not None:
        return not case.history.conclusive
    return case.rule is not None and case.rule.accept_rejects_to_mailbox is not None


async def _with_report(case: Case, read: Callable[[], Awaitable[ReportFound]]) -> Case:
    """The case with the report that the message contains (SMTP-86)."""
    try:
        found = await read()
    except Unusable as error:
        fact = Fact(REPORT, f"unusable: {error}", None, Strength.HINT, "message")
        return msgspec.structs.replace(case, report_problem=str(error), evidence=case.evidence.but(fact))
    fact = Fact(REPORT, found.about, True, Strength.STRONG, "message")
    return msgspec.structs.replace(case, report=found, evidence=case.evidence.but(fact))


async def _with_rule(case: Case, message: Message) -> Case:
    """The case with the first ruleset of the destination whose conditions all hold (SMTP-82, STORE-64)."""
    rules = case.recipient.destination.rulesets
    if not rules:
        return case
    evidence = case.evidence
    facts = RuleFacts(
        mail_from=evidence.envelope.sender.pack(True),
        msg_from=None if evidence.msg_from is None else evidence.msg_from.pack(True),
        verified_domains=evidence.verified_domains,
        headers=await message.headers(),
        content=content_of(message.prepared),
    )
    index = await first_match(rules, facts)
    if index is None:
        return case
    fact = Fact(RULESET, str(index + 1), None, Strength.PROOF, f"destination {case.recipient.configured}")
    return msgspec.structs.replace(case, rule=rules[index], evidence=evidence.but(fact))


async def _with_past(case: Case, message: Message, accounts: Accounts, limits: RateLimits | None) -> Case:
    """The case with the volume of recent mail from this network (SMTP-81), and the sender's reputation by the account's
    earlier mail (SMTP-88).
    """
    sender = None if is_listed(case) else _sender(case, message)
    if not publicsuffix.loaded():
        await trio.to_thread.run_sync(publicsuffix.load)
    now = time.time_ns() // 1000
    remote = unmap(case.evidence.envelope.remote)
    networks = ip_classes(str(remote))
    limited = limits if limits is not None and not is_exempt(remote, limits.exempt) else None

    def read(r: Reader) -> tuple[str, Reputation | None]:
        size = message.prepared.size
        reached = exceeded(r, networks, size, limited, now) if limited is not None else ""
        return reached, None if reached or sender is None else reputation(r, sender, case.destined, now)

    try:
        async with accounts.use(case.account) as account:
            reached, found = await account.read(read, op="history")
    except StoreError as error:
        logger.warning("sender classification failed", extra={"kv": {"account": case.account, "err": error}})
        evidence = case.evidence.but(missing=(HISTORY,))
        return msgspec.structs.replace(case, evidence=evidence, fault=store_reply(error))
    facts = [] if found is None else _history_facts(case, found)
    if reached:
        facts.append(Fact(RATE, reached, False, Strength.WEAK, f"mail of {case.account}"))
    return msgspec.structs.replace(case, history=found, evidence=case.evidence.but(*facts))


def _history_facts(case: Case, found: Reputation) -> list[Fact]:
    said = {True: "junk", False: "wanted", None: "neither"}[found.junk]
    strength = Strength.STRONG if found.conclusive else Strength.WEAK
    good = None if found.junk is None else not found.junk
    source = f"mail of {case.account}"
    facts = [Fact(HISTORY, f"{said} by {found.method}", good, strength, source)]
    if found.indirect:
        facts.append(Fact(INDIRECT, found.indirect, None, Strength.WEAK, source))
    return facts


def _sender(case: Case, message: Message) -> Sender:
    """The sender to look up in history. For a forwarded message, the forwarder's own name and network are left out
    (SMTP-84).
    """
    evidence = case.evidence
    checks, author = evidence.checks, evidence.trusted_author
    assert checks is not None
    passed_on = checks.vouched.signers if checks.vouched is not None else ()
    signers = tuple(dict.fromkeys(unicode_domain(domain) for domain in (*checks.signers, *passed_on)))
    is_list = message.section.count(b"list-id") + message.section.count(b"list-post") > 0
    sender = Sender(
        localpart=author.localpart if author is not None else "",
        domain=author.domain.unicode if author is not None else "",
        validated=not is_unproven(case),
        signers=signers,
        is_list=is_list,
    )
    if case.rule is not None and is_forward(case) and case.rule.verified_domain is not None:
        forwarder = case.rule.verified_domain.unicode
        return msgspec.structs.replace(sender, signers=tuple(signer for signer in signers if signer != forwarder))
    mail_from = ("", "")
    if checks.mail_from_verified:
        mail_from = (evidence.envelope.sender.localpart, unicode_domain(checks.mail_from_verified))
    return msgspec.structs.replace(
        sender,
        mail_from=mail_from,
        ehlo=unicode_domain(checks.ehlo_verified) if checks.ehlo_verified else "",
        networks=ip_classes(str(unmap(evidence.envelope.remote))),
    )


async def _classify(accounts: Accounts, name: str, prepared: PreparedMessage) -> Judgement | None:
    async with accounts.use(name) as account:
        return await classify(account, prepared)


def _strict(case: Case, message: Message) -> bool:
    """Whether the message arrives in a way that is rare for wanted mail (SMTP-93)."""
    evidence, checks = case.evidence, case.evidence.checks
    if checks is None:
        return False
    if checks.iprev.status in {IPRevStatus.FAIL, IPRevStatus.PERMERROR}:
        return True
    if evidence.envelope.lax or not evidence.envelope.tls:
        return True
    if evidence.trusted_author is None:
        return True
    wanted = {case.recipient.canonical.key, *map(AddressKey.parse, (str(case.asked), *case.via))}
    named = {recipient.key for recipient in message.prepared.recipients}
    return not is_forward(case) and wanted.isdisjoint(named)


async def _with_bounce(case: Case, message: Message, accounts: Accounts, sent: AskSent | None) -> Case:
    """The case with the fact whether the message is a stray bounce (SMTP-110). It is not looked up if the owner has a
    rule for the mail, or allows its sender.
    """
    if not message.prepared.thread.dsn or case.rule is not None or is_allowed(case):
        return case
    try:
        async with accounts.use(case.account) as account:
            stray = await is_stray(
                account,
                message.prepared,
                sent,
                asked=str(case.asked),
                alias=case.alias is not None,
                domains=case.evidence.values(EHLO_DOMAIN, MAILFROM_DOMAIN, DKIM_DOMAIN),
                now=time.time_ns() // 1000,
            )
    except StoreError as error:
        logger.warning("bounce check failed", extra={"kv": {"account": case.account, "err": error}})
        return case
    if not stray:
        return case
    fact = Fact(
        STRAY, "no match for message, recipient, or forwarder", False, Strength.STRONG, f"mail of {case.account}"
    )
    return msgspec.structs.replace(case, evidence=case.evidence.but(fact))


async def _with_judgement(
    case: Case, message: Message, accounts: Accounts, judge: Callable[[], Awaitable[Judgement | None]]
) -> Case:
    """The case with the result of the account's junk filter, unchanged without a filter. If the evidence doesn't
    suffice, the fact says what is missing, and nothing follows from it (SMTP-93).
    """
    settings = case.settings
    if settings is None or settings.junk_filter is None:
        return case
    source = f"junk filter of {case.account}"
    try:
        judgement = await judge()
    except StorageBroken as error:
        # The sender can't wait for a repair. If more than the filter is damaged, the message isn't stored anyway.
        logger.error("junk filter can't be read", extra={"kv": {"account": case.account, "err": error}})
        fact = Fact(JUNK, "can't be read", None, Strength.HINT, source)
        return msgspec.structs.replace(case, evidence=case.evidence.but(fact))
    except StoreError as error:
        logger.warning("message classification failed", extra={"kv": {"account": case.account, "err": error}})
        evidence = case.evidence.but(missing=(JUNK,))
        return msgspec.structs.replace(case, evidence=evidence, fault=store_reply(error))
    if judgement is None:
        return case
    if judgement.lacks:
        text = f"doesn't know yet, has {', '.join(map(str, judgement.lacks))}"
        fact = Fact(JUNK, text, None, Strength.HINT, source)
        return msgspec.structs.replace(case, evidence=case.evidence.but(fact))
    text, good = _judged(judgement, _strict(case, message), settings.junk_filter.file_unsure, message.prepared.digest)
    fact = Fact(JUNK, text, good, Strength.STRONG, source)
    return msgspec.structs.replace(case, evidence=case.evidence.but(fact), probability=judgement.probability)


def _judged(judgement: Judgement, strict: bool, file_unsure: bool, digest: bytes) -> tuple[str, bool]:
    """The words of the fact about a judgement, and whether it is for the message."""
    bounds, probability = judgement.bounds, judgement.probability
    certain = _shifted(bounds.certain, digest)
    if file_unsure and judgement.refusable and probability > certain:
        return f"{probability:.4f} of {certain:.2f}", False
    threshold = _shifted(bounds.junk, digest)
    strict = strict and probability <= threshold  # which decides only then
    if strict:
        threshold = min(threshold, bounds.strict)
    if file_unsure and probability <= threshold and judgement.opening > bounds.opening:
        return f"{judgement.opening:.4f} of {bounds.opening:.2f} by its beginning{UNSURE}", False
    good = probability <= threshold
    text = f"{probability:.4f} of {threshold:.2f}{' strict' if strict else ''}"
    return text if good or not file_unsure else text + UNSURE, good


def _shifted(threshold: float, digest: bytes) -> float:
    """The threshold for one message, never so high that no message would be junk."""
    drawn = int.from_bytes(hashlib.blake2b(digest, key=_secret, digest_size=4).digest(), "big") / (1 << 32)
    return threshold + min(SHIFT, (1 - threshold) / 2) * (2 * drawn - 1)


# How much may come to one account from one network (SMTP-81, SMTP-137, SMTP-137a).
#
# Stored messages of the account are counted, so the counts survive restarts. Messages that are not stored do not
# count.


MINUTE: Final = 60_000_000
"""Microseconds of a minute."""

MIB: Final = 1 << 20
"""Octets of the unit in which the limits are configured."""


def exceeded(r: Reader, networks: tuple[str, str, str], size: int, limits: RateLimits, now: int) -> str:
    """The limit that one more message of `size` octets would exceed, or "". `networks` are ip1, ip2 and ip3; `now` is
    in µs UTC. For `account.read`.
    """
    windows = (
        ("minute", MINUTE, limits.messages_per_minute, limits.mebibytes_per_minute),
        ("day", DAY, limits.messages_per_day, limits.mebibytes_per_day),
    )
    for word, age, most, mebibytes in windows:
        found = received_since(r, networks, since=now - age, now=now)
        for network, past, number, room in zip(networks, found, most, mebibytes, strict=True):
            if past.count + 1 > number:
                return f"{past.count} messages in a {word} from {network}"
            if past.octets + size > room * MIB:
                return f"{past.octets} octets in a {word} from {network}"
    return ""


# Checks of tokens in the subject, and offers of new tokens (SMTP-92, SMTP-95).

token_logger = logging.getLogger("moxlite.acceptance.gathering")

MAY_PASS: Final = frozenset({"junk-content-strict", "dns-blocklisted"})
"""Refusals after which a token may be offered to the author: not if the text is junk however it arrives (SMTP-95)."""


def may_have_token(case: Case) -> bool:
    """Whether a token in the subject would change the decision."""
    settings, history = case.settings, case.history
    if settings is None or settings.subject_pass is None or case.evidence.trusted_author is None:
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
        token_logger.warning("subject token check failed", extra={"kv": {"account": case.account, "err": error}})
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
    if checks is None or checks.dmarc.status is not DMARCStatus.PASS or case.evidence.trusted_author is None:
        return False
    return history is not None and history.method == "none"


async def with_offer(case: Case, accounts: Accounts) -> Case:
    """The case with a new token for the author. Without a key it is unchanged, and the message is refused as junk."""
    author = case.evidence.msg_from
    assert author is not None
    address = str(case.recipient.canonical)
    try:
        async with accounts.use(case.account) as account:
            key = await account.write(lambda tx: subjectpass_key(tx, address))
    except StoreError as error:
        token_logger.warning("subject token creation failed", extra={"kv": {"account": case.account, "err": error}})
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
