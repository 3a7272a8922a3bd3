"""Where tasks are started, and where errors end, can be counted (docs/architecture.md §5)."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import moxlite

TOP = Path(moxlite.__file__).parent

NURSERIES = {
    "supervision.py",  # all that is long-running
    "server.py",  # connections and attempts, which outlive what starts them
    # Within one session, request or attempt, and ended with it:
    "acceptance/checks.py",  # the checks of one message
    "admin/backup/backups.py",
    "admin/dns/check.py",  # the topics of one check of a domain
    "admin/doctor/examine.py",  # the checks of one examination
    "admin/doctor/names.py",  # the domains of one
    "admin/quickstart/occupied.py",  # the ports of one quickstart
    "admin/quickstart/surroundings.py",  # the questions of one quickstart
    "admin/junk.py",
    "admin/standby/following.py",  # the processes of one follower
    "admin/standby/replicating.py",  # what belongs to one run of Litestream
    "autotls/autotls.py",  # the orders of one round
    "autotls/rehearsal.py",  # the proofs of one order
    "cli/backups/standby.py",  # `standby follow`, which is its own server
    "cli/backups/takeover.py",  # the steps of one take-over
    "cli/checks/smtp.py",  # both ways of one session by hand
    "imapd/connection.py",
    "imapd/session/progress.py",
    "imapd/sieve/connection.py",
    "imapd/updates/watch.py",
    "mailauth/dkim/keylookup.py",  # the keys of one message
    "migration/mailcopies.py",
    "migration/pull.py",
    "net/control/client.py",
    "net/control/server.py",
    "net/dns/client.py",  # the servers of one question
    "net/resolver.py",
    "queue/assurance.py",  # the questions about one domain
    "queue/sending/direct.py",  # those about one recipients' domain
    "queue/explaining/explain.py",  # the hosts of one domain
    "queue/webhooks/samples.py",  # the sample calls of one test
    "smtpd/connection.py",
    "smtpd/incoming/reception.py",
    "store/imports/adding.py",
    "web/handlers/forward.py",  # both ways of one forwarded request
    "web/handlers/tunnel.py",  # both ways of one forwarded websocket
    "web/http/websocket.py",
    "web/http2/connection.py",  # the streams of one connection
    "web/notices/service.py",  # some accounts at a time
    "web/notices/telling.py",  # the devices of one account
    "web/serve.py",
    "web/webmail/calls/sent.py",  # the poll of one page about its message
    "web/webmail/live/frames.py",
}
STARTS = NURSERIES | {
    "net/listeners.py",  # in the nursery that it is given
    "queue/scheduling/scheduler.py",  # the same
    "queue/webhooks/calls.py",  # the same
}

SWALLOWS = {
    "admin/doctor/examine.py",  # one check of an examination: it is told as a finding (ADMIN-70)
    "admin/dns/check.py",  # one topic of a check of a domain: it is told as an error of that topic (ADMIN-67)
    "supervision.py",
    "net/connections.py",
    "acceptance/checks.py",  # one check of one message: it is told as temperror (AUTH-13)
    "sandbox/child.py",  # one job of a child process: the server is told, and counts it (WEBMAIL-109c)
    "smtpd/incoming/reports.py",  # one report: its mail is delivered, and says so (AUTH-107)
    "web/serve.py",  # the guard of one request: it is answered 500, the connection goes on
    "store/file/writer.py",  # between threads: it is the caller's, who gets it
    "store/search/texts.py",  # one message of the text index: told to a function, and the others are indexed
}


def test_tasks_are_started_in_known_places() -> None:
    """ADMIN-39a: what runs for ever hangs on a supervisor. A new place must say here why it is none of these."""
    assert _files(lambda node: _named(node) == "open_nursery") <= NURSERIES
    assert _files(lambda node: _named(node) == "start_soon") <= STARTS
    for known in STARTS:
        assert (TOP / known).exists(), known


def test_what_is_unexpected_ends_in_known_places() -> None:
    """ADMIN-39a: everywhere else an `except Exception` raises again."""
    found = _files(lambda node: isinstance(node, ast.ExceptHandler) and _is_blind(node) and not _raises(node))
    assert found <= SWALLOWS


def _files(wanted: Callable[[ast.AST], bool]) -> set[str]:
    return {str(path.relative_to(TOP)) for path in TOP.rglob("*.py") if any(map(wanted, _nodes(path)))}


def _nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text()))


def _named(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else ""


def _is_blind(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    names = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
    return bool(names & {"Exception", "BaseException"})


def _raises(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) for node in ast.walk(handler))
