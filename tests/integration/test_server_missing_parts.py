"""A server on a machine where something is gone: the rest serves (ADMIN-66)."""

import imaplib
import os
import re
import signal
import smtplib
import ssl
import sys
from pathlib import Path

import pytest

from moxlite.config.datadir import data_dir_of
from tests.ownnet import own_net, play
from tests.running import LocalServer, ServedServer
from tests.tools import free_port, until

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
        exchange_mail(server)
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


def test_a_machine_without_ipv6_serves_by_ipv4_and_gets_it_back(tmp_path: Path) -> None:
    """ADMIN-66: switched off while the server runs and before it starts, and back by halves: see
    tests/integration/withoutipv6.py.
    """
    with own_net() as folder:
        play("tests.integration.withoutipv6", folder, seconds=400, log=tmp_path / "steps")


def exchange_mail(server: ServedServer) -> None:
    """Let eve send a message to bob, who looks for it."""
    with smtplib.SMTP_SSL("127.0.0.1", server.ports["submissions"], timeout=60, context=TLS) as sender:
        sender.login("eve@example.org", server.password)
        sender.sendmail(
            "eve@example.org", ["bob@example.org"], b"From: eve@example.org\r\nSubject: hello\r\n\r\nhello\r\n"
        )
    with imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=TLS) as client:
        client.login("bob@example.org", server.password)
        until(lambda: client.select("INBOX")[1] != [b"0"])
        client.store("1:*", "+FLAGS", "(\\Deleted)")
        client.expunge()


def test_parts_that_go_one_by_one_stop_nothing_else(tmp_path: Path) -> None:
    """ADMIN-66: a CA's file, a login provider, another provider's mailbox, the port of metrics and the child processes:
    each goes while the server runs, and is missing when it starts again.
    """
    with LocalServer(tmp_path / "far") as far:
        authority = tmp_path / "ca.pem"
        authority.write_bytes((far.config_folder / "localhost.crt").read_bytes())
        inner = f'[listeners.inner]\nips = ["127.0.0.1"]\nmetrics_http = {{ enabled = true, port = {free_port()} }}\n'
        provider = f'[oidc]\nissuer = "https://127.0.0.1:{far.port(443)}"\nclient_id = "a"\nallow_internal = true\n'
        trust = (
            f'tls.ca = {{ cert_files = ["{authority}"], additional_to_system = true }}\nallow_private_webhooks = true'
        )
        with ServedServer(tmp_path / "server", static=inner + provider, top=trust) as server:
            place = ("--host", "127.0.0.1", "--port", str(far.port(993)), "--no-sending", "--user", far.user)
            server.cli("link", "add", "bob", "far@far.example", *place, stdin=far.password + "\n")
            exchange_mail(server)
            assert server.cli("healthcheck").stdout == ""
            for child in server.pids()[1:]:
                os.kill(child, signal.SIGKILL)
            exchange_mail(server)
            far.stop()
            exchange_mail(server)
            authority.unlink()
            server.process.send_signal(signal.SIGHUP)
            exchange_mail(server)
            server.stop()
            config = server.config_folder / "moxlite.toml"
            config.write_text(
                config.read_text().replace(
                    '[listeners.inner]\nips = ["127.0.0.1"]', '[listeners.inner]\nips = ["2001:db8::77"]'
                )
            )
            server.start()
            exchange_mail(server)
            health = server.cli("healthcheck", check=False).stderr
            assert f"tls.ca.cert_files: can't read {authority}: No such file or directory" in health
            assert "this machine doesn't have the address 2001:db8::77" in health
            assert "far@far.example" in server.cli("link", "list", "bob").stdout


def test_a_changed_setting_waits_for_a_restart_and_is_named(tmp_path: Path) -> None:
    """ADMIN-3a: by healthcheck, doctor, config test, the overview and, at a reload, the log; a comment is no change,
    and a mistake says that the server can't start again.
    """
    with ServedServer(tmp_path / "server") as server:
        config = server.config_folder / "moxlite.toml"
        before = config.read_text()
        config.write_text(f"# a comment\n{before}")
        assert server.cli("healthcheck").stdout == ""
        config.write_text(f'log_level = "debug"\n{before}\n[store]\nsearch_index = false\n')
        text = "moxlite.toml changed since the start, so these settings aren't in effect: log_level, store.search_index"
        assert server.cli("healthcheck").stdout == f"warning: {text}\n"
        assert f"warning: moxlite.toml: {text} (systemctl restart moxlite)" in server.cli("config", "test").stderr
        assert text in server.cli("doctor", "--skip-dial", "--skip-mail", check=False).stdout
        server.process.send_signal(signal.SIGHUP)
        until(lambda: "reloaded without moxlite.toml" in server.log())
        config.write_text(f"log_level = debug\n{before}")
        health = server.cli("healthcheck", check=False).stdout
        assert "the server can't start again with it" in health
        config.write_text(f'log_level = "debug"\n{before}')
        server.stop()
        server.start()
        assert server.cli("healthcheck").stdout == ""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel lists sockets on Linux alone")
def test_a_server_that_runs_with_the_former_data_folder_is_named(tmp_path: Path) -> None:
    """ADMIN-19d: by healthcheck, doctor and config test; neither is told to be down, nor its ports to be another
    program's. Once it is stopped, it is down.
    """
    with ServedServer(tmp_path / "server") as server:
        config = server.config_folder / "moxlite.toml"
        before = config.read_text()
        (tmp_path / "moved").mkdir()
        former = f"the server still runs with {data_dir_of(config)}, because data_dir was changed in moxlite.toml"
        kept = re.sub("(?m)^data_dir.*\n", "", before)
        config.write_text(f'data_dir = "{tmp_path / "moved"}"\n{kept}')
        for command in (("healthcheck",), ("config", "account", "list")):
            done = server.cli(*command, check=False)
            assert (done.returncode, former in done.stderr, "isn't running" in done.stderr) == (3, True, False)
        said = server.cli("config", "test", check=False).stderr
        assert f"warning: server: {former}" in said, said
        said = server.cli("doctor", "--skip-dial", "--skip-mail", check=False).stdout
        assert f"error: restart-needed: {former}" in said, said
        assert "server-down" not in said
        assert "port-taken" not in said
        config.write_text(before)
        assert server.cli("healthcheck").stdout == ""
        config.write_text(f'data_dir = "{tmp_path / "moved"}"\n{kept}')
        server.stop()
        assert "the server isn't running" in server.cli("healthcheck", check=False).stderr
