"""A second chance for senders refused by content or by a block list: a token in the subject proves that they read the
reply (SMTP-92, SMTP-95).
"""

from __future__ import annotations

from collections.abc import Sequence

from moxlite.acceptance.cases import Case
from moxlite.acceptance.evidence import SUBJECT_PASS
from moxlite.acceptance.plan import Proposal, Reason
from moxlite.proto.smtp.replies import Response


def subject_pass(case: Case) -> Sequence[Proposal]:
    """Accept a message with a token, and offer one to an author who could use it. Refuse temporarily if the key cannot
    be read.
    """
    if SUBJECT_PASS in case.evidence.missing:
        return (Proposal(because=Reason("subjectpass-error", "subjectpass", (SUBJECT_PASS,)), reply=case.fault),)
    if case.evidence.fact(SUBJECT_PASS) is not None:
        return (Proposal(because=Reason("subjectpass", "subjectpass", (SUBJECT_PASS,)), binding=True),)
    if case.token:
        text = f"this looks like junk; if it is not, send it again with {case.token} in the subject"
        return (
            Proposal(
                because=Reason("give-subjectpass", "subjectpass"), reply=Response(550, "5.7.1", (text,)), junk=True
            ),
        )
    return ()
