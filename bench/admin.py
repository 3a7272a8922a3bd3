"""The admin app with much to show (docs/spec/web.md §6, WEB-175): ``python -m bench.admin``, figures on standard
output.

200 domains, 5,000 accounts, 100,000 queued and 1,000,000 finished messages, 20,000 suppressed addresses, 200,000
entries of the audit log, in a `localserve` of its own whose folder goes away. Each call of a page is made over plain
HTTP with one connection, without anything else on the server. Beside the time of the answer is the longest time for
which the event loop was held meanwhile.
"""

from __future__ import annotations

import http.client
import os
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.heldserver import VARIABLE, held_between
from moxlite.process.localserve import ADMIN_PASSWORD
from tests.running import LocalServer

__all__ = ["main"]

DOMAINS: Final = 200
ACCOUNTS: Final = 5_000
QUEUED: Final = 100_000
FINISHED: Final = 1_000_000
SUPPRESSED: Final = 20_000
LOGGED: Final = 200_000

TIMES: Final = 25
"""Repetitions of each call."""

COUNT: Final = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1) "
COLUMNS: Final = """
base_id, queued, account, login_address, sender_localpart, sender_domain, from_id, rcpt_localpart, rcpt_domain,
message_id, subject, attempts, max_attempts, last_attempt, dialed_ips, results, transport, future_release_request,
has8bit, smtputf8, is_dmarc_report, is_tls_report, size, require_tls, extra, dsn_notify, dsn_ret, dsn_envid,
dsn_orcpt"""
VALUES: Final = """
0, ?2 - i * 1000000, 'a' || (i % 5000), '', 'a' || (i % 5000), 'd' || (i % 200) || '.example', '', 'u' || i,
'far' || (i % 997) || '.example', '<' || i || '@d.example>', 'letter ' || i, 1 + i % 9, 0, ?2 - i * 900000, '{}',
'[]', '', '', 0, 0, 0, 0, 4000 + i % 90000, NULL, '{}', 0, '', '', ''"""
QUEUE: Final = (
    f"{COUNT} INSERT INTO msg (content_id, hold, next_attempt, prefix, priority, deliver_by, dsn_due, dsn_next,"
    f" {COLUMNS}) SELECT 1, 1, ?2 + i * 1000, x'', 0, '', '', 0, {VALUES} FROM n"
)
RETIRED: Final = (
    f"{COUNT} INSERT INTO msg_retired (success, last_activity, keep_until, recipient_address, {COLUMNS})"
    f" SELECT i % 20 <> 0, ?2 - i * 900000, ?2 + 86400000000000, 'u' || i || '@far.example', {VALUES} FROM n"
)
SUPPRESS: Final = (
    f"{COUNT} INSERT INTO suppression (account, base_address, original_address, manual, reason, created)"
    " SELECT 'a' || (i % 5000), 'u' || i || '@far.example', 'u' || i || '@far.example', 0, '550 gone', ?2 FROM n"
)
AUDIT: Final = (
    f"{COUNT} INSERT INTO audit (at, actor, remote_ip, action, object, detail, via, outcome)"
    " SELECT ?2 - (?1 - i) * 1000000, '(cli)', '', 'config address add', 'a' || (i % 5000), '{}', 'cli', 'done' FROM n"
)


