"""The matching ruleset of the destination, which decides where mail is filed (SMTP-82, SMTP-84, SMTP-98;
STORE-64..67).
"""

from __future__ import annotations

from collections.abc import Sequence

from moxlite.acceptance.cases import Case
from moxlite.acceptance.evidence import RULESET
from moxlite.acceptance.plan import Proposal, Reason
from moxlite.acceptance.producers.dmarc import is_listed, quarantined
from moxlite.store.delivery.actions import FileInto, Mark
from moxlite.store.types import Flag


def matching_ruleset(case: Case) -> Sequence[Proposal]:
    """File the message into the rule's mailbox; junk too, if the rule accepts it."""
    rule = case.rule
    if rule is None:
        return ()
    forwarder = ""
    if rule.is_forward and rule.verified_domain is not None and not case.evidence.envelope.trusted:
        forwarder = rule.verified_domain.unicode
    if quarantined(case):  # a rule without proof of the sender files no mail that DMARC quarantines
        return ()
    mark = Mark.FORWARD if forwarder else Mark.LIST if is_listed(case) else None
    files = FileInto(mailbox=rule.mailbox, mark=mark, forwarder=forwarder)
    if_junk: tuple[FileInto, ...] = ()
    if rule.accept_rejects_to_mailbox is not None:
        if_junk = (
            FileInto(
                mailbox=rule.accept_rejects_to_mailbox,
                flags=int(Flag.SEEN),
                mark=Mark.REJECT,
                destined=rule.mailbox,
                forwarder=forwarder,
            ),
        )
    because = Reason("ruleset", "ruleset", (RULESET,))
    return (Proposal(because=because, actions=(files,), keep=False, if_junk=if_junk),)
