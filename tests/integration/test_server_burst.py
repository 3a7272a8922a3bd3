"""Memory of a server to which mail for many accounts comes at once (STORE-8, STORE-10)."""

import re
import smtplib
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.running import LocalServer

pytestmark = [
    pytest.mark.served,
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
]

ACCOUNTS = 200
SECONDS = 3.0
"""In which all mails come."""

PEAK = 130_000
"""kB of memory, of which libraries are 13 MB: 120 MB, and a tenth for a machine so busy that sessions last longer."""

BODY = "".join(f"word{number} of a letter\r\n" for number in range(400))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    made = LocalServer(tmp_path / "server")
    with (made.folder / "config/domains.toml").open("a") as file:
        for number in range(ACCOUNTS):
            file.write(
                f'[accounts.user{number}]\ndomain = "localhost"\n'
                f'[accounts.user{number}.destinations."user{number}@localhost"]\n'
            )
    with made:
        yield made


def message(name: str) -> str:
    return f"From: a@far.example\r\nSubject: {name}\r\nMessage-ID: <{name}@far.example>\r\n\r\n{BODY}"


def peak(server: LocalServer) -> int:
    """kB that the server had at most since the last `forget`."""
    match = re.search(r"(?m)^VmHWM:\s+(\d+)", Path(f"/proc/{server.process.pid}/status").read_text())
    assert match
    return int(match[1])


def forget(server: LocalServer) -> None:
    """Have the peak begin anew (proc(5), clear_refs)."""
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")


def burst(server: LocalServer) -> float:
    """One mail to each account, on a connection of its own; seconds until all are accepted."""
    began = time.monotonic()

    def send(number: int) -> None:
        time.sleep(max(0.0, began + number * SECONDS / ACCOUNTS - time.monotonic()))
        with smtplib.SMTP("127.0.0.1", server.port(25), "far.example", timeout=120) as smtp:
            smtp.sendmail("a@far.example", [f"user{number}@localhost"], message(f"burst{number}"))

    with ThreadPoolExecutor(ACCOUNTS) as threads:
        list(threads.map(send, range(ACCOUNTS)))
    return time.monotonic() - began


def many(server: LocalServer) -> float:
    """One message to all accounts in one transaction, as far as recipients are accepted in it."""
    began = time.monotonic()
    with smtplib.SMTP("127.0.0.1", server.port(25), "far.example", timeout=120) as smtp:
        refused = smtp.sendmail("a@far.example", [f"user{n}@localhost" for n in range(ACCOUNTS)], message("many"))
    assert len(refused) <= ACCOUNTS // 2, refused
    return time.monotonic() - began


def test_mail_for_many_accounts_at_once_takes_little_memory(server: LocalServer) -> None:
    """STORE-8, STORE-10: one mail to each of 200 accounts within 3 s, then one with 200 recipients."""
    burst(server)
    assert peak(server) <= PEAK
    forget(server)
    many(server)
    assert peak(server) <= PEAK
