"""Decisions and outcomes of one message, by case, account and recipient (SMTP-104..108)."""

from collections.abc import Sequence

from moxlite.acceptance.cases import Case
from moxlite.acceptance.gathering import Decided
from moxlite.acceptance.outcomes import Outcome, State, of_plan, refused
from moxlite.config.snapshot import AccountRecipient, AliasRecipient
from moxlite.proto.smtp.replies import Response
from moxlite.smtpd import replies
from moxlite.smtpd.notices import Failed
from moxlite.smtpd.transaction import AcceptedRecipient


class Results:
    """The state of a message at each account.

    Attributes:
      cases: one per account and way to it; decided: the deciding case of each account, by name; outcomes: by account.
    """

    def __init__(self, recipients: Sequence[AcceptedRecipient], cases: Sequence[Case]) -> None:
        self.cases = cases
        self.decided: dict[str, Decided] = {}
        self.outcomes: dict[str, Outcome] = {}
        self._recipients = recipients
        self._own: dict[int, Outcome] = {}  # outcome of each case's own plan, by its number
        self._numbers: dict[int, list[int]] = {}  # numbers of the cases by index of the recipient
        for number, case in enumerate(cases):
            for index in case.indexes:
                self._numbers.setdefault(index, []).append(number)

    def by_account(self) -> dict[str, list[int]]:
        """Numbers of the cases of each account, in the order of the recipients."""
        found: dict[str, list[int]] = {}
        for number, case in enumerate(self.cases):
            found.setdefault(case.account, []).append(number)
        return found

    def decide(self, name: str, decisions: dict[int, Decided]) -> None:
        """Decide for an account by the first case whose plan accepts, else the first with a temporary refusal, else the
        first. `decisions` are by number of the case.
        """
        for number, one in decisions.items():
            self._own[number] = of_plan(one.plan)
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
        return [one for one in self._recipients if not _exists(one)]

    def _outcome(self, number: int) -> Outcome:
        """Outcome of a case: the refusal of its own plan, else the outcome of its account."""
        own = self._own[number]
        if own.state in {State.REFUSED, State.JUNK}:
            return own
        return self.outcomes[self.cases[number].account]


def _exists(recipient: AcceptedRecipient) -> bool:
    return isinstance(recipient.found, AccountRecipient | AliasRecipient)
