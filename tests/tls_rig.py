"""What tests of the queue's TLS share: names, what a host publishes, what an attempt counts for reports."""

import pytest

from moxlite.net.resolver import TLSA, RecordType
from moxlite.queue.attempt import Attempt
from moxlite.queue.record import Ended
from moxlite.queue.tls.results import PolicyResult
from tests.queue_rig import Rig

__all__ = ["KEEP", "MX", "TLSA_NAME", "counted", "publish_tlsa"]

KEEP = 'keep_retired_message_period = "72h"'
MX = "mx.remote.example"
"""The host of remote.example."""

TLSA_NAME = f"_25._tcp.{MX}"


def publish_tlsa(rig: Rig, *records: TLSA, name: str = TLSA_NAME) -> None:
    """All of DNS is signed, and a host has these records."""
    rig.resolver._authentic = True
    rig.resolver.set(name, RecordType.TLSA, records)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[PolicyResult, ...]]:
    """What attempts from now on count for TLS reports, an item for each."""
    seen: list[tuple[PolicyResult, ...]] = []
    own = Attempt.run

    async def run(self: Attempt) -> list[Ended]:
        ended = await own(self)
        seen.append(self.tls_results)
        return ended

    monkeypatch.setattr(Attempt, "run", run)
    return seen
