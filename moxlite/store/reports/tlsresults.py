"""TLS results of outgoing sessions under the policies of other domains, by day: the data of TLS reports (QUEUE-120)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from moxlite.encoding import from_json, to_json
from moxlite.store.file.transaction import Reader, Row, Tx

MAX_ROWS: Final = 100_000
"""Maximum number of rows, 100 MB; further sessions are not counted. Rows are kept for three days (QUEUE-123)."""

MAX_POLICIES: Final = 10
"""Policies of one domain and day: an owner changes a policy once or twice."""

MAX_FAILURES: Final = 100
"""Kinds of failures stored for a policy."""

COLUMNS: Final = "policy_domain, day, recipient_domain, is_host, send_report, sent_recipient, sent_policy, results"
# max() beside min() would read all of them.
SPAN: Final = "SELECT coalesce((SELECT max(id) FROM tls_result) - (SELECT min(id) FROM tls_result) + 1, 0)"
GET: Final = f"""
SELECT {COLUMNS} FROM tls_result WHERE policy_domain = ? AND day = ? AND recipient_domain = ?"""  # noqa: S608 column names
INSERT: Final = f"""
INSERT INTO tls_result ({COLUMNS}, updated) VALUES (?, ?, ?, ?, ?, 0, 0, ?, ?)"""  # noqa: S608 column names
UPDATE: Final = """
UPDATE tls_result SET is_host = ?, send_report = ?, results = ?, updated = ?
WHERE policy_domain = ? AND day = ? AND recipient_domain = ?"""
RECIPIENTS: Final = """
SELECT recipient_domain, day FROM tls_result WHERE day <= ? AND sent_recipient = 0 GROUP BY day, recipient_domain
ORDER BY day, recipient_domain"""
HOSTS: Final = """
SELECT policy_domain, day FROM tls_result WHERE day <= ? AND is_host = 1 AND sent_policy = 0
GROUP BY day, policy_domain ORDER BY day, policy_domain"""
OF_RECIPIENTS: Final = f"""
SELECT {COLUMNS} FROM tls_result WHERE day = ? AND recipient_domain = ? ORDER BY is_host, policy_domain"""  # noqa: S608 column names
OF_HOST: Final = f"""
SELECT {COLUMNS} FROM tls_result WHERE policy_domain = ? AND day = ? AND is_host = 1 ORDER BY recipient_domain"""  # noqa: S608 column names
PENDING: Final = """
SELECT policy_domain, day, recipient_domain, is_host, results FROM tls_result
WHERE sent_recipient = 0 OR (is_host = 1 AND sent_policy = 0) ORDER BY day, recipient_domain, is_host, policy_domain
LIMIT ?"""
DROP: Final = "DELETE FROM tls_result WHERE recipient_domain = ?1 OR policy_domain = ?1"
SENT_RECIPIENT: Final = "UPDATE tls_result SET sent_recipient = 1 WHERE recipient_domain = ? AND day = ?"
SENT_POLICY: Final = "UPDATE tls_result SET sent_policy = 1 WHERE policy_domain = ? AND day = ? AND is_host = 1"


class FailureCount(msgspec.Struct, frozen=True, omit_defaults=True):
    """Number of sessions that failed in one way (RFC 8460 §4.3); 0 for a mere remark."""

    type: str
    reason: str = ""
    host: str = ""
    ip: str = ""
    sending_ip: str = ""
    sessions: int = 0


class PolicyCount(msgspec.Struct, frozen=True, omit_defaults=True):
    """Numbers of sessions under one policy; `strings` and `mx` are the policy's text and its patterns of mail hosts."""

    type: str
    strings: tuple[str, ...] = ()
    mx: tuple[str, ...] = ()
    successes: int = 0
    failed: int = 0
    failures: tuple[FailureCount, ...] = ()


