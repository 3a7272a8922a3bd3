"""Mail of unknown authors, filed into its own mailbox (SMTP-89, STORE-68)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from moxlite.acceptance.cases import Case
from moxlite.acceptance.evidence import HISTORY
from moxlite.acceptance.plan import Proposal, Reason
from moxlite.acceptance.producers.dmarc import quarantined
from moxlite.acceptance.producers.senders import is_allowed
from moxlite.store.delivery.actions import FileInto
from moxlite.store.names import INBOX

KNOWN: Final = frozenset({"contact", "msgfromfull", "msgtofull"})
"""Methods that know the author, and not only the domain or network."""


def first_contact(case: Case) -> Sequence[Proposal]:
    """File mail for the Inbox into the introbox if its author is not known. A matching ruleset takes precedence, as the
    owner has chosen its mailbox.
    """
    settings, history = case.settings, case.history
    if settings is None or not settings.introbox or history is None or history.method in KNOWN:
        return ()
    if case.rule is not None or case.destined != INBOX or case.recipient.reports:
        return ()
    if quarantined(case) or is_allowed(case):
        return ()
    files = FileInto(mailbox=settings.introbox, destined=INBOX)
    return (Proposal(because=Reason("introbox", "introbox", (HISTORY,)), actions=(files,), keep=False),)
