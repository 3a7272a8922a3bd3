"""Decisions and outcomes of one message, by case, account and recipient (SMTP-104..108)."""

import logging
from collections.abc import Sequence
from typing import Final

from moxlite.acceptance.cases import JUNK, Case, Evidence
from moxlite.acceptance.gathering import Decision
from moxlite.acceptance.plan import Outcome, State, of_plan, refused
from moxlite.config.snapshot import AccountRecipient, AliasRecipient
from moxlite.mailauth.results import ARCStatus
from moxlite.metrics import DailyKind, daily
from moxlite.net.activity import Happening, Outcome as Shown, activity
from moxlite.proto.smtp.replies import Response
from moxlite.smtpd import metrics, replies
from moxlite.smtpd.notices import Failed
from moxlite.smtpd.session import AcceptedRecipient, Session, Transaction
from moxlite.store.delivery.actions import FileInto, Mark
from moxlite.store.delivery.reasons import JUNK_UNSURE


class Results:
    """The state of a message at each account.

    Attributes:
      cases: one per account and way to it; decided: the deciding case of each account, by name; outcomes: by account.
      several: there are several accounts.
    """

    def __init__(self, recipients: Sequence[AcceptedRecipient], cases: Sequence[Case]) -> None:
        self.cases = cases
        self.several = len({case.account for case in cases}) > 1
        self.decided: dict[str, Decision] = {}
        self.outcomes: dict[str, Outcome] = {}
        self._recipients = recipients
        self._own: dict[int, Outcome] = {}  # outcome of each case's own plan, by case number
        self._numbers: dict[int, list[int]] = {}  # case numbers by recipient index
        for number, case in enumerate(cases):
            for index in case.indexes:
                self._numbers.setdefault(index, []).append(number)

    def by_account(self) -> dict[str, list[int]]:
        """Numbers of the cases of each account, in the order of the recipients."""
        found: dict[str, list[int]] = {}
        for number, case in enumerate(self.cases):
            found.setdefault(case.account, []).append(number)
        return found

    def decide(self, name: str, decisions: dict[int, Decision]) -> None:
        """Decide for an account by the first case whose plan accepts, else the first with a temporary refusal, else the
        first. `decisions` are by number of the case.
        """
        for number, decision in decisions.items():
            self._own[number] = of_plan(decision.plan)
        best = min(decisions.values(), key=lambda one: 0 if one.plan.reply is None else 1 if one.plan.temporary else 2)
        self.decided[name] = best
        self.outcomes[name] = of_plan(best.plan)

    def in_state(self, state: State) -> list[str]:
        """Names of the accounts in this state, in the order of the recipients."""
        names = dict.fromkeys(case.account for case in self.cases)
        return [name for name in names if self.outcomes[name].state is state]

    def accepted_at(self, name: str) -> list[int]:
        """Indexes of the recipients that lead to an account and are accepted."""
        return sorted(
            {
                index
                for number, case in enumerate(self.cases)
                if case.account == name and self._outcome(number).state is State.ACCEPTED
                for index in case.indexes
            }
        )

    def failed(self) -> list[Failed]:
        """Recipients that are refused for good while others are accepted; an alias counts if one of its members is
        refused.
        """
        failed: dict[int, Failed] = {}
        for number, case in enumerate(self.cases):
            outcome = self._outcome(number)
            if outcome.state is State.REFUSED and outcome.reply is not None:
                for index in case.indexes:
                    failed.setdefault(index, Failed(self._recipients[index], outcome.reply))
        for index, recipient in enumerate(self._recipients):
            if not _exists(recipient):
                failed[index] = Failed(recipient, replies.UNKNOWN_USER)
        return [failed[index] for index in sorted(failed)]

    def answers(self) -> list[Response | None]:
        """The refusal of each recipient, None if accepted."""
        return [
            refused([self._outcome(number) for number in self._numbers.get(index, ())])
            if _exists(recipient)
            else replies.UNKNOWN_USER
            for index, recipient in enumerate(self._recipients)
        ]

    def unknown(self) -> list[AcceptedRecipient]:
        """Recipients without an account."""
        return [recipient for recipient in self._recipients if not _exists(recipient)]

    def _outcome(self, number: int) -> Outcome:
        """Outcome of a case: its own plan's refusal, else its account's outcome."""
        own = self._own[number]
        # An account may have the message by one of its addresses while the rule of another one refuses it: then the
        # recipient behind that one is told.
        if own.state in {State.REFUSED, State.JUNK}:
            return own
        return self.outcomes[self.cases[number].account]


def _exists(recipient: AcceptedRecipient) -> bool:
    return isinstance(recipient.found, AccountRecipient | AliasRecipient)


# The log line and the metric of each incoming message, one per account (SMTP-139, SMTP-140).


logger = logging.getLogger("moxlite.smtpd.incoming.deliver")

MAX_NOTED: Final = 10
"""Signatures named in a line of the log: as many as are evaluated (AUTH-30)."""

UNKNOWN_USER: Final = "unknown-user"
"""The metrics' reason for an address that does not exist, for which no account makes a decision."""


PEER: Final = "peer"
"""The metrics' reason for mail to the server from which a domain moves, for which no account makes a decision."""


