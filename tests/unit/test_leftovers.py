"""Code that is left over or hides an error: names without a caller, constants without a reader, handlers of every
exception, and pauses after failures that a module makes by itself.
"""

import ast
import re
from collections.abc import Iterator

from moxlite.operations.subjects import SUBJECTS
from tests.trees import nodes, trees

UNCALLED = {
    "cli": "click calls its commands",
    "store/backup/blocks.py": "SQLite calls the methods of a VFS",
    "proto/cards/filezones.py FileZone": "datetime calls the methods of a zone",
    "process/watchdog.py": "trio calls its instruments",
    "autotls/child.py TLSALPN": "the library finds the type of challenge by its registration",
    "queue/reports/daily.py _Item": "bound of a type variable",
    "config/reference.py markdown": "script/gen writes docs/config.md",
    "store/junk/classify.py play": "benches and tests play a corpus to the filter",
    "net/resolver.py FakeResolver": "resolver of tests",
    "proto/imap/client.py ClientDecoder.next_response": "tests and campaigns read responses at once",
    "net/limits.py NEW_CONNECTIONS": "limits of sessions in tests and benches",
    "process/keys.py load_certificates": "tests make the ports of a server with it",
    "sandbox/composing.py _Writer": "html.parser calls the methods of a parser",
    "sandbox/processes.py Sandbox.pids": "tests end the processes",
    "store/changelog/bus.py Bus.tail_events": "tests see the bound of the tail",
    "net/resolver.py Resolver.cname": "public API: questions of programs that use the package alone",
    "proto/imap/bodystructure.py parse_body": "public API: the client's reading of BODYSTRUCTURE",
    "proto/mime": "public API: the codec alone, for programs that use the package",
    "proto/sieve": "public API: the codec alone, for programs that use the package",
    "workers": "built in steps, and no part of a running server before the last one (docs/decisions/031-workers.md)",
    "store/rows/sorting.py SORT_KEYS": "the keys that `columns_of` knows; tests sort by each",
}
"""Names that no product code names, by file, file and name, or name; with the reason."""

SWALLOWING = {
    "acceptance/checks.py": "a crash of one check of a sender must not refuse the message (AUTH-13)",
    "admin/dns/check.py": "a crash of one topic becomes an entry of the report (ADMIN-67)",
    "admin/doctor/examine.py": "a crash of one check becomes a finding",
    "admin/doctor/helpers.py": "whatever a trial of a child raises is its result (ADMIN-70d)",
    "admin/dnsproviders/child.py": "the library raises Exception itself, for whatever a provider answers",
    "sandbox/child.py": "errors of the libraries end this process, and the next job gets a new one",
    "smtpd/incoming/reports.py": "a malformed report must not prevent delivery (AUTH-107)",
    "store/backup/keys.py": "pyrage's errors have no tree of their own: they become errors of backups",
    "store/backup/blocks.py": "SQLite takes one error of a VFS; the cause is kept and raised by the reader",
    "store/file/writer.py": "errors of units are raised in their callers, not in the writer's thread",
    "store/search/texts.py": "an error of one message's text is noted for that message; others are raised again",
    "supervision.py": "the failure of a task is logged and counted, and the task starts again (ADMIN-39a)",
    "workers/forking.py": "whatever ends a forked process is printed: nothing of the process that forked it runs again",
    "workers/channel.py": "a bug in one answer is logged, and fails one question of the other process, not all",
    "web/serve.py": "a crash in one request is counted, and the connection gets 500",
}
"""Modules that catch every exception without raising it again as it is, with the reason."""

PAUSES = {
    "admin/backup/rehearsal.py RETRY": "a failed rehearsal is reported by itself, and reads a whole account",
    "admin/backup/schedule.py RETRY": "a failed backup is reported by itself, and must not begin anew after a second",
    "admin/standby/holding.py RETRY": "a lease ends in seconds; its loss is what is reported (STORE-186g)",
    "admin/storage/alarms.py RETRY": "a disk that fails must not be written to each second; faults gather meanwhile",
    "admin/storage/alarms.py TOLD_AGAIN": "time in which a fault is reported once, not a retry",
    "autotls/child.py ASK_AGAIN": "seconds that the CA gives, when it gives none itself (RFC 9773 §4.3)",
    "autotls/ordering.py FIRST_PAUSE": "one host's order among others; CAs limit failures by the hour (WEB-118)",
    "autotls/ordering.py LONGEST_PAUSE": "as FIRST_PAUSE",
    "cli/backups/takeover.py AGAIN": "a command without a supervisor, which has taken the lease (STORE-186h)",
    "mailauth/dnssec.py AGAIN": "period of a look at the resolver, not a retry",
    "process/ports.py AGAIN_SECONDS": "one certificate file among others",
    "queue/guard/stops.py RETRY_SECONDS": "mail about one stop among others; an account that is out of service lasts",
    "queue/hosts/hosts.py AGAIN_SECONDS": "period of a look at the machine's addresses, not a retry",
    "store/people/subscriptions.py FIRST_PAUSE": "one program's address among others, of strangers",
    "store/people/subscriptions.py LAST_PAUSE": "as FIRST_PAUSE",
    "queue/mirror.py AGAIN_SECONDS": "one account among others",
    "queue/mirror.py RETRY": "messages of one account among others, kept in their rows",
    "queue/notices.py NOTICE_RETRY": "one notice among others, kept in its row",
    "queue/scheduling/scheduler.py AGAIN": "time for which an answer of DNS is kept, not a retry",
    "store/accounts/rounds.py RETRY": "one account among others",
    "store/file/health.py RETRY": "one file among others: a reader tries a full disk again (STORE-157)",
    "store/search/builder.py RETRY": "a wait for room on the disk or for the parser; failures go to the supervisor",
    "store/upkeep/outbox.py FIRST_RETRY": "one row of the outbox among others",
    "store/upkeep/outbox.py LAST_RETRY": "as FIRST_RETRY",
    "store/upkeep/outbox.py RING_RETRY": "as FIRST_RETRY",
    "supervision.py FIRST_PAUSE": "the policy itself (ADMIN-39a)",
    "supervision.py LAST_PAUSE": "the policy itself (ADMIN-39a)",
    "store/people/devices.py FIRST_PAUSE": "one device's push service among others (WEBMAIL-122)",
    "store/people/devices.py LAST_PAUSE": "as FIRST_PAUSE",
}
"""Constants of pauses that a module makes by itself, with the reason why the supervisor's policy does not do."""