class TLSResult(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions under the policies of a domain on a day. Domains are A-labels.

    Attributes:
      policy_domain: domain of recipients; the name of a mail host if `is_host`.
      day: yyyymmdd, UTC.
      send_report: whether it alone causes a report.
      sent_recipient, sent_policy: the report to the recipients' domain, or to the mail host, was sent or is not needed.
    """

    policy_domain: str
    day: str
    recipient_domain: str
    is_host: bool = False
    send_report: bool = True
    policies: tuple[PolicyCount, ...]
    sent_recipient: bool = False
    sent_policy: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """Unique key of the row."""
        return self.policy_domain, self.day, self.recipient_domain

    def merged(self, other: TLSResult) -> TLSResult:
        """The sum of both results."""
        policies = {(policy_count.type, policy_count.strings): policy_count for policy_count in self.policies}
        for policy in other.policies:
            known = policies.get((policy.type, policy.strings))
            policies[policy.type, policy.strings] = policy if known is None else _sum(known, policy)
        return msgspec.structs.replace(
            self,
            is_host=self.is_host or other.is_host,
            send_report=self.send_report or other.send_report,
            # the first of the day stay: another server could drive them out by a new policy for each session
            policies=tuple(policies.values())[:MAX_POLICIES],
        )


class Pending(msgspec.Struct, frozen=True):
    """Numbers of sessions, or messages, of a domain and day that are in no report yet. `day`: yyyymmdd."""

    about: str
    day: str
    total: int
    failed: int


class DueTLSReport(msgspec.Struct, frozen=True):
    """A report that may be due: to the domain of recipients, or to the domain of a mail host."""

    domain: str
    day: str
    is_host: bool


def _sum(policy_count: PolicyCount, other: PolicyCount) -> PolicyCount:
    failures: dict[FailureCount, int] = {}
    for failure in (*policy_count.failures, *other.failures):
        alike = msgspec.structs.replace(failure, sessions=0)
        # What is left out here is still in the total of failed sessions.
        if alike in failures or len(failures) < MAX_FAILURES:
            failures[alike] = failures.get(alike, 0) + failure.sessions
    return msgspec.structs.replace(
        policy_count,
        mx=other.mx,
        successes=policy_count.successes + other.successes,
        failed=policy_count.failed + other.failed,
        failures=tuple(
            msgspec.structs.replace(failure_count, sessions=count) for failure_count, count in failures.items()
        ),
    )


def add_tls_results(tx: Tx, results: Iterable[TLSResult]) -> int:
    """Add results to the stored ones of their day; returns the number of results left out because of `MAX_ROWS`."""
    dropped = 0
    for result in results:
        row = tx.row(GET, *result.key)
        if row is not None:
            whole = _result(row).merged(result)
            tx.execute(UPDATE, int(whole.is_host), int(whole.send_report), _encode(whole), tx.now, *whole.key)
        # Sums of domains that are known grow on when the table is full: they cost no room.
        elif tx.value(SPAN) < MAX_ROWS:
            flags = int(result.is_host), int(result.send_report)
            tx.execute(INSERT, *result.key, *flags, _encode(result), tx.now)
        else:
            dropped += 1
    return dropped


def _encode(result: TLSResult) -> str:
    return to_json(result.policies).decode()


def _result(row: Row) -> TLSResult:
    policy_domain, day, recipient_domain, is_host, send_report, sent_recipient, sent_policy, results = row
    return TLSResult(
        policy_domain=policy_domain,
        day=day,
        recipient_domain=recipient_domain,
        is_host=bool(is_host),
        send_report=bool(send_report),
        sent_recipient=bool(sent_recipient),
        sent_policy=bool(sent_policy),
        policies=from_json(results, tuple[PolicyCount, ...]),
    )


def waiting_results(r: Reader, day: str) -> list[DueTLSReport]:
    """The reports that may be due for days up to this one; reports to domains of recipients come first."""
    return [
        *(DueTLSReport(domain, of, False) for domain, of in r.rows(RECIPIENTS, day)),
        *(DueTLSReport(domain, of, True) for domain, of in r.rows(HOSTS, day)),
    ]


def of_recipients(r: Reader, domain: str, day: str) -> list[TLSResult]:
    """All results of mail to a domain on a day, the domain's own first."""
    return [_result(row) for row in r.rows(OF_RECIPIENTS, day, domain)]


def of_host(r: Reader, host: str, day: str) -> list[TLSResult]:
    """All results of a mail host on a day, one for each domain of recipients."""
    return [_result(row) for row in r.rows(OF_HOST, host, day)]


def pending_tls(r: Reader, limit: int) -> list[Pending]:
    """Results that are in no report yet, oldest first."""
    pendings = []
    for policy_domain, day, recipient_domain, is_host, results in r.rows(PENDING, limit):
        policies = from_json(results, tuple[PolicyCount, ...])
        about = f"{policy_domain} for {recipient_domain}" if is_host else policy_domain
        successes, failed = sum(policy.successes for policy in policies), sum(policy.failed for policy in policies)
        pendings.append(Pending(about, day, successes + failed, failed))
    return pendings


def drop_tls(tx: Tx, domain: str) -> int:
    """Remove the results of a domain of recipients or of a mail host; returns the number of rows."""
    return tx.execute(DROP, domain)


def mark_sent(tx: Tx, wanted: DueTLSReport) -> None:
    """Mark a report as done: it was handed to the queue, or is not to be sent."""
    tx.execute(SENT_POLICY if wanted.is_host else SENT_RECIPIENT, wanted.domain, wanted.day)
