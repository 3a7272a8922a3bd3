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
from moxlite.acceptance.producers.judgement import (
    ambiguous_from,
    auth_required,
    block_list,
    chosen_senders_only,
    dmarc_policy,
    high_rate,
    junk_content,
    known_sender,
    list_allow,
    members_only,
    own_queue,
    reverse_name,
    simulated_failure,
    spf_policy,
    stray_bounce,
    subject_pass,
    valid_report,
)
from moxlite.acceptance.producers.wishes import (
    allowed_sender,
    blocked_sender,
    first_contact,
    matching_ruleset,
    never_junk,
    sieve_script,
)

__all__ = ["ORDER", "Producer"]

Producer: TypeAlias = Callable[[Case], Sequence[Proposal]]

# First refusals that no later proof may lift (members only, a blocked sender), then what authenticates, since a binding
# proposal keeps all guesses behind it from counting. Content and block lists, which err, speak last of those who judge.
ORDER: Final[tuple[Producer, ...]] = (
    simulated_failure,
    high_rate,
    members_only,
    chosen_senders_only,
    own_queue,
    blocked_sender,
    ambiguous_from,
    list_allow,
    dmarc_policy,
    auth_required,
    stray_bounce,
    never_junk,
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
