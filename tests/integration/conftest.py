"""Servers that the integration tests speak with."""

import imaplib
import re
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import pytest

from tests.packagerig import build_frozen
from tests.running import LocalServer
from tests.tools import until
from tests.webcalls import send_at_once

__all__ = [
    "all_has_come",
    "commands",
    "frozen",
    "local",
    "logs_in_by",
    "mailbox",
    "metric",
    "session",
    "shared",
    "shared_server",
]


@contextmanager
def sound_server(folder: Path, prepared: LocalServer | None = None) -> Iterator[LocalServer]:
    """A localserve, in `folder` or `prepared`; afterwards it must have stopped cleanly, counted no panic, and its store
    must be sound.
    """
    with prepared or LocalServer(folder) as server:
        yield server
        assert panics(server) == 0, server.log()
    assert server.process.returncode == 0, server.log()
    checked = server.cli("store", "check", "--deep", check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalServer]:
    """A sound server of the test's own."""
    with sound_server(tmp_path / "server") as server:
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A sound server for all tests of a module, whose webmail sends at once."""
    with sound_server(tmp_path_factory.mktemp("module") / "server") as found:
        send_at_once(found)
        yield found


@pytest.fixture(scope="session")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The program with its own Python: the folder, and the one file."""
    return build_frozen(tmp_path_factory.mktemp("frozen"))


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A sound server for all tests that begin with an account as on the first day."""
    with sound_server(tmp_path_factory.mktemp("shared") / "server") as server:
        yield server


@pytest.fixture
def shared(shared_server: LocalServer) -> LocalServer:
    """The server that many tests share, its account as on the first day."""
    session = imaplib.IMAP4("127.0.0.1", shared_server.port(143))
    session.login(shared_server.user, shared_server.password)
    _, answer = session.list('""', '"*"')
    lines = [line for line in answer if isinstance(line, bytes)]
    for name in sorted((line.rsplit(b' "/" ', 1)[1].decode().strip('"') for line in lines), reverse=True):
        session.select(f'"{name}"')
        session.uid("STORE", "1:*", "+FLAGS.SILENT", "(\\Deleted)")
        session.expunge()
        if name not in FIRST:
            session.delete(f'"{name}"')
    session.logout()
    return shared_server


@pytest.fixture
def session(shared: LocalServer) -> Iterator[imaplib.IMAP4]:
    """A second session, to prepare the account and to look at it."""
    session = imaplib.IMAP4("127.0.0.1", shared.port(143))
    session.login(shared.user, shared.password)
    yield session
    session.logout()


#: The mailboxes of a new account (IMAP-35).
FIRST = ("INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash")


def metric(server: LocalServer, name: str, **labels: str) -> float:
    """The sum of a metric's values that have these labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port(81)}/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    found = (line for line in lines if re.match(rf"{name}[ {{]", line))
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    return sum(float(line.rsplit(" ", 1)[1]) for line in found if all(label in line for label in wanted))


def commands(server: LocalServer, name: str) -> float:
    """How often a command was carried out."""
    return metric(server, "moxlite_imap_command_duration_seconds_count", cmd=name, result="ok")


MECHANISMS = ("plain", "login", "cram-md5", "scram-sha-1", "scram-sha-1-plus", "scram-sha-256", "scram-sha-256-plus")


@contextmanager
def logs_in_by(server: LocalServer, *mechanisms: str) -> Iterator[None]:
    """What runs meanwhile must log in by just these mechanisms."""

    def count() -> dict[str, float]:
        return {name: metric(server, "moxlite_authentication_total", variant=name, result="ok") for name in MECHANISMS}

    before = count()
    yield
    after = count()
    assert {name for name in MECHANISMS if after[name] > before[name]} == set(mechanisms)


def panics(server: LocalServer) -> float:
    """The sum of the panic counters of all rooms."""
    return metric(server, "moxlite_panic_total")


def all_has_come(server: LocalServer) -> None:
    """Wait until nothing that was sent is on its way: all of it comes back to its sender here (SMTP-131), and would
    come into an Inbox that the next test takes for empty.
    """
    name = server.user.partition("@")[0]
    # what leaves the one is in the other by then
    for path, table in ((f"accounts/{name}/account.db", "outbox"), ("queue.db", "msg")):

        def empty(path: str = path, table: str = table) -> bool:
            with closing(apsw.Connection(str(server.folder / "data" / path), flags=apsw.SQLITE_OPEN_READONLY)) as db:
                return not list(db.execute(f"SELECT 1 FROM {table} LIMIT 1"))

        until(empty, what=f"nothing in {table}")


@pytest.fixture
def mailbox(local: LocalServer) -> Iterator[imaplib.IMAP4]:
    """A logged-in session with the Inbox selected."""
    session = imaplib.IMAP4("127.0.0.1", local.port(143))
    session.login(local.user, local.password)
    session.select("INBOX")
    yield session
    session.logout()
