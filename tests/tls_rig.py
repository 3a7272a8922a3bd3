"""What tests of the queue's TLS share: names, what a host publishes, what an attempt counts for reports."""

import pytest

from moxlite.net.resolver import TLSA, RecordType
from moxlite.queue.attempt import Attempt
from moxlite.queue.record import AttemptOutcome
from moxlite.queue.tls.results import PolicyResult
from tests.queue_rig import Rig, sample

__all__ = ["KEEP", "MX", "TLSA_NAME", "counted", "counters", "publish_tlsa"]

KEEP = 'keep_retired_message_period = "72h"'
MX = "mx.remote.example"
"""The host of remote.example."""

TLSA_NAME = f"_25._tcp.{MX}"

TLS_COUNTERS: dict[str, dict[str, tuple[str, ...]]] = {
    "plaintext_fallback": {"": ("",)},
    "destinations": {"authentic": ("true", "false")},
    "dane_required": {"": ("",)},
    "dane_unusable": {"": ("",)},
    "tlsa_errors": {"": ("",)},
    "tlsrequiredno_ignored": {"ignored": ("mtastspolicy", "mtastsmx", "badtlsa", "badtls", "certificate")},
    "requiretls_unsupported": {"reason": ("nopolicy", "norequiretls")},
}
"""Their label and its values."""


def publish_tlsa(rig: Rig, *records: TLSA, name: str = TLSA_NAME) -> None:
    """All of DNS is signed, and a host has these records."""
    rig.resolver._authentic = True
    rig.resolver.set(name, RecordType.TLSA, records)


def counters() -> dict[str, float]:
    """The queue's counters about TLS, those that have counted something: ``NAME`` or ``NAME LABEL``."""
    found = {}
    for name, labels in TLS_COUNTERS.items():
        for label, values in labels.items():
            for value in values:
                found[f"{name} {value}".strip()] = sample(
                    f"moxlite_queue_{name}_total", **({label: value} if label else {})
                )
    return found


def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[PolicyResult, ...]]:
    """What attempts from now on count for TLS reports, an item for each."""
    seen: list[tuple[PolicyResult, ...]] = []
    own = Attempt.run

    async def run(self: Attempt) -> list[AttemptOutcome]:
        ended = await own(self)
        seen.append(self.tls_results)
        return ended

    monkeypatch.setattr(Attempt, "run", run)
    return seen