class DeliveryLog:
    """Logs and counts one message.

    Args:
      size: octets of the message. evidence: None if the message is refused before its sender is checked.
      message_id: as in the header, "" if it is not known.
    """

    def __init__(
        self,
        session: Session,
        transaction: Transaction,
        size: int,
        evidence: Evidence | None = None,
        message_id: str = "",
    ) -> None:
        self._session = session
        self._transaction = transaction
        self._size = size
        self._evidence = evidence
        self._message_id = message_id

    def account(self, decided: Decision, outcome: Outcome) -> None:
        """Log and count the outcome at one account."""
        word = decided.plan.word
        facts = self._facts(self._transaction.recipients[decided.case.indexes[0]], word)
        if decided.case.history is not None:
            facts["method"] = decided.case.history.method
        if decided.case.probability is not None:
            facts["probability"] = f"{decided.case.probability:.4f}"
        if outcome.state is State.ACCEPTED and outcome.reply is not None:
            result, text = "deferred", "message is waiting for its account"
            facts["reply"] = str(outcome.reply)
        elif outcome.state is State.ACCEPTED:
            result, text = "delivered", "message delivered"
            first = decided.plan.actions[0]
            if isinstance(first, FileInto) and first.mark is Mark.REJECT:
                filed = word.startswith("dmarc-") or word == JUNK_UNSURE
                text = "message filed as junk" if filed else "junk accepted by a ruleset"
                facts["mailbox"] = first.mailbox
        else:
            result, text = "rejected" if decided.plan.reply is not None else "error", "message rejected"
            facts["reply"] = str(outcome.reply)
        metrics.delivery_total.labels(result=result, reason=word).inc()
        kind = _kind(decided, outcome)
        daily.count(kind, word)
        shown: Shown = "waits" if result == "deferred" else "refused" if result != "delivered" else "delivered"
        self._happened(facts, "junk" if shown == "delivered" and kind == "junk" else shown, decided.case.account)
        judged = decided.case.evidence.fact(JUNK)
        if judged is not None and judged.good is not None:
            daily.count("judged-wanted" if judged.good else "judged-junk")
        logger.info(text, extra={"kv": facts})

    def passed(self, recipient: AcceptedRecipient, reply: Response, host: str = "") -> None:
        """Log and count a message for the server from which the domain moves; `host`: of that server, which has it."""
        metrics.delivery_total.labels(result="passed" if host else "rejected", reason=PEER).inc()
        if not host:
            daily.count("refused", PEER)
        facts = self._facts(recipient, PEER) | {"reply": str(reply)} | ({"host": host} if host else {})
        self._happened(facts, "delivered" if host else "refused")
        logger.info("message forwarded" if host else "message rejected", extra={"kv": facts})

    def unknown(self, recipient: AcceptedRecipient) -> None:
        """Log and count a recipient that does not exist."""
        metrics.delivery_total.labels(result="rejected", reason=UNKNOWN_USER).inc()
        daily.count("refused", UNKNOWN_USER)
        facts = self._facts(recipient, UNKNOWN_USER) | {"reply": str(replies.UNKNOWN_USER)}
        self._happened(facts, "refused")
        logger.info("message rejected", extra={"kv": facts})

    def _happened(self, facts: dict[str, object], outcome: Shown, account: str = "") -> None:
        activity.note(
            Happening(
                kind="delivery",
                outcome=outcome,
                account=account,
                who=str(facts["mailfrom"]),
                to=str(facts["rcptto"]),
                remote=str(self._session.info.remote),
                text=" ".join(str(facts[name]) for name in ("reason", "reply") if facts.get(name)),
                message_id=self._message_id,
            )
        )

    def _facts(self, recipient: AcceptedRecipient, word: str) -> dict[str, object]:
        checks = None if self._evidence is None else self._evidence.checks
        found: dict[str, object] = {}
        if checks is not None:
            dmarc = checks.dmarc
            found = {
                "iprev": checks.iprev.status,
                "spf": checks.spf.status,
                "dkim": ",".join(
                    f"{dkim_result.domain or '-'}:{dkim_result.status}" for dkim_result in checks.dkim[:MAX_NOTED]
                )
                or "none",
                "dmarc": f"{dmarc.status}:{dmarc.policy}" if dmarc.record_domain else dmarc.status,
            }
            if checks.arc.status is not ARCStatus.NONE:
                found["arc"] = checks.arc.status
        author = None if self._evidence is None else self._evidence.msg_from
        return (
            self._session.log_facts()
            | found
            | {
                "mailfrom": str(self._transaction.sender),
                "rcptto": str(recipient.path),
                "msgfrom": str(author or ""),
                "size": self._size,
                "reason": word,
            }
        )


def _kind(decided: Decision, outcome: Outcome) -> DailyKind:
    """The kind of daily count (WEB-86b): junk is what was refused or filed as junk."""
    if decided.plan.junk:
        return "junk"
    if outcome.state is not State.ACCEPTED:
        return "refused"
    first = decided.plan.actions[0]
    return "junk" if isinstance(first, FileInto) and first.mark is Mark.REJECT else "delivered"