PAUSE = re.compile(r"(^|_)(RETRY|RETRIES|AGAIN)(_|$)|(FIRST|LAST|LONGEST)_PAUSE$")


def definitions() -> Iterator[tuple[str, str, ast.stmt]]:
    """Functions, classes, methods and constants: the module's path, the name (of methods with the class), the node."""
    for path, tree in trees().items():
        for node in tree.body:
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    yield path, node.name, node
                case ast.ClassDef():
                    yield path, node.name, node
                    for one in node.body:
                        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and not one.name.startswith("__"):
                            yield path, f"{node.name}.{one.name}", one
                case ast.AnnAssign(target=ast.Name(id=name)):
                    yield path, name, node
                case ast.Assign(targets=[ast.Name(id=name)]) if not name.startswith("__"):
                    yield path, name, node


def is_call_of_an_app(node: ast.stmt) -> bool:
    """Whether browsers call this method: `web.calls.call` registers it."""
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else []
    return any(ast.unparse(one).startswith("call(") for one in decorators)


def test_each_name_has_a_caller() -> None:
    """docs/style.md: no dead code. A name counts as used where product code names it, be it another object's."""
    used = {one.partition(":")[2] for subject in SUBJECTS for one in subject.performed}
    for path in trees():
        used.update(node.id for node in nodes(path, ast.Name) if isinstance(node.ctx, ast.Load))
        used.update(node.attr for node in nodes(path, ast.Attribute))
        used.update(name for node in nodes(path, ast.MatchClass) for name in node.kwd_attrs)
    unused = [
        (f"{path} {name}", next((one for one in UNCALLED if f"{path} {name}".startswith(one) or name == one), ""))
        for path, name, node in definitions()
        if name.rpartition(".")[2] not in used and not is_call_of_an_app(node)
    ]
    assert [name for name, reason in unused if not reason] == []
    assert UNCALLED.keys() - {reason for _, reason in unused} == set(), "these names have a caller now"


def test_each_constant_has_a_reader() -> None:
    """docs/style.md: a limit that nothing reads limits nothing. Constants are read in their module, or imported."""
    imported: set[str] = set()
    read: dict[str, set[str]] = {}
    for path in trees():
        imported.update(one.name for node in nodes(path, ast.ImportFrom) for one in node.names)
        imported.update(node.attr for node in nodes(path, ast.Attribute))
        read[path] = {node.id for node in nodes(path, ast.Name) if isinstance(node.ctx, ast.Load)}
    unread = [
        f"{path} {name}"
        for path, name, node in definitions()
        if isinstance(node, ast.AnnAssign | ast.Assign)
        and name.isupper()
        and name not in imported | read[path]
        and f"{path} {name}" not in UNCALLED
    ]
    assert unread == []


def broad_handlers() -> Iterator[str]:
    """The modules with a handler of every exception that does not raise it again, as often as they have one."""
    for path in trees():
        for handler in nodes(path, ast.ExceptHandler):
            caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
            names = {None if one is None else ast.unparse(one) for one in caught}
            last = handler.body[-1]
            if names & {None, "Exception", "BaseException"} and not (isinstance(last, ast.Raise) and last.exc is None):
                yield path


def test_handlers_of_every_exception_have_a_reason() -> None:
    """docs/architecture.md §5: a bug ends its task or connection and is counted; few places may go on."""
    assert set(broad_handlers()) == set(SWALLOWING)


def test_pauses_after_failures_are_the_supervisors() -> None:
    """ADMIN-39a: loops have no retry of their own, but for one item among others."""
    own = [
        f"{path} {name}"
        for path, name, node in definitions()
        if isinstance(node, ast.AnnAssign)
        and PAUSE.search(name)
        and not path.startswith("web/")  # header fields of answers
        and isinstance(node.value, ast.Constant | ast.BinOp | ast.Name)
        and not isinstance(getattr(node.value, "value", None), str)  # SQL
    ]
    assert [one for one in own if one not in PAUSES] == []
