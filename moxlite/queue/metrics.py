"""The queue's metrics (QUEUE-73)."""

from typing import Final

from moxlite.metrics import Counter, Gauge, Histogram

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
destinations = Counter(
    "moxlite_queue_destinations", "Attempts by direct delivery; authentic: DNSSEC vouches for the hosts.", ["authentic"]
)
dane_required = Counter("moxlite_queue_dane_required", "Hosts whose TLSA records demand TLS.")
dane_unusable = Counter("moxlite_queue_dane_unusable", "Hosts none of whose TLSA records can be used.")
tlsa_errors = Counter("moxlite_queue_tlsa_errors", "Hosts whose TLSA records could not be looked up.")
tls_ignored = Counter(
    "moxlite_queue_tlsrequiredno_ignored",
    "Failures of TLS that a message with TLS-Required: No overlooked.",
    ["ignored"],
)
requiretls_unsupported = Counter(
    "moxlite_queue_requiretls_unsupported", "Hosts that could not be used for a message with REQUIRETLS.", ["reason"]
)
reports = Counter(
    "moxlite_queue_reports",
    "Reports of ours that were due; later: tried again with the reports of the next day.",
    ["kind", "result"],
)
report_failures = Counter(
    "moxlite_queue_report_failure", "Reports of DMARC and TLS that could not be delivered, by kind.", ["kind"]
)
webhook_calls = Histogram(
    "moxlite_webhook_call_duration_seconds",
    "Calls to web servers of accounts; status: it was not the one that says success.",
    ["result"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60),
)
webhooks_dropped = Counter("moxlite_webhook_dropped", "Webhooks not queued, as too many of their account wait.")
webhooks = Gauge("moxlite_webhook_size", "Webhooks that wait.")
stops = Counter("moxlite_queue_stops", "Accounts that the guard has stopped, by the sign of abuse.", ["sign"])
stopped = Gauge("moxlite_queue_stopped", "Accounts that are stopped by the guard, and wait for their release.")
held = Gauge("moxlite_queue_hold", "Messages on hold.")
size = Gauge("moxlite_queue_size", "Messages in the queue.")
oldest = Gauge("moxlite_queue_oldest_seconds", "For how long the message has been due that waits longest.")

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
