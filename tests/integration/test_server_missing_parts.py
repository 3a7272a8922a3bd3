"""A server on a machine where something is gone: the rest serves (ADMIN-66)."""

import imaplib
import ssl
from pathlib import Path

import pytest

from tests.running import ServedServer
from tests.tools import free_port

pytestmark = [pytest.mark.served, pytest.mark.integration]

TLS = ssl._create_unverified_context()


def test_what_is_gone_stops_only_what_needs_it(tmp_path: Path) -> None:
    """ADMIN-66: an address that the machine doesn't have, and the folder of the log file; doctor, healthcheck and the
    log name both, and `config test` warns of the address.
    """
    port = free_port()
    inner = f'[listeners.inner]\nips = ["2001:db8::77"]\nmetrics_http = {{ enabled = true, port = {port} }}\n'
    gone = tmp_path / "gone/moxlite.log"
    with ServedServer(tmp_path / "server", static=inner, top=f'log_file = "{gone}"') as server:
        with imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=TLS) as client:
            client.login("bob@example.org", server.password)
            assert client.select("INBOX")[0] == "OK"
        missing = "this machine doesn't have the address 2001:db8::77"
        said = server.cli("healthcheck", check=False)
        assert said.returncode == 1
        assert missing in said.stderr
        assert f"can't write log_file {gone}" in said.stderr
        tested = server.cli("config", "test")
        assert missing in tested.stdout + tested.stderr
        doctor = server.cli("doctor", "--skip-dial", "--skip-mail", "--json", check=False).stdout
        assert doctor.count(missing) == 1
        assert str(gone) in doctor
        server.stop()
    assert missing in server.log()