class Client:
    """The owner, logged in, on one connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        self._cookies: dict[str, str] = {}
        self._csrf = ""
        token = self.call("login_prep")
        self._csrf = self.call("login", login_token=token, username="", password=ADMIN_PASSWORD)["csrf_token"]

    def call(self, name: str, /, **parameters: object) -> Any:
        """The result of a call; raises RuntimeError for a refusal."""
        cookie = "; ".join(f"{key}={value}" for key, value in self._cookies.items())
        headers = {"content-type": "application/json", "x-moxlite-csrf": self._csrf, "cookie": cookie}
        self._connection.request("POST", f"/admin/api/{name}", msgspec.json.encode(parameters), headers)
        answer = self._connection.getresponse()
        body = answer.read()
        for field in answer.headers.get_all("set-cookie") or []:
            key, _, value = field.partition(";")[0].partition("=")
            self._cookies[key] = value
        if answer.status != 200:
            raise RuntimeError(f"{name}: {answer.status} {body[:300]!r}")
        return msgspec.json.decode(body)["result"]


def configuration(file: Path) -> None:
    """Add the domains and accounts to domains.toml."""
    text = file.read_text()
    parts = [f'[domains."d{number}.example"]\ndescription = "domain {number}"\n' for number in range(DOMAINS)]
    for number in range(ACCOUNTS):
        domain = f"d{number % DOMAINS}.example"
        parts.append(
            f'[accounts.a{number}]\ndomain = "{domain}"\nfull_name = "Person {number}"\n'
            f'[accounts.a{number}.destinations."a{number}@{domain}"]\n'
        )
    file.write_text(text + "\n" + "\n".join(parts))


def rows(folder: Path) -> None:
    """Fill queue and logs of a server that is stopped."""
    now = time.time_ns() // 1000
    with sqlite3.connect(folder / "queue.db") as queue:
        queue.execute("INSERT INTO content (id, size, refs) VALUES (1, 4000, ?)", (QUEUED,))
        queue.execute(QUEUE, (QUEUED, now))
        queue.execute(RETIRED, (FINISHED, now))
        queue.execute(SUPPRESS, (SUPPRESSED, now))
    with sqlite3.connect(folder / "auth.db") as auth:
        auth.execute(AUDIT, (LOGGED, now))


def pages(client: Client) -> list[tuple[str, dict[str, Any]]]:
    """The calls that pages make, with their parameters: first pages, and such as begin deep in a list."""
    line = client.call("queue", filter={}, page={"n": 50})[-1]
    deep = client.call("retired", filter={"submitted": "<-7d"}, page={"n": 50})[-1]
    names = [one["name"] for one in client.call("accounts", count=50)["accounts"]]
    return [
        ("overview", {}),
        ("accounts", {}),
        ("accounts", {"search": "person 4999"}),
        ("account_uses", {"names": names[:10]}),
        ("account", {"name": "a4000"}),
        ("account_security", {"name": "a4000"}),
        ("account_removed", {"name": "a4000"}),
        ("account_remains", {"name": "a4000"}),
        ("attempts", {"account": "a4000", "count": 50}),
        ("settings", {"path": ["accounts", "a4000"]}),
        ("domains", {}),
        ("domain", {"domain": "d150.example"}),
        ("dns_records", {"domain": "d150.example"}),
        ("queue", {"filter": {}, "page": {"n": 50}}),
        ("queue", {"filter": {}, "page": {"n": 50, "last": line["next_attempt"], "last_id": line["id"]}}),
        ("queue", {"filter": {"account": "a4000"}, "page": {"n": 50}}),
        ("queue", {"filter": {"recipient": "@far7.example"}, "page": {"n": 50}}),
        ("queue", {"filter": {"recipient": "u99999"}, "page": {"n": 50, "sort": "queued"}}),
        ("queue_count", {"filter": {}}),
        ("queue_count", {"filter": {"recipient": "u99999"}}),
        ("queue_stopped", {}),
        ("hold_rules", {}),
        ("retired", {"filter": {}, "page": {"n": 50}}),
        ("retired", {"filter": {}, "page": {"n": 50, "last": deep["last_activity"], "last_id": deep["id"]}}),
        ("retired", {"filter": {"success": False}, "page": {"n": 50}}),
        ("retired", {"filter": {"account": "a4000"}, "page": {"n": 50}}),
        ("retired", {"filter": {"recipient": "@far7.example"}, "page": {"n": 50}}),
        ("webhooks", {"filter": {}, "page": {"n": 50}}),
        ("webhooks_retired", {"filter": {}, "page": {"n": 50}}),
        ("suppressions", {"count": 50}),
        ("suppressions", {"after_account": "a4000", "after_base": "u1@far.example", "count": 50}),
        ("history", {"days": 90}),
        ("queue_history", {}),
        ("login_failures", {"days": 90}),
        ("disk_use", {}),
        ("limits", {}),
        ("audit", {"filter": {}, "before": 0}),
        ("audit", {"filter": {"object": "a4000"}, "before": 0}),
        ("audit", {"filter": {"words": "nowhere to be found"}, "before": 0}),
        ("report_totals", {"kind": "dmarc", "days": 30}),
        ("report_places", {}),
        ("settings", {"path": []}),
        ("transport_list", {}),
        ("own_addresses", {}),
        ("metrics", {}),
        ("log_recent", {}),
        ("config_file", {"file": "domains.toml"}),
        ("backups", {}),
    ]


def main() -> None:
    """Measure, and print a row for each call."""
    with tempfile.TemporaryDirectory() as name:
        folder, held = Path(name), Path(name) / "held"
        server = LocalServer(folder / "server", {VARIABLE: str(held)}, module="bench.heldserver")
        server.start()
        server.stop()
        configuration(folder / "server/config/domains.toml")
        rows(folder / "server/data")
        print(f"started in {server.start():.1f} s")
        try:
            client = Client(server.port(80))
            print("| Call | p50 ms | worst ms | loop held, worst ms |\n|---|---|---|---|")
            for call, parameters in pages(client):
                row(client, held, call, parameters)
            print(f"{os.cpu_count()} processors")
        finally:
            server.stop()


def row(client: Client, held: Path, call: str, parameters: dict[str, Any]) -> None:
    """Measure one call."""
    shown = ", ".join(f"{key} {msgspec.json.encode(value).decode()}" for key, value in parameters.items())
    times, stalls = [], []
    try:
        client.call(call, **parameters)
        for _ in range(TIMES):
            began = time.monotonic()
            client.call(call, **parameters)
            ended = time.monotonic()
            times.append(1000 * (ended - began))
            stalls.append(1000 * held_between(held, began, ended))
    except RuntimeError as error:
        print(f"| {call}: {shown} | {error} |")
        return
    print(f"| {call} {shown} | {statistics.median(times):.1f} | {max(times):.1f} | {max(stalls):.1f} |", flush=True)


if __name__ == "__main__":
    main()
