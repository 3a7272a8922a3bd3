"""Recipients become cases: one for each address of an account that a message leads to (SMTP-72, SMTP-73,
SMTP-104..106).

Own addresses come before aliases, so that an account that has both gets the message as addressed. Of the cases of one
account the first one whose plan accepts counts, and the account gets the message once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Final, TypeAlias

import msgspec

from moxlite.acceptance.checks import MAX_FROM, Checks
from moxlite.acceptance.history import Reputation
from moxlite.acceptance.reportmail import ReportFound
from moxlite.config.domains import Account, Ruleset
from moxlite.config.snapshot import AccountRecipient, AliasRecipient, Recipient, Snapshot, may_post_to
from moxlite.mailauth.results import ARCStatus, DMARCStatus, IPRevStatus, SPFStatus
from moxlite.proto.address import Address, AddressError, AddressKey, Domain, Path, unicode_domain
from moxlite.proto.mime.authors import authors
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.types import MailAddress
from moxlite.proto.sieve.outcome import Action, FileAction, RedirectAction
from moxlite.proto.smtp.replies import Response
from moxlite.store.delivery.actions import FileInto
from moxlite.store.delivery.reasons import Fact, Strength
from moxlite.store.forms import VacationForm
from moxlite.store.names import is_creatable
from moxlite.store.types import Mailbox

# Evidence about a message before the decision: facts with their strength and source (SMTP-76, SMTP-82).


IPAddress: TypeAlias = IPv4Address | IPv6Address

Headers: TypeAlias = tuple[tuple[str, str], ...] | None
"""Names and decoded texts of header fields; None when they cannot be parsed."""

ORIGIN: Final = "origin"
"""Fact: the message comes from the server's own queue."""
EHLO_DOMAIN: Final = "ehlo-domain"
MAILFROM_DOMAIN: Final = "mailfrom-domain"
DKIM_DOMAIN: Final = "dkim-domain"
"""Facts: a verified domain (Unicode, lower case) of EHLO, of MAIL FROM, or of a DKIM signature."""
IPREV: Final = "iprev"
FROM_READERS: Final = "from-readers"
"""Fact: mail readers differ in whom the From field names (SMTP-76)."""
SPF: Final = "spf"
DMARC: Final = "dmarc"
ARC: Final = "arc"
"""Facts: the results of these checks, in the terms of RFC 8601."""
FROM_VALIDATION: Final = "from-validation"
"""Fact: the validation of the From domain (SMTP-77)."""
RULESET: Final = "ruleset"
"""Fact: the number, from 1, of the ruleset of the destination that matches."""
HISTORY: Final = "history"
"""Fact: the sender's reputation by earlier mail, and the method that found it (SMTP-88)."""
INDIRECT: Final = "indirect"
"""Fact: a sign of a mailing list or forwarder between the author and this server (SMTP-85)."""
DNSBL: Final = "dnsbl"
"""Fact: a block list with the client's address (SMTP-94)."""
REPORT: Final = "report"
"""Fact: the DMARC or TLS report in the message, or the reason why it cannot be used (SMTP-86)."""
STRAY: Final = "stray-bounce"
"""Fact: the message is a notification about a message that this server never sent (SMTP-110)."""
RATE: Final = "rate"
"""Fact: the limit that the client's network has reached at the account (SMTP-137)."""
SUBJECT_PASS: Final = "subjectpass"  # noqa: S105  # the name of a fact
"""Fact: the subject has a token that was given to the author (SMTP-92)."""
JUNK: Final = "junk"
"""Fact: the probability of junk by the account's filter. If it doesn't know, `good` is None: what it lacks."""


