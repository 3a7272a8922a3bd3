"""The queue's metrics (QUEUE-73)."""

from typing import Final

from moxlite.metrics import Counter, Gauge, Histogram

__all__ = ["canceled", "connections", "deliveries", "held", "oldest", "plaintext_fallbacks", "size"]

RESULTS: Final = ("ok", "timeout", "canceled", "error")

canceled = Counter(
    "moxlite_queue_canceled", "Messages canceled by moving them from the mailbox Outgoing to the trash, by recipient."
)
connections = Counter("moxlite_queue_connection", "Outgoing connections.", ["result"])
deliveries = Histogram(
    "moxlite_queue_delivery_duration_seconds",
    "Attempts to deliver, by number of the attempt.",
    ["attempt", "transport", "tlsmode", "result"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300),
)
plaintext_fallbacks = Counter(
    "moxlite_queue_plaintext_fallback", "Connections made again without TLS, because the first one's TLS failed."
)
held = Gauge("moxlite_queue_hold", "Messages on hold.")
size = Gauge("moxlite_queue_size", "Messages in the queue.")
oldest = Gauge("moxlite_queue_oldest_seconds", "For how long the message has been due that waits longest.")

for _result in RESULTS:
    connections.labels(result=_result)
