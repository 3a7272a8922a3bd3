"""Metrics of the SMTP server (SMTP-139, ADMIN-57)."""

from typing import Final

from moxlite.metrics import Counter, Histogram
from moxlite.net.metrics import panics

connection_total: Final = Counter("moxlite_smtpd_connection", "SMTP connections accepted.", ["kind"])
command_duration_seconds: Final = Histogram(
    "moxlite_smtpd_command_duration_seconds",
    "Time from command to reply.",
    ["kind", "cmd", "code", "ecode"],
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 20, 30, 60, 120),
)
delivery_total: Final = Counter(
    "moxlite_smtpd_delivery", "Incoming deliveries, one per account, by result and reason.", ["result", "reason"]
)
delayed_total: Final = Counter(
    "moxlite_smtpd_first_time_delay",
    "Messages from unknown senders that were eligible for a delay, by result.",
    ["result"],
)
rejects_total: Final = Counter(
    "moxlite_smtpd_rejects",
    "Copies of rejected messages: kept, skipped (already there, or mailbox full), or an error.",
    ["result"],
)
dnsbl_total: Final = Counter("moxlite_smtpd_dnsbl", "Block list queries.", ["zone", "result"])
report_total: Final = Counter("moxlite_report", "Received DMARC and TLS reports.", ["kind", "result"])
dmarcdb_message_total: Final = Counter(
    "moxlite_dmarcdb_message", "Messages counted in other domains' DMARC reports.", ["disposition", "dkim", "spf"]
)
tlsrpt_session_total: Final = Counter(
    "moxlite_tlsrpt_session", "Sessions counted in other domains' TLS reports.", ["result"]
)
errors_total: Final = Counter("moxlite_smtpd_errors", "Connections with errors.", ["error"])
starttls_total: Final = Counter("moxlite_smtpd_starttls", "TLS handshakes after STARTTLS.")
starttls_errors_total: Final = Counter(
    "moxlite_smtpd_starttls_errors", "Failed TLS handshakes after STARTTLS.", ["reason"]
)
requiretls_total: Final = Counter("moxlite_smtpd_requiretls", "MAIL commands with REQUIRETLS.", ["result"])

_commands: Final[dict[tuple[str, str, int, str], Histogram]] = {}


def observe_command(kind: str, verb: str, code: int, ecode: str, seconds: float) -> None:
    """Count a command and its reply. The series are looked up by a plain dictionary, at a fifth of `labels`' cost.

    The number of series is bounded: no part of the key comes from the client, except the codes of simulated errors in
    localserve. `smtp_error` in the configuration adds codes of its own.
    """
    key = (kind, verb, code, ecode)
    child = _commands.get(key)
    if child is None:
        child = _commands[key] = command_duration_seconds.labels(kind, verb.lower(), str(code), ecode)
    child.observe(seconds)


panics.labels(pkg="smtpd")  # starts at 0, so that a rule on its increase works from the first crash on
for _result in ("waited", "crowded", "gone"):
    delayed_total.labels(result=_result)
for _result in ("kept", "skipped", "error"):
    rejects_total.labels(result=_result)
for _kind in ("smtp", "submission"):
    connection_total.labels(kind=_kind)
for _reason in ("eof", "sslv2", "unsupportedversions", "nottls", "other"):
    starttls_errors_total.labels(reason=_reason)
for _result in ("ok", "notls"):
    requiretls_total.labels(result=_result)
for _error in ("unknowncommand", "linetoolong", "earlytalker", "timeout", "toomanycommands", "toomanybad"):
    errors_total.labels(error=_error)
