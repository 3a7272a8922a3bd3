"""The log line and the metric of each incoming message, one per account (SMTP-139, SMTP-140)."""

import logging
from typing import Final

from moxlite.acceptance.evidence import JUNK, Evidence
from moxlite.acceptance.gathering import Decided
from moxlite.acceptance.outcomes import Outcome, State
from moxlite.mailauth.results import ARCStatus
from moxlite.metrics import DailyKind, daily
from moxlite.smtpd import metrics, replies
from moxlite.smtpd.session import Session
from moxlite.smtpd.transaction import AcceptedRecipient, Transaction
from moxlite.store.delivery.actions import FileInto, Mark

logger = logging.getLogger("moxlite.smtpd.incoming.deliver")

MAX_NOTED: Final = 10
"""Signatures named in a line of the log: as many as are evaluated (AUTH-30)."""

UNKNOWN_USER: Final = "unknown-user"
"""The metrics' reason for an address that does not exist, for which no account makes a decision."""


class Noting:
    """Logs and counts one message.

    Args:
      size: octets of the message. evidence: None if the message is refused before its sender is checked.
    """

    def __init__(self, session: Session, transaction: Transaction, size: int, evidence: Evidence | None = None) -> None:
        self._session = session
        self._transaction = transaction
        self._size = size
        self._evidence = evidence

    def account(self, decided: Decided, outcome: Outcome) -> None:
        """Log and count the outcome at one account."""
        word = decided.plan.word
        facts = self._facts(self._transaction.recipients[decided.case.indexes[0]], word)
        if decided.case.history is not None:
            facts["method"] = decided.case.history.method
        if decided.case.probability is not None:
            facts["probability"] = f"{decided.case.probability:.4f}"
        if outcome.state is State.ACCEPTED and outcome.reply is not None:
            result, text = "deferred", "message waits for its account"
            facts["reply"] = str(outcome.reply)
        elif outcome.state is State.ACCEPTED:
            result, text = "delivered", "message delivered"
            first = decided.plan.actions[0]
            if isinstance(first, FileInto) and first.mark is Mark.REJECT:
                text = "message filed as junk" if word.startswith("dmarc-") else "junk accepted by a ruleset"
                facts["mailbox"] = first.mailbox
        else:
            result, text = "rejected" if decided.plan.reply is not None else "error", "message refused"
            facts["reply"] = str(outcome.reply)
        metrics.delivery_total.labels(result=result, reason=word).inc()
        daily.count(_kind(decided, outcome), word)
        judged = decided.case.evidence.fact(JUNK)
        if judged is not None and judged.good is not None:
            daily.count("judged-wanted" if judged.good else "judged-junk")
        logger.info(text, extra={"kv": facts})

    def unknown(self, recipient: AcceptedRecipient) -> None:
        """Log and count a recipient that does not exist."""
        metrics.delivery_total.labels(result="rejected", reason=UNKNOWN_USER).inc()
        daily.count("refused", UNKNOWN_USER)
        facts = self._facts(recipient, UNKNOWN_USER) | {"reply": str(replies.UNKNOWN_USER)}
        logger.info("message refused", extra={"kv": facts})

    def _facts(self, recipient: AcceptedRecipient, word: str) -> dict[str, object]:
        checks = None if self._evidence is None else self._evidence.checks
        found: dict[str, object] = {}
        if checks is not None:
            dmarc = checks.dmarc
            found = {
                "iprev": checks.iprev.status,
                "spf": checks.spf.status,
                "dkim": ",".join(f"{one.domain or '-'}:{one.status}" for one in checks.dkim[:MAX_NOTED]) or "none",
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


def _kind(decided: Decided, outcome: Outcome) -> DailyKind:
    """The kind of daily count (WEB-86b): junk is what was refused or filed as junk."""
    if decided.plan.junk:
        return "junk"
    if outcome.state is not State.ACCEPTED:
        return "refused"
    first = decided.plan.actions[0]
    return "junk" if isinstance(first, FileInto) and first.mark is Mark.REJECT else "delivered"
