"""Rows with texts of strangers, as other servers and guessers leave them in the server's files.

For a server that does not run but has run once, so that its files are there.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import trio

from moxlite.queue.data.rows import Result, encode_results
from moxlite.queue.webhooks.keeping import CallResult, encode_calls
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.loginattempts import LoginAttempt, record
from moxlite.store.file.transaction import Tx
from moxlite.store.options import DAY, SECOND, Options
from moxlite.store.reports.evaluations import add_evaluations, add_suppressed
from moxlite.store.reports.reportsdb import ReportsDB
from tests.reportdata import dmarc_record, evaluation, put_dmarc, put_tls

__all__ = ["write_rows"]

HOUR: Final = 3600 * SECOND


def write_rows(data: Path, texts: Sequence[str], now: int, account: str = "moxlite") -> None:
    """Put a row for each text into each list of the admin app. `now`: µs UTC."""
    with sqlite3.connect(data / "queue.db") as queue:
        queue.execute("INSERT INTO content (id, size, refs) VALUES (1000, 4000, ?)", (len(texts),))
        for number, text in enumerate(texts):
            _queue(queue, number, text, now, account)
    with sqlite3.connect(data / "auth.db") as auth:
        _insert(auth, "audit", (_entry(number, text, now) for number, text in enumerate(texts)))
    trio.run(_reports, data, texts)


def _insert(database: sqlite3.Connection, table: str, rows: Iterable[dict[str, Any]]) -> None:
    for row in rows:
        names, places = ", ".join(row), ", ".join("?" * len(row))
        database.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", tuple(row.values()))


def _queue(queue: sqlite3.Connection, number: int, text: str, now: int, account: str) -> None:
    """A message that waits, one that is finished, webhook calls about them, and a suppressed address."""
    begun = now - (number + 1) * HOUR
    reply = Result(
        start=begun,
        duration=SECOND,
        code=450,
        secode="4.7.1",
        command="rcptto",
        error=f"450 {text}",
        reply=f"450 {text}",
        host=f"mx{number}.far.example",
        ip="192.0.2.25",
        tls="TLSv1.3",
    )
    common = {
        "id": 1000 + number,
        "base_id": 0,
        "queued": begun,
        "account": account,
        "login_address": "",
        "sender_localpart": "moxlite",
        "sender_domain": "localhost",
        "from_id": "",
        "rcpt_localpart": text[:60],
        "rcpt_domain": "far.example",
        "message_id": f"<{text[:100]}@far.example>",
        "subject": text,
        "attempts": 1,
        "max_attempts": 0,
        "last_attempt": begun,
        "dialed_ips": "{}",
        "results": encode_results([reply]),
        "transport": "",
        "future_release_request": "",
        "has8bit": 0,
        "smtputf8": 1,
        "is_dmarc_report": 0,
        "is_tls_report": 0,
        "size": 4000 + number,
        "require_tls": None,
        "extra": msgspec.json.encode({"note": text}).decode(),
        "dsn_notify": 0,
        "dsn_ret": "",
        "dsn_envid": "",
        "dsn_orcpt": "",
    }
    waits = {"content_id": 1000, "hold": 1, "next_attempt": now + number * HOUR, "prefix": b"", "priority": 0}
    _insert(queue, "msg", [common | waits | {"deliver_by": "", "dsn_due": "", "dsn_next": 0}])
    ended = {"success": number % 2, "last_activity": begun, "keep_until": now + DAY}
    _insert(queue, "msg_retired", [common | {"id": 2000 + number, "recipient_address": "x@far.example"} | ended])
    call = CallResult(start=begun, duration=SECOND, status=500, error=text, response=text)
    hook = {
        "id": 1000 + number,
        "msg_id": 0,
        "from_id": "",
        "message_id": "",
        "subject": text,
        "account": account,
        "url": f"https://hooks.far.example/{text[:200]}",
        "event": "delivered",
        "submitted": begun,
        "attempts": 1,
        "results": encode_calls([call]),
        "size": 2,
        "payload": b"{}",
    }
    _insert(queue, "hook", [hook | {"authorization": "", "secret": "", "next_attempt": now + 300 * DAY}])
    done = {"success": 0, "last_activity": begun, "keep_until": now + DAY}
    _insert(queue, "hook_retired", [hook | {"id": 2000 + number, "superseded_by": None} | done])
    gone = {"base_address": f"{text[:60]}{number}@far.example", "original_address": f"{text[:60]}{number}@far.example"}
    _insert(
        queue,
        "suppression",
        [{"account": account, "manual": number % 2, "reason": text[:1000], "created": begun, "expires": None} | gone],
    )


def _entry(number: int, text: str, now: int) -> dict[str, Any]:
    """An entry of the audit log: a user has set a name."""
    change = {"path": "accounts.ben.full_name", "before": text, "after": text[::-1]}
    return {
        "at": now - number * HOUR,
        "actor": "ben",
        "remote_ip": "192.0.2.7",
        "action": "full name",
        "object": text[:200],
        "detail": msgspec.json.encode({"changes": [change]} if number % 2 else {"name": text}).decode(),
        "via": "webaccount",
        "outcome": "done",
    }


async def _reports(data: Path, texts: Sequence[str]) -> None:
    options = Options(min_free_space=0)
    reports = await ReportsDB.open(data / "reports.db", options)
    auth = await AuthDB.open(data / "auth.db", options)
    try:
        await reports.database.write(lambda tx: _put_reports(tx, texts))
        await auth.database.write(lambda tx: record(tx, [_attempt(text) for text in texts]))
    finally:
        await reports.aclose()
        await auth.aclose()


def _put_reports(tx: Tx, texts: Sequence[str]) -> None:
    """Reports of such reporters in such words, judged messages, addresses without reports."""
    for number, text in enumerate(texts):
        records = [dmarc_record(text, 2, passes=False, word=text) for _ in range(2)]
        put_dmarc(tx, records, number=1000 + number, org=text)
        put_tls(tx, number=1000 + number, word=text)
        add_suppressed(tx, "dmarc", f"{text[:60]}{number}@far.example", tx.now + 300 * DAY, text[:300])
    add_evaluations(
        tx,
        [
            msgspec.structs.replace(evaluation(), record=text, overrides=(("local", text),), header_from=text[:200])
            for text in texts
        ],
    )


def _attempt(text: str) -> LoginAttempt:
    """A guess with a name and a browser of the stranger's choice."""
    return LoginAttempt(
        result="baduser",
        protocol="webmail",
        mechanism="web",
        address=text,
        remote_ip="203.0.113.77",
        user_agent=text,
    )
