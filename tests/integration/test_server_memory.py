"""What single mails cost a running server: memory, and how long others wait meanwhile."""

import base64
import imaplib
import os
import re
import resource
import smtplib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bench.webload import Webmail
from tests.running import LocalServer
from tests.tools import slowness

pytestmark = [pytest.mark.served, pytest.mark.slow, pytest.mark.starts]

MANY_FIELDS = b"X-Some: " + b"y" * 66 + b"\r\n"
HEADERS = b"Subject: much\r\n" + MANY_FIELDS * ((37 << 20) // len(MANY_FIELDS)) + b"\r\ntext\r\n"

#: Seconds that a NOOP may take.
ANSWER = 0.1


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    with LocalServer(tmp_path_factory.mktemp("memory")) as running:
        with imap(running) as session:  # what the first log-in and the first mail load is not the mail's
            session.append("INBOX", None, None, b"Subject: first\r\n\r\ntext\r\n" * 10_000)
            session.select()
            session.fetch("1", "(ENVELOPE BODYSTRUCTURE BODY[HEADER.FIELDS (Subject)])")
        yield running


def imap(server: LocalServer) -> imaplib.IMAP4:
    session = imaplib.IMAP4("127.0.0.1", server.port(143), timeout=120)
    session.login(server.user, server.password)
    return session


class Watch:
    """The most memory of its own that the server had, in octets more than before; the answers' times; and the longest
    time by which this busy machine was late to wake the one who asks, which the server may have to wait as well.
    """

    def __init__(self, server: LocalServer) -> None:
        self._path = Path(f"/proc/{server.process.pid}/status")
        self._before = self._anonymous()
        self.grown = 0
        self.delayed = 0.0
        self._answers: list[float] = []

    @property
    def bound(self) -> float:
        """Seconds for an answer."""
        return ANSWER * slowness() + 2 * self.delayed

    @property
    def slowest(self) -> float:
        """Seconds: the slowest answer but for one in a hundred, for which the machine had no processor free; these may
        take five times the bound.
        """
        answers = sorted(self._answers)
        few = -(-len(answers) // 100)
        return max(answers[max(0, len(answers) - 1 - few)], answers[-1] / 5)

    def _anonymous(self) -> int:
        found = re.search(r"^RssAnon:\s+(\d+) kB", self._path.read_text(), re.MULTILINE)
        assert found is not None
        return int(found[1]) << 10

    def look(self, session: imaplib.IMAP4) -> None:
        began = time.perf_counter()
        session.noop()
        self._answers.append(time.perf_counter() - began)
        self.grown = max(self.grown, self._anonymous() - self._before)


@contextmanager
def watched(server: LocalServer) -> Iterator[Watch]:
    """Ask every few milliseconds, from a connection of its own, while the block runs."""
    with imap(server) as session:
        watch, done = Watch(server), threading.Event()

        def ask() -> None:
            while not done.is_set():
                began = time.perf_counter()
                time.sleep(0.005)
                watch.delayed = max(watch.delayed, time.perf_counter() - began - 0.005)
                watch.look(session)

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield watch
        finally:
            done.set()
            thread.join()


@pytest.mark.nightly
def test_a_header_of_37_mib_is_kept_by_append_and_read_at_little_cost(server: LocalServer) -> None:
    """STORE-55, STORE-7a, IMAP-98"""
    with imap(server) as session, watched(server) as watch:
        session.create("Large")
        assert session.append("Large", None, None, HEADERS)[0] == "OK"
        session.select("Large")
        for items in ("(ENVELOPE BODYSTRUCTURE)", "BODY.PEEK[HEADER.FIELDS (Subject Late)]", "BODY.PEEK[HEADER]"):
            assert session.fetch("1", items)[0] == "OK"
        assert session.search(None, "HEADER", "Subject", "much") == ("OK", [b"1"])
        [whole, *_] = session.fetch("1", "BODY.PEEK[]")[1]
        assert isinstance(whole, tuple)
        assert whole[1] == HEADERS
    assert watch.grown < 100 << 20
    assert watch.slowest < watch.bound


def send(server: LocalServer, *octets: bytes) -> int:
    """Send a message by SMTP; the code of the reply. The octets go out as they are: whoever measures here shares this
    interpreter.
    """
    with smtplib.SMTP("127.0.0.1", server.port(25), timeout=300) as client:
        client.ehlo()
        client.mail("ann@remote.example")
        client.rcpt(server.user)
        client.putcmd("DATA")
        assert client.getreply()[0] == 354
        assert client.sock is not None
        for part in octets:
            client.sock.sendall(part)
        client.sock.sendall(b".\r\n")
        return client.getreply()[0]


def test_a_header_of_37_mib_is_refused_by_smtp_at_little_cost(server: LocalServer) -> None:
    """SMTP-46a"""
    with watched(server) as watch:
        assert send(server, HEADERS) == 552
    assert watch.grown < 20 << 20
    assert watch.slowest < watch.bound


@pytest.mark.nightly
@pytest.mark.parametrize("kind", ["base64", "html"])
def test_ten_mails_of_22_mib_at_once_are_taken_at_little_cost(server: LocalServer, kind: str) -> None:
    """STORE-7, STORE-7a"""
    if kind == "base64":
        data = b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        data += base64.encodebytes(os.urandom(16 << 20)).replace(b"\n", b"\r\n")
    else:
        data = b"Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        data += b"<p>hello =3D this is text</p>\r\n" * ((22 << 20) // 31)

    def deliver(number: int) -> int:
        return send(server, b"Subject: %d\r\n" % number, data)

    with watched(server) as watch, ThreadPoolExecutor(10) as pool:
        assert list(pool.map(deliver, range(10))) == [250] * 10
    assert watch.grown < 200 << 20
    assert watch.slowest < watch.bound


@pytest.mark.nightly(smoke="tests/integration/test_server_memory_at_rest.py::test_a_server_at_rest_takes_little_memory")
def test_five_hundred_open_event_streams_are_small(server: LocalServer) -> None:
    """WEB-177: each with its view of the Inbox."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    mia = Webmail(server.port(80), server.user, server.password)
    with ExitStack() as stack:
        for _ in range(5):  # what the first of them load is not theirs
            stack.enter_context(mia.events())
        watch = Watch(server)
        for _ in range(500):
            stack.enter_context(mia.events())
        with imap(server) as session:
            watch.look(session)
        assert watch.grown < 32 << 20
