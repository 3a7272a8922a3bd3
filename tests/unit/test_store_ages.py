"""Rows that are deleted because they are old: after a jump of the clock they stay for a night. Where the newest stay,
rows of a clock that was ahead don't replace the others (STORE-190a).
"""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Final

from tests.tools import top

OLD: Final = re.compile(r"\b(?!id\b|uid\b|modseq\b|createseq\b|hash\b|distance\b)(\w+) <=? \?")
"""A comparison with a moment: of a column that is no number of a row."""

STEADY: Final = {
    "queue/queue.py OLD_KEYS": "queue.queue:Queue.clean",
    "queue/data/status.py CLEAN": "queue.queue:Queue.clean",
    "queue/data/status.py CLEAN_RETIRED": "queue.queue:Queue.clean",
    "queue/data/suppression.py CLEAN": "queue.queue:Queue.clean",
    "queue/guard/signs.py CLEAN": "queue.queue:Queue.clean",
    "queue/guard/signs.py CLEAN_SOURCES": "queue.queue:Queue.clean",
    "queue/guard/stops.py CLEAN": "queue.queue:Queue.clean",
    "queue/tls/policies.py FORGET": "queue.tls.policies:Policies.refresh",
    "queue/webhooks/keeping.py CLEAN": "queue.queue:Queue.clean",
    "store/auth/audit.py DROP": "store.auth.authdb:AuthDB._upkeep",
    "store/auth/authdb.py DROP_ANSWERS": "store.auth.authdb:AuthDB._upkeep",
    "store/auth/factors.py DROP_OLD_LINKS": "store.auth.authdb:AuthDB._upkeep",
    "store/auth/loginattempts.py DROP_OLD": "store.auth.authdb:AuthDB._upkeep",
    "store/auth/sessions.py DROP_EXPIRED": "store.auth.authdb:AuthDB._upkeep",
    "store/content/uploads.py FORGET_SAVED": "store.accounts.rounds:Rounds._tend",
    "store/delivery/outgoing.py SHRINK": "store.accounts.rounds:Rounds._tend",
    "store/delivery/submissions.py FORGET": "store.accounts.rounds:Rounds._tend",
    "store/groupware/kept.py PURGE": "store.accounts.rounds:Rounds._tend",
    "store/mail/recipients.py SHRINK": "store.accounts.rounds:Rounds._tend",
    "store/reports/reportsdb.py EXPIRED": "store.reports.reportsdb:ReportsDB._upkeep",
    "store/reports/reportsdb.py DROP_DAYS": "store.reports.reportsdb:ReportsDB._upkeep",
    "store/upkeep/erase.py FORGET_KEYS": "store.accounts.rounds:Rounds._tend",
}
"""Each statement that deletes by age, and the function that asks whether the clock is steady before."""

NEEDLESS: Final = {
    "queue/data/mirrorrows.py FORGET_OLD": "orders rows among each other: those of before the account was made",
    "store/changelog/origin.py FORGET": "of ways in that are gone",
    "store/delivery/scripts.py FORGET": "a duplicate is filed twice; the bound of the table counts only good keys",
    "store/delivery/vacation.py FORGET": "one more answer goes to a correspondent, 90 days of rows bound the table",
    "store/groupware/alarms.py DROP_LOST": "of entries that are gone",
    "store/groupware/alarms.py EXPIRE": "copies of alarms that have rung: the entries stay",
    "store/junk/words.py _generation": "a person gives the command",
    "store/mail/masked.py DROP_DAYS": "counts of today's new addresses",
    "store/reports/evaluations.py DROP": "of a day whose report was sent",
    "store/people/subscriptions.py EXPIRED": "programs renew what they subscribed to before it ends (RFC 8620 §7.2.1)",
}
"""Statements that need not ask, with the reason."""


NEWEST: Final = re.compile(r"ORDER BY (?!\(?(?:id|uid|modseq|createseq|hash)\b)(.*?) LIMIT (?:-1 OFFSET )?\?")
"""The order in which rows stay, of those that are no numbers of rows."""

AS_CREATED: Final = re.compile(r"min\(\w+, \?\d*\) DESC, id DESC")
"""The order of moments, of which those in the future count as now, and then that of creation."""

UNORDERED: Final = {
    "store/delivery/forwarding.py UNNAME": "a script names the address again with the next mail that it sends on",
    "store/delivery/scripts.py SEEN_LEFT": "a duplicate is filed twice; of a clock that was ahead there are few keys",
}
"""Statements that keep the newest rows in another order, with the reason."""


def deleting(condition: Callable[[str], object]) -> Iterator[str]:
    """Module and name of each SQL text that deletes, and has the condition."""
    for path in sorted((top() / "moxlite").rglob("*.py")):
        for statement in ast.parse(path.read_text()).body:
            texts = [ast.unparse(one) for one in ast.walk(statement) if isinstance(one, (ast.Constant, ast.JoinedStr))]
            if any("DELETE FROM" in text and condition(text.replace("\\n", " ")) for text in texts):
                target = getattr(statement, "target", None)
                name = getattr(target, "id", None) or getattr(statement, "name", "?")
                yield f"{path.relative_to(top() / 'moxlite')} {name}"


def keeps_the_newest(text: str) -> bool:
    """Whether a statement keeps the newest rows by their moments as they are, which a wrong clock may have made."""
    return any("DESC" in order and AS_CREATED.fullmatch(order) is None for order in NEWEST.findall(text))


def test_each_deletion_by_age_asks_for_a_steady_clock() -> None:
    """STORE-190a: or has its reason here."""
    assert {*STEADY, *NEEDLESS} == {*deleting(OLD.search)}
    for place in {*STEADY.values()}:
        module, _, name = place.partition(":")
        function = import_module(f"moxlite.{module}")
        for part in name.split("."):
            function = getattr(function, part)
        assert "steady()" in inspect.getsource(function), place


def test_each_trim_to_the_newest_rows_holds_out_a_clock_that_was_ahead() -> None:
    """STORE-190a: moments in the future count as now, and of these the rows made last stay."""
    assert keeps_the_newest("DELETE FROM t WHERE id NOT IN (SELECT id FROM t ORDER BY moment DESC, id DESC LIMIT ?)")
    assert {*UNORDERED} == {*deleting(keeps_the_newest)}
