"""The queue's metrics (QUEUE-73)."""

from typing import Final

from moxlite.metrics import Counter, Gauge, Histogram

RESULTS: Final = ("ok", "timeout", "canceled", "error")

canceled = Counter(
    "moxlite_queue_canceled", "Messages canceled by moving them from Outgoing to the trash, by recipient."
)
connections = Counter("moxlite_queue_connection", "Outgoing connections.", ["result"])
deliveries = Histogram(
    "moxlite_queue_delivery_duration_seconds",
    "Delivery attempts, by attempt number.",
    ["attempt", "transport", "tlsmode", "result"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300),
)
plaintext_fallbacks = Counter("moxlite_queue_plaintext_fallback", "Connections retried without TLS after TLS failed.")
destinations = Counter(
    "moxlite_queue_destinations",
    "Direct delivery attempts, by whether DNSSEC verified the hosts (authentic).",
    ["authentic"],
)
dane_required = Counter("moxlite_queue_dane_required", "Hosts with TLSA records that require TLS.")
dane_unusable = Counter("moxlite_queue_dane_unusable", "Hosts with only unusable TLSA records.")
tlsa_errors = Counter("moxlite_queue_tlsa_errors", "Hosts with failed TLSA lookups.")
tls_ignored = Counter(
    "moxlite_queue_tlsrequiredno_ignored",
    "TLS failures ignored because of TLS-Required: No.",
    ["ignored"],
)
requiretls_unsupported = Counter(
    "moxlite_queue_requiretls_unsupported", "Hosts that couldn't be used for a message with REQUIRETLS.", ["reason"]
)
reports = Counter(
    "moxlite_queue_reports",
    "Outgoing reports by result (later: the next day).",
    ["kind", "result"],
)
report_failures = Counter("moxlite_queue_report_failure", "Undeliverable DMARC and TLS reports, by kind.", ["kind"])
webhook_calls = Histogram(
    "moxlite_webhook_call_duration_seconds",
    "Webhook calls by result (status: an error status).",
    ["result"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60),
)
webhooks_dropped = Counter("moxlite_webhook_dropped", "Webhooks not queued because the account has too many waiting.")
webhooks = Gauge("moxlite_webhook_size", "Queued webhooks.")
stops = Counter("moxlite_queue_stops", "Accounts paused by the guard, by sign of abuse.", ["sign"])
stopped = Gauge("moxlite_queue_stopped", "Accounts paused by the guard that haven't been released.")
held = Gauge("moxlite_queue_hold", "Messages on hold.")
size = Gauge("moxlite_queue_size", "Messages in the queue.")
oldest = Gauge("moxlite_queue_oldest_seconds", "How long the oldest due message has been waiting.")

# Series start at 0, so that a rule on their increase sees the first event.
for _kind in ("dmarc", "tls"):
    for _result in ("sent", "skipped", "later"):
        reports.labels(kind=_kind, result=_result)
for _kind in ("dmarc", "tlsrpt"):
    report_failures.labels(kind=_kind)
for _sign in ("failures", "networks", "recipients"):
    stops.labels(sign=_sign)
for _result in RESULTS:
    connections.labels(result=_result)
for _result in ("ok", "status", "error"):
    webhook_calls.labels(result=_result)
