"""Start localserve, send a message to its account by SMTP and read it by IMAP, on any system: `python
script/testing/localserve.py`, which .github/workflows/others.yml runs on Windows and macOS (ADMIN-46).
"""

import imaplib
import smtplib
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from moxlite.process.localserve import ADDRESS, PASSWORD

SECONDS: Final = 120
BASE: Final = 2000
"""Base of the ports."""


def main() -> None:
    """Raises AssertionError, or what a client raises, if the server does not do its work."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        command = [sys.executable, "-m", "moxlite", "localserve", "--dir", str(Path(name) / "server")]
        with subprocess.Popen([*command, "--port-base", str(BASE)]) as server:
            try:
                deliver(server)
            finally:
                server.terminate()


def deliver(server: subprocess.Popen[bytes]) -> None:
    """Send one message to the account, and wait until it is in the Inbox."""
    until = time.monotonic() + SECONDS
    while True:
        try:
            with smtplib.SMTP("127.0.0.1", BASE + 587, timeout=SECONDS) as client:
                client.login(ADDRESS, PASSWORD)
                client.sendmail(ADDRESS, ADDRESS, f"From: <{ADDRESS}>\r\nSubject: first\r\n\r\ntext\r\n")
            break
        except OSError:
            assert server.poll() is None, "localserve has ended"
            assert time.monotonic() < until, "localserve accepts no connections"
            time.sleep(0.2)
    with imaplib.IMAP4("127.0.0.1", BASE + 143) as session:
        session.login(ADDRESS, PASSWORD)
        while session.select("INBOX")[1] != [b"1"]:
            assert time.monotonic() < until, "the message has not come"
            time.sleep(0.2)
        found = session.fetch("1", "(ENVELOPE)")[1][0]
        assert isinstance(found, bytes)
        assert b'"first"' in found


if __name__ == "__main__":
    main()