MAX_AUTHORS: Final = 100
"""Addresses of a From field that are compared with those that an owner blocks."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """The SMTP envelope of a message.

    Attributes:
      remote: the client. hello: what it called itself, None if that was no domain name.
      sender: the reverse path.
      trusted: it comes from our own queue. tls: it came over TLS. lax: with spaces before paths (SMTP-66).
    """

    remote: IPAddress
    hello: Domain | None
    sender: Path
    trusted: bool = False
    tls: bool = True
    lax: bool = False


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """All facts about a message, for all recipients or for one account.

    Attributes:
      msg_from: the address of the From field, None if there is not exactly one. from_fields: how many From fields.
      authors: all addresses in From that a mail reader takes for an author.
      doubtful: mail readers differ in whom they show as the author, so nothing is trusted for being from `msg_from`.
      missing: names of facts that had no answer in time. A fact that would have decided causes a temporary refusal.
      checks: results of the checks of the sender; None for mail of the own queue, which is not checked.
    """

    envelope: Envelope
    msg_from: Address | None
    from_fields: int
    facts: tuple[Fact, ...] = ()
    missing: tuple[str, ...] = ()
    checks: Checks | None = None
    authors: tuple[Address, ...] = ()
    doubtful: bool = False

    def fact(self, name: str) -> Fact | None:
        """The first fact of that name."""
        return next((fact for fact in self.facts if fact.name == name), None)

    def values(self, *names: str) -> tuple[str, ...]:
        """The values of all good facts of these names, each once."""
        return tuple(dict.fromkeys(fact.value for fact in self.facts if fact.name in names and fact.good))

    def but(self, *facts: Fact, missing: tuple[str, ...] = ()) -> Evidence:
        """The same evidence with more facts."""
        return msgspec.structs.replace(self, facts=self.facts + facts, missing=self.missing + missing)

    @property
    def trusted_author(self) -> Address | None:
        """The address of the From field, None if mail readers differ in it."""
        return None if self.doubtful else self.msg_from

    @property
    def verified_domains(self) -> tuple[str, ...]:
        """Domains of a verified EHLO, MAIL FROM or DKIM signature, Unicode and lower case."""
        return self.values(EHLO_DOMAIN, MAILFROM_DOMAIN, DKIM_DOMAIN)

    @property
    def suspicious(self) -> bool:
        """Whether strong evidence speaks against the message."""
        return any(fact.good is False and fact.strength >= Strength.STRONG for fact in self.facts)


def facts_of(checks: Checks) -> tuple[Fact, ...]:
    """The facts for and against a message that the checks of the sender found."""
    facts = [_iprev(checks), _spf(checks)]
    for name, domain in ((EHLO_DOMAIN, checks.ehlo_verified), (MAILFROM_DOMAIN, checks.mail_from_verified)):
        if domain:
            facts.append(Fact(name, unicode_domain(domain), True, Strength.PROOF, f"spf of {domain}"))
    facts += [
        Fact(DKIM_DOMAIN, unicode_domain(domain), True, Strength.PROOF, "dkim signature") for domain in checks.signers
    ]
    if checks.arc.status is not ARCStatus.NONE:
        facts.append(_arc(checks))
    if checks.dmarc.domain:
        facts.append(_dmarc(checks))
        validated = checks.from_validation != "none"
        facts.append(
            Fact(FROM_VALIDATION, checks.from_validation, True if validated else None, Strength.STRONG, "spf and dkim")
        )
    return tuple(facts)


def _iprev(checks: Checks) -> Fact:
    result = checks.iprev
    good = {IPRevStatus.PASS: True, IPRevStatus.TEMPERROR: None}.get(result.status, False)
    return Fact(IPREV, f"{result.status} {result.name}".strip(), good, Strength.WEAK, "reverse dns")


def _spf(checks: Checks) -> Fact:
    result = checks.spf
    good = {SPFStatus.PASS: True, SPFStatus.FAIL: False, SPFStatus.SOFTFAIL: False}.get(result.status)
    return Fact(SPF, f"{result.status} {result.domain}".strip(), good, Strength.WEAK, f"spf of {result.identity}")


def _dmarc(checks: Checks) -> Fact:
    result = checks.dmarc
    text = result.status.value if not result.record_domain else f"{result.status} policy {result.policy}"
    good = {DMARCStatus.PASS: True, DMARCStatus.FAIL: False}.get(result.status)
    strength = Strength.STRONG if good or result.policy != "none" else Strength.WEAK
    return Fact(DMARC, text, good, strength, f"dns _dmarc.{result.record_domain or result.domain}")


def _arc(checks: Checks) -> Fact:
    """The fact of an ARC chain. It counts only if its sealer is trusted: any stranger can seal."""
    result, vouched = checks.arc, checks.vouched
    if vouched is None:
        return Fact(ARC, f"{result.status} {' '.join(result.sealers)}".strip(), None, Strength.HINT, "seals")
    text = f"pass, {'author verified' if vouched.proven else 'author not verified'}"
    return Fact(ARC, text, vouched.proven or None, Strength.STRONG, f"seal of {vouched.sealer}")


def from_address(addresses: tuple[MailAddress, ...]) -> Address | None:
    """The address of a From field that holds exactly one (SMTP-76)."""
    if len(addresses) != 1 or not addresses[0].domain:
        return None
    try:
        return Address.of(addresses[0].localpart, addresses[0].domain)
    except AddressError:
        return None


class FromField(msgspec.Struct, frozen=True):
    """The authors of a message: `msg_from`, `authors` and `doubtful` of `Evidence`."""

    author: Address | None
    authors: tuple[Address, ...]
    doubtful: bool


def read_from(section: HeaderSection, shown: tuple[MailAddress, ...]) -> FromField:
    """The authors of a message whose From field has the addresses `shown` for our own readers (SMTP-76)."""
    named = authors(b", ".join(section.texts(b"from"))[:MAX_FROM])
    ours = _addresses(shown)
    others = [address for key, address in _addresses(named.addresses).items() if key not in ours]
    # A domain without a dot belongs to no stranger: "Scanner @ 2nd floor <scanner@x.example>".
    names = [key for key, address in _addresses(named.names).items() if key not in ours and "." in address.domain.ascii]
    author = None if others else from_address(shown)
    return FromField(author, (*ours.values(), *others)[:MAX_AUTHORS], bool(others or names))


def _addresses(written: Iterable[MailAddress]) -> dict[AddressKey, Address]:
    """The addresses, by what makes them different, without other texts."""
    found = (from_address((address,)) for address in written)
    return {address.key: address for address in found if address is not None}


class ScriptFolders(msgspec.Struct, frozen=True):
    """Mailboxes of an account by name, as far as filing depends on them.

    own: the user's mailboxes. system: the server's mailboxes, in which nothing can be filed.
    """

    own: frozenset[str] = frozenset()
    system: frozenset[str] = frozenset()

    @classmethod
    def of(cls, boxes: Sequence[Mailbox]) -> ScriptFolders:
        """The names of an account's mailboxes."""
        return cls(
            frozenset(box.name for box in boxes if not box.system), frozenset(box.name for box in boxes if box.system)
        )

    def accept(self, action: FileAction) -> bool:
        """Whether the action's mailbox exists, or can be created for it."""
        return action.mailbox in self.own or (action.create and is_creatable(action.mailbox, self.system))


