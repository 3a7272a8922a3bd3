"""The producers: each looks at a case and proposes. They are pure functions, so that a table of cases tests them;
gathering evidence does not belong here.

`ORDER` is the order in which proposals count: by connection and message, then by judgement of both, then by the wishes
of the account's owner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from moxlite.acceptance.cases import Case
from moxlite.acceptance.plan import Proposal
from moxlite.acceptance.producers.alias import members_only
from moxlite.acceptance.producers.bounce import stray_bounce
from moxlite.acceptance.producers.dmarc import auth_required, dmarc_policy, list_allow
from moxlite.acceptance.producers.header import ambiguous_from
from moxlite.acceptance.producers.history import block_list, known_sender, reverse_name, spf_policy
from moxlite.acceptance.producers.introbox import first_contact
from moxlite.acceptance.producers.junk import junk_content
from moxlite.acceptance.producers.origin import own_queue
from moxlite.acceptance.producers.rates import high_rate
from moxlite.acceptance.producers.report import valid_report
from moxlite.acceptance.producers.ruleset import matching_ruleset
from moxlite.acceptance.producers.senders import allowed_sender, blocked_sender
from moxlite.acceptance.producers.sieve import sieve_script
from moxlite.acceptance.producers.simulated import simulated_failure
from moxlite.acceptance.producers.subjectpass import subject_pass

__all__ = ["ORDER", "Producer"]

Producer: TypeAlias = Callable[[Case], Sequence[Proposal]]

ORDER: Final[tuple[Producer, ...]] = (
    simulated_failure,
    high_rate,
    members_only,
    own_queue,
    blocked_sender,
    ambiguous_from,
    list_allow,
    dmarc_policy,
    auth_required,
    stray_bounce,
    known_sender,
    valid_report,
    allowed_sender,
    spf_policy,
    reverse_name,
    subject_pass,
    junk_content,
    block_list,
    matching_ruleset,
    first_contact,
    sieve_script,
)
