"""Counting the sessions of attempts for TLS reports (QUEUE-120, QUEUE-121).

Counts are summed in memory and written a second later, all in one unit: an attempt never waits for it, and a kill loses
the counts of one second.
"""

import datetime as dt
import logging
from collections.abc import Sequence
from typing import Final

import trio

from moxlite.metrics import Counter
from moxlite.proto.address import Domain
from moxlite.queue.context import Context
from moxlite.queue.data.rows import Message
from moxlite.queue.schedule import SECOND
from moxlite.queue.tls.results import Failure, PolicyResult
from moxlite.store.errors import StoreError
from moxlite.store.reports.tlsresults import FailureCount, PolicyCount, TLSResult, add_tls_results

logger = logging.getLogger("moxlite.queue.reports")

WRITE_SECONDS: Final = 1.0
"""Seconds until counts are written."""

DEADLINE: Final = 5.0
"""Seconds for one unit. A shutdown waits for it."""

MAX_WAITING: Final = 5_000
"""Pairs of domain and day that wait to be written, 5 MB."""

dropped_total: Final = Counter("moxlite_tlsrpt_results_dropped", "TLS session results not included in a report.")


def day_of(microseconds: int) -> str:
    """The UTC day of a moment, yyyymmdd."""
    return dt.datetime.fromtimestamp(microseconds // SECOND, dt.UTC).strftime("%Y%m%d")


class SessionCounts:
    """TLS sessions of attempts, summed for reports.db."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._waiting: dict[tuple[str, str, str], TLSResult] = {}
        self._wake = trio.Event()

    def note(self, message: Message, results: Sequence[PolicyResult]) -> None:
        """Count an attempt for recipients of the domain of `message`; never waits.

        Sessions of TLS reports do not cause a report, nor do successful sessions of DMARC reports: two servers would
        report to each other for ever.
        """
        ctx, host = self._ctx, message.recipient.host
        off = ctx.reports is None or ctx.config.current.static.no_outgoing_tls_reports
        if not results or off or not isinstance(host, Domain):
            return
        day = day_of(ctx.clock())
        for result in results:
            reason = not message.is_tls_report and (not message.is_dmarc_report or bool(result.failures))
            policy = PolicyCount(
                type=result.type.value,
                strings=result.text,
                mx=result.mx,
                successes=result.successes,
                failed=result.failed,
                failures=tuple(self._failure(failure) for failure in result.failures),
            )
            self._add(
                TLSResult(
                    policy_domain=result.domain,
                    day=day,
                    recipient_domain=host.ascii,
                    is_host=result.is_host,
                    send_report=reason,
                    policies=(policy,),
                )
            )
        self._wake.set()

    def _failure(self, failure: Failure) -> FailureCount:
        local = self._ctx.local_addresses
        own = local.ipv6 if ":" in failure.ip else local.ipv4
        return FailureCount(
            type=failure.type.value,
            reason=failure.reason,
            host=failure.host,
            ip=failure.ip,
            sending_ip=str(own) if own is not None and failure.ip else "",
            sessions=int(failure.counts),
        )

    def _add(self, result: TLSResult) -> None:
        known = self._waiting.get(result.key)
        if known is not None:
            self._waiting[result.key] = known.merged(result)
        elif len(self._waiting) < MAX_WAITING:
            self._waiting[result.key] = result
        else:
            dropped_total.inc()

    async def serve(self) -> None:
        """Write counts, until cancelled; counts that wait then are still written.

        Errors: counts that cannot be written are dropped, and that is counted and logged (QUEUE-58).
        """
        try:
            while True:
                await self._wake.wait()
                await trio.sleep(WRITE_SECONDS)
                await self.flush()
        finally:
            await self.flush()

    async def flush(self) -> None:
        """Write the counts, also during shutdown."""
        self._wake = trio.Event()
        waiting, self._waiting = list(self._waiting.values()), {}
        if not waiting or self._ctx.reports is None:
            return
        written = False
        with trio.move_on_after(DEADLINE, shield=True):
            try:
                database = self._ctx.reports.database
                dropped_total.inc(await database.write(lambda tx: add_tls_results(tx, waiting)))
                written = True
            except StoreError as error:
                logger.warning("failed to record TLS results", extra={"kv": {"err": str(error), "count": len(waiting)}})
        if not written:
            dropped_total.inc(len(waiting))
