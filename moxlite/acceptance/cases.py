"""Recipients become cases: one for each address of an account that a message leads to (SMTP-72, SMTP-73,
SMTP-104..106).

Own addresses come before aliases, so that an account that has both gets the message as addressed. Of the cases of one
account the first one whose plan accepts counts, and the account gets the message once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from moxlite.acceptance.evidence import Evidence
from moxlite.acceptance.history import Reputation
from moxlite.acceptance.reportmail import ReportFound
from moxlite.config.domains import Account, Ruleset
from moxlite.config.snapshot import AccountRecipient, AliasRecipient, Recipient, Snapshot
from moxlite.proto.address import Path
from moxlite.proto.sieve.outcome import Action, RedirectAction
from moxlite.proto.smtp.replies import Response
from moxlite.store.delivery.actions import FileInto
from moxlite.store.delivery.vacation import VacationForm


class Filtered(msgspec.Struct, frozen=True, kw_only=True):
    """Decision of the account's Sieve script, and its vacation form (SMTP-160, SMTP-161).

    Attributes:
      kept: what is done without the script: filing into the mailbox of the destination or ruleset.
      script: the name of the script, or of the included one that failed; "" without an active script. actions: its
        decision. tracked: keys for `duplicate`, each with seconds.
      error: at run time, in `line`; "" without one.
      names: the mailboxes of the account.
      form: the vacation form, if it applies now. automatic: why the header forbids an answer, or "".
      named: addresses of To, Cc and Bcc, in lower case.
      circles: the addresses of `redirects` to which the message would go in a circle.
    """

    kept: tuple[FileInto, ...]
    script: str = ""
    actions: tuple[Action, ...] = ()
    tracked: tuple[tuple[bytes, int], ...] = ()
    error: str = ""
    line: int = 0
    names: frozenset[str] = frozenset()
    form: VacationForm | None = None
    automatic: str = ""
    named: frozenset[str] = frozenset()
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
      probability: probability of junk by the filter; None if it was not asked, or has learnt too little.
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
    filtered: Filtered | None = None
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
        return self.recipient.destination.mailbox if self.rule is None else self.rule.mailbox

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
        may_post = alias is None or _may_post(snapshot, evidence, alias)
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
        author = snapshot.lookup(evidence.msg_from) if evidence.msg_from is not None else None
        sending = author.account if isinstance(author, AccountRecipient) else None
        for member in recipient.members:
            if recipient.alias.deliver_to_sender or member.account != sending:
                yield member, False
            elif member == recipient.carrier:
                yield member, True


def _may_post(snapshot: Snapshot, evidence: Evidence, alias: AliasRecipient) -> bool:
    """Whether the author may write to an alias (SMTP-106)."""
    author = evidence.msg_from
    if alias.alias.post_public:
        return True
    if author is None:
        return False
    if alias.alias.allow_msg_from and snapshot.canonical(author) == alias.canonical:
        return True
    found = snapshot.lookup(author)
    return isinstance(found, AccountRecipient) and any(member.account == found.account for member in alias.members)