class ScriptDecision(msgspec.Struct, frozen=True, kw_only=True):
    """Decision of the account's Sieve script, and its vacation form (SMTP-160, SMTP-161).

    Attributes:
      kept: what is done without the script: filing into the mailbox of the destination or ruleset.
      script: the name of the script, or of the included one that failed; "" without an active script. actions: its
        decision. tracked: keys for `duplicate`, each with seconds.
      error: at run time, in `line`; "" without one.
      folders: the account's mailboxes.
      form: the vacation form, if it applies now. automatic: why the header forbids an answer, or "".
      named: addresses of To, Cc and Bcc, in lower case. own: the account's addresses among
        them.
      circles: the addresses of `redirects` to which the message would go in a circle.
    """

    kept: tuple[FileInto, ...]
    script: str = ""
    actions: tuple[Action, ...] = ()
    tracked: tuple[tuple[bytes, int], ...] = ()
    error: str = ""
    line: int = 0
    folders: ScriptFolders = ScriptFolders()
    form: VacationForm | None = None
    automatic: str = ""
    named: frozenset[AddressKey] = frozenset()
    own: tuple[Address, ...] = ()
    circles: frozenset[str] = frozenset()

    @property
    def redirects(self) -> tuple[str, ...]:
        """The addresses to which the script sends the message on."""
        return tuple(action.address for action in self.actions if isinstance(action, RedirectAction))

    @property
    def kept_in(self) -> str:
        """The mailbox in which the message is kept."""
        return self.kept[0].mailbox if self.kept else "Inbox"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A message on its way to one address of an account.

    Attributes:
      evidence: facts about the message, and those gathered for this account.
      asked: the address that the client wrote, in its spelling. recipient: the account's address behind it.
      indexes: indexes of the client's recipients that lead here, from 0; `asked` belongs to the first one.
      settings: of the account; None when the configuration has lost it.
      rule: the ruleset of the destination that matches.
      history: the sender's reputation by earlier mail; None if it was not looked up.
      probability: probability of junk by the filter; None if it was not asked, or doesn't know.
      token: the author may use it in the subject of another try (SMTP-95); "" for none.
      alias: the alias that was written to. may_post: whether the author may write to it.
      fault: the reply that explains missing evidence.
      simulated: this is localserve, where the address may ask for a failure (SMTP-132).
      accepted: the client has got a 250 before, so that nothing can be refused any more.
      filtered: the decision of the account's script; None if it has none, or was not run.
      alone: this is the message's only recipient, so that a refusal is told in the session.
      passed: the places that the message has passed, as its Delivered-To tells (`forwards.passed_by`).
      author: the author is the owner of the account, who gets no copy: the message is only sent on (SMTP-166).
      report: the DMARC or TLS report in the message, where it came to an address for reports and can be used.
      report_problem: why it cannot be used, "" where it can or is not looked for.
    """

    evidence: Evidence
    asked: Path
    recipient: AccountRecipient
    indexes: tuple[int, ...] = (0,)
    settings: Account | None = None
    rule: Ruleset | None = None
    history: Reputation | None = None
    probability: float | None = None
    token: str = ""
    alias: AliasRecipient | None = None
    may_post: bool = True
    fault: Response | None = None
    simulated: bool = False
    accepted: bool = False
    filtered: ScriptDecision | None = None
    alone: bool = False
    passed: frozenset[str] = frozenset()
    author: bool = False
    report: ReportFound | None = None
    report_problem: str = ""

    @property
    def account(self) -> str:
        """Name of the account."""
        return self.recipient.account

    @property
    def destined(self) -> str:
        """The mailbox for this mail, as long as nothing speaks against it."""
        chosen = None if self.rule is None else self.rule.mailbox
        return chosen or self.recipient.destination.mailbox

    @property
    def answers_from(self) -> Address:
        """The address of an answer by the account: the recipient. Of mail to an alias, the own address that the message
        names, for the sender isn't told who is behind the alias.
        """
        named = self.filtered.own if self.alias is not None and self.filtered is not None else ()
        return named[0] if named else self.recipient.canonical

    @property
    def via(self) -> tuple[str, ...]:
        """The aliases that led here."""
        return () if self.alias is None else (str(self.alias.canonical),)


def expand(
    snapshot: Snapshot, evidence: Evidence, recipients: Sequence[tuple[Path, Recipient]], *, simulated: bool = False
) -> list[Case]:
    """The cases of a message; unknown recipients have none.

    Args:
      recipients: the addresses as the client wrote them, and the recipients behind them.
    """
    cases: list[Case] = []
    for indexes in _alike(recipients, simulated=simulated):
        asked, found = recipients[indexes[0]]
        alias = found if isinstance(found, AliasRecipient) else None
        may_post = alias is None or may_post_to(snapshot, evidence.msg_from, alias)
        cases += [
            Case(
                evidence=evidence,
                asked=asked,
                recipient=recipient,
                indexes=indexes,
                settings=snapshot.account(recipient.account),
                alias=alias,
                may_post=may_post,
                simulated=simulated and not snapshot.names(asked),
                author=author,
            )
            for recipient, author in _members(snapshot, evidence, found)
        ]
    if len(cases) == 1 and len(recipients) == 1:
        cases = [msgspec.structs.replace(cases[0], alone=True)]
    return cases


def _alike(recipients: Sequence[tuple[Path, Recipient]], *, simulated: bool) -> list[tuple[int, ...]]:
    """Groups of indexes of recipients that lead to the same destination or alias, own addresses first: a client may
    name one a thousand times. In localserve recipients with different localparts are kept apart.
    """
    groups: dict[tuple[object, ...], list[int]] = {}
    for index, (asked, found) in enumerate(recipients):
        localpart = asked.localpart if simulated else ""
        if isinstance(found, AccountRecipient):
            groups.setdefault((0, found.account, found.configured, localpart), []).append(index)
        elif isinstance(found, AliasRecipient):
            groups.setdefault((1, str(found.canonical), "", localpart), []).append(index)
    return [tuple(group) for key, group in sorted(groups.items(), key=lambda item: item[0][0] == 1)]


def _members(snapshot: Snapshot, evidence: Evidence, recipient: Recipient) -> Iterator[tuple[AccountRecipient, bool]]:
    """The accounts' addresses behind a recipient, except the author's own (SMTP-105), unless that account sends to
    members at other servers: then with True.
    """
    if isinstance(recipient, AccountRecipient):
        yield recipient, False
    elif isinstance(recipient, AliasRecipient):
        author = None if evidence.msg_from is None else snapshot.owner(evidence.msg_from)
        sending = None if author is None else author.account
        for member in recipient.members:
            if recipient.alias.deliver_to_sender or member.account != sending:
                yield member, False
            elif member == recipient.carrier:
                yield member, True
