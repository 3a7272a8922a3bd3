"""The account app of a user with much of everything (WEB-178a): ``python -m bench.accountapp``, a table on standard
output.

A `localserve` of its own in a folder that goes away: 10,000 log-in attempts, 500 rules, 20 app passwords, 1,000
suppressed addresses, 500 messages. The client is another process on the same machine, over plain HTTP.
"""

from __future__ import annotations

import smtplib
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import msgspec
import trio

from bench.heldserver import VARIABLE, held_between
from bench.webload import Webmail
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.loginattempts import LoginAttempt, record
from moxlite.store.options import Options
from tests.running import LocalServer
from tests.supervised import supervised

__all__ = ["Figure", "measure"]

ATTEMPTS: Final = 10_000
RULES: Final = 500
APP_PASSWORDS: Final = 20
SUPPRESSED: Final = 1_000
MESSAGES: Final = 500
TIMES: Final = 15
"""Calls of each kind."""

ACCOUNT: Final = "moxlite"
ADDRESS: Final = "moxlite@localhost"


class Figure(msgspec.Struct, frozen=True):
    """A call: median and longest time until its answer was read, and the longest stretch of the server's loop in half
    and in the worst of the calls. All in milliseconds.
    """

    median: float
    longest: float
    held: float
    held_longest: float


def measure(folder: Path, times: int = TIMES) -> dict[str, Figure]:
    """Figures by call, in the order in which they were made."""
    held = folder / "held"
    server = LocalServer(folder / "server", environment={VARIABLE: str(held)}, module="bench.heldserver")
    with server:
        page = Webmail(server.port(80), server.user, server.password, app="/")
        _fill(server, page)
    trio.run(_add_attempts, folder / "server/data/auth.db")
    found: dict[str, Figure] = {}
    with server:
        page = Webmail(server.port(80), server.user, server.password, app="/")
        for name, parameters in _reading(page):
            found[name] = _timed(page, held, times, name, parameters)
        form = page.call("account_rule_list")[0]["form"]
        for name, parameters in _changing(form):
            found[name] = _timed(page, held, times, name, parameters)
    return found


def _timed(page: Webmail, file: Path, times: int, name: str, parameters: dict[str, Any]) -> Figure:
    spent, held = [], []
    for _ in range(times):
        first = time.monotonic()
        page.call(name.partition(",")[0], **parameters)
        last = time.monotonic()
        spent.append(1000 * (last - first))
        time.sleep(0.02)  # the stretch in which the answer was sent ends after the client has it
        held.append(1000 * held_between(file, first, time.monotonic()))
    return Figure(statistics.median(spent), max(spent), statistics.median(held), max(held))


def _rule(number: int) -> dict[str, Any]:
    return {
        "mailbox": f"Lists/{number % 50}",
        "smtp_mail_from_regexp": "",
        "msg_from_regexp": f"^writer{number}@list{number}\\.example$",
        "verified_domain": "",
        "headers_regexp": [{"name": "^list-id$", "value": f"<list{number}\\.example>"}],
        "is_forward": False,
        "list_allow_domain": "",
        "accept_rejects_to_mailbox": "",
        "comment": f"list {number}",
    }


def _fill(server: LocalServer, page: Webmail) -> None:
    """All but the log-in attempts, which are written while the server stands still."""
    [first, *_] = page.call("account_rule_list")
    changed = first["form"] | {"rulesets": [_rule(number) for number in range(RULES)]}
    page.call("account_rule_set", address=first["address"], old=first["form"], changed=changed)
    for number in range(APP_PASSWORDS):
        page.call("account_app_password_add", name=f"device {number}", scopes=["imap"], read_only=False, expires=None)
    for number in range(SUPPRESSED):
        page.call("queue_suppress_add", address=f"gone{number}@far{number % 97}.example", reason="no such user")
    with smtplib.SMTP("127.0.0.1", server.port(25)) as smtp:
        smtp.ehlo("far.example")
        for number in range(MESSAGES):
            text = f"From: a{number}@far.example\r\nTo: {ADDRESS}\r\nSubject: {number}\r\n\r\nhello\r\n"
            smtp.sendmail(f"a{number}@far.example", [ADDRESS], text)
    _wait(page)


def _wait(page: Webmail) -> None:
    """Until all messages can be tried."""
    rules = [_rule(0)]
    while len(page.call("rules_try", address=ADDRESS, rules=rules)["messages"]) < MESSAGES:
        time.sleep(0.2)


async def _add_attempts(file: Path) -> None:
    attempts = [
        LoginAttempt(
            result="ok" if number % 2 else "badcreds",
            protocol="imap",
            mechanism="plain",
            account=ACCOUNT,
            address=ADDRESS,
            remote_ip=f"198.51.{number // 250}.{number % 250}",
            user_agent=f"Mail {number % 40}",
            app_password=f"device {number % APP_PASSWORDS}" if number % 2 else "",
        )
        for number in range(ATTEMPTS)
    ]
    auth = await AuthDB.open(file, Options())
    async with trio.open_nursery() as nursery:
        await nursery.start(supervised, auth)
        await auth.database.write(lambda tx: record(tx, attempts))
        nursery.cancel_scope.cancel()
    await auth.aclose()


def _reading(page: Webmail) -> list[tuple[str, dict[str, Any]]]:
    """Calls that change nothing. `attempt_list` is asked for the first page and for the last one."""
    places = [""]
    while rows := page.call("attempt_list", after=places[-1], count=100):
        places.append(rows[-1]["after"])
    names = (
        "overview mailboxes password_state account_app_password_list session_list second_factors config_tlspubkey_list"
        " sending queue_suppress_list account_junk_show account_vacation_show account_forward_list script_list shares"
        " copy_state device_state import_state"
    )
    return [
        *((name, {}) for name in names.split()),
        ("attempt_list, first page", {"after": "", "count": 100}),
        ("attempt_list, last page", {"after": places[-2], "count": 100}),
    ]


def _changing(form: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Calls that take all rules, or look at all messages."""
    return [
        ("account_rule_set", {"address": ADDRESS, "old": form, "changed": form}),
        ("rules_as_sieve", {"rules": form["rulesets"]}),
        ("rules_try", {"address": ADDRESS, "rules": form["rulesets"]}),
    ]


def main() -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory(prefix="moxlite-bench-") as folder:
        found = measure(Path(folder))
    print("| Call | p50, ms | longest, ms | loop held, p50, ms | loop held at most, ms |\n|---|---|---|---|---|")
    for name, one in found.items():
        print(f"| {name} | {one.median:.1f} | {one.longest:.1f} | {one.held:.1f} | {one.held_longest:.1f} |")


if __name__ == "__main__":
    main()
