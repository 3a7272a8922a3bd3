"""Where tasks are started can be counted (docs/architecture.md §5)."""

import ast

from moxlite.wording import fault_of, reason_of
from tests.trees import nodes, trees

NURSERIES = {
    "supervision.py",  # all that is long-running
    "server.py",  # connections and attempts, which outlive what starts them
    # Within one session, request or attempt, and ended with it:
    "acceptance/checks.py",  # the checks of one message
    "admin/backup/backups.py",
    "admin/dns/check.py",  # the topics of one check of a domain
    "admin/doctor/examine.py",  # the checks of one examination
    # the domains of one
    "admin/doctor/placement.py",  # the messages of one test
    "admin/delivery/peers.py",  # the hosts of one peer
    "admin/doctor/machine.py",  # the addresses of one examination
    "admin/standby/holding.py",  # the databases of one handover
    "admin/quickstart/webserver.py",  # the ports of one quickstart
    "admin/quickstart/environment.py",  # the questions of one quickstart
    "admin/junk.py",
    "admin/standby/following.py",  # the processes of one follower
    "admin/standby/replicating.py",  # what belongs to one run of Litestream
    "autotls/autotls.py",  # the orders of one round
    "autotls/rehearsal.py",  # the proofs of one order
    "cli/backups/standby.py",  # `standby follow`, which is its own server
    "cli/backups/takeover.py",  # the steps of one take-over
    "cli/checks/smtp.py",  # both ways of one session by hand
    "imapd/fetch/fetch.py",  # the flags of one FETCH, stored while its data is sent
    "imapd/connection.py",
    "imapd/session/progress.py",
    "imapd/sieve/connection.py",
    "imapd/updates/watch.py",
    "mailauth/dkim/keyrecord.py",  # the keys of one message
    "migration/autoconfig.py",  # the ways of one search for servers
    "migration/mailcopies.py",
    "migration/mirror.py",  # both ways of one connection of a link
    "migration/pull.py",
    "move/running.py",  # the accounts of one move
    "net/control/client.py",
    "net/control/server.py",
    "net/dns/client.py",  # the servers of one question
    "net/resolver.py",
    "queue/queue.py",  # the questions about one domain
    "queue/sending/direct.py",  # those about one recipients' domain
    "queue/explaining.py",  # the hosts of one domain
    "queue/webhooks/calls.py",  # the sample calls of one test
    "smtpd/connection.py",
    "smtpd/incoming/deliver.py",
    "store/imports/adding.py",
    "web/callserver.py",  # one call and its signs of life
    "web/handlers/forward.py",  # both ways of one forwarded request or websocket
    "web/http/websocket.py",
    "web/http2/connection.py",  # the streams of one connection
    "web/jmap/streams.py",  # one event stream or websocket
    "web/jmap/subscriptions.py",  # the programs of one account
    "web/notices/rounds.py",  # some accounts at a time
    "web/notices/requests.py",  # the devices of one account
    "web/serve.py",
    "web/webmail/calls/sent.py",  # the poll of one page about its message
    "web/webmail/live/frames.py",
    "workers/channel.py",  # the questions of one process
    "workers/crew.py",  # the workers of one server
}
WITHOUT_TASKS = {
    "sandbox/child.py",
    "store/backup/blocks.py",
    "store/backup/keys.py",
}
"""Modules without Trio, whose libraries raise single errors."""

BROAD = {"Exception", "BaseException", "ExceptionGroup", "BaseExceptionGroup"}
STARTS = NURSERIES | {
    "net/listeners.py",  # in the nursery that it is given
    "queue/scheduling/scheduler.py",  # the same
    "queue/webhooks/calls.py",  # the same
}


def test_tasks_are_started_in_known_places() -> None:
    """ADMIN-39a: what runs for ever hangs on a supervisor. A new place must say here why it is none of these."""
    assert _calling("open_nursery") <= NURSERIES
    assert _calling("start_soon") <= STARTS
    for known in STARTS:
        assert known in trees()


def test_a_groups_own_text_is_not_shown() -> None:
    """ADMIN-39b: a handler of every error may get a nursery's group, whose text says only how many there are; its
    causes are in `fault_of` and `reason_of`.
    """
    assert {path for path in trees() if any(map(_shows, nodes(path, ast.ExceptHandler)))} == WITHOUT_TASKS
    assert {path for path in trees() if any(map(_shows_argument, nodes(path, ast.AsyncFunctionDef)))} == set()


def test_the_causes_of_nested_groups_are_named_once_each() -> None:
    """ADMIN-39b."""
    inner = ExceptionGroup("inner", [OSError("no room"), ValueError("odd")])
    group = ExceptionGroup("Exceptions from Trio nursery", [inner, OSError("no room"), KeyError()])
    assert fault_of(group) == "OSError: no room; ValueError: odd; KeyError"
    assert reason_of(ExceptionGroup("x", [OSError("no room")])) == "no room"


def _shows(handler: ast.ExceptHandler) -> bool:
    """Whether a handler of every error makes text of the error itself."""
    types = set() if handler.type is None else {one.id for one in ast.walk(handler.type) if isinstance(one, ast.Name)}
    return bool(types & BROAD) and _makes_text(handler, handler.name)


def _shows_argument(function: ast.AsyncFunctionDef) -> bool:
    """The same of the end of an asynchronous block, which gets every error of its nursery."""
    return function.name == "__aexit__" and any(_makes_text(function, one.arg) for one in function.args.args[2:3])


def _makes_text(tree: ast.AST, name: str | None) -> bool:
    for node in ast.walk(tree):
        value = node.value if isinstance(node, ast.FormattedValue) else None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"str", "repr"}:
            value = node.args[0] if node.args else None
        if isinstance(value, ast.Name) and value.id == name:
            return True
    return False


def _calling(name: str) -> set[str]:
    return {path for path in trees() if any(node.attr == name for node in nodes(path, ast.Attribute))}
