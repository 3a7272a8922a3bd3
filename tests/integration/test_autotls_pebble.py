"""A running server gets its certificates from a CA that speaks ACME: Debian's pebble."""

import json
import re
import socket
import ssl
from pathlib import Path

import pytest

from moxlite.autotls.files import certificate_id
from tests.acmeca import Pebble
from tests.acmeserver import CertifiedServer, public_key
from tests.ownnet import own_net, play
from tests.tools import free_port, until

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def ports() -> tuple[int, int]:
    """Where pebble looks for proofs: http, tls."""
    return free_port(), free_port()


def test_certificates_come_by_themselves(tmp_path: Path, ports: tuple[int, int]) -> None:
    """WEB-112, WEB-113, WEB-114, WEB-115, WEB-117, WEB-118, WEB-122: by tls-alpn-01; the host's own key, other names
    have keys of their own; until then STARTTLS shows the host key; disabled domains are left out; nonces that the CA
    refuses do no harm. HTTPS refuses unknown names, and shows the host's certificate without one; what was shown
    and refused is counted.
    """
    with Pebble(tmp_path / "ca", *ports, nonces=30) as ca:
        with CertifiedServer(tmp_path / "server", ca=ca) as server:
            assert public_key(server.shown("smtp", "mx.example.org")) == server.host_key
            first = server.issued("mx.example.org")
            other = server.issued("mail.example.org")
            assert public_key(first) == public_key(server.shown("smtp", "unknown.example")) == server.host_key
            assert public_key(other) != server.host_key
            assert public_key(server.shown("https", "mail.example.org")) == public_key(other)
            assert server.shown("https", None) == first, "a client without a server name gets the host's"
            with pytest.raises(ssl.SSLError):
                server.shown("https", "unknown.example")
            told = server.metrics()
            assert told["moxlite_autotls_missing_servername_total"] == 1
            assert told["moxlite_autotls_unknown_servername_total"] >= 2
            assert told["moxlite_autotls_certput_total"] == 2
            for host, one in (("mx.example.org", first), ("mail.example.org", other)):
                end = told[f'moxlite_tls_cert_not_after_seconds{{host="{host}",listener="public"}}']
                assert end == one.not_valid_after_utc.timestamp()
            ordered = [one["identifiers"] for one in ca.orders]
        names = {one["value"] for order in ordered for one in order}
        assert names == {"mx.example.org", "mail.example.org"}
        files = tmp_path / "server/data/acme"
        assert b"PRIVATE KEY" not in (files / "keycerts/test/mx.example.org").read_bytes()
        assert oct((files / "test.key").stat().st_mode & 0o777) == "0o600"
        with server:  # what is on disk is used at once, and nothing is ordered again
            assert server.shown("imaps", "mx.example.org") == first
            assert [one["identifiers"] for one in ca.orders] == ordered


def test_a_host_name_of_other_letters_has_certificates_and_a_policy(tmp_path: Path, ports: tuple[int, int]) -> None:
    """WEB-112, WEB-113, SMTP-2c, SMTP-2e: the CA, clients and other servers get A-labels, and people U-labels."""
    with Pebble(tmp_path / "ca", *ports) as ca:
        server = CertifiedServer(tmp_path / "server", ca=ca)
        static, domains = (server.config_folder / name for name in ("moxlite.toml", "domains.toml"))
        text = static.read_text().replace(
            "account_https =", f"mtasts_https = {{ enabled = true, port = {ca.tls} }}\naccount_https ="
        )
        static.write_text(text.replace("example.org", "bücher.example"))
        policy = '[domains."bücher.example".mtasts]\npolicy_id = "20261130T000000"\nmode = "testing"\nmax_age = "7d"\n'
        domains.write_text(domains.read_text().replace("example.org", "bücher.example") + policy)
        with server:
            assert public_key(server.issued("mx.xn--bcher-kva.example")) == server.host_key
            server.issued("mail.xn--bcher-kva.example")
            server.issued("mta-sts.xn--bcher-kva.example")
            context = ssl.create_default_context(cadata=ca.root())
            with (
                socket.create_connection(("127.0.0.1", ca.tls), timeout=30) as plain,
                context.wrap_socket(plain, server_hostname="mta-sts.bücher.example") as tls,
            ):
                tls.sendall(b"GET /.well-known/mta-sts.txt HTTP/1.0\r\nHost: mta-sts.xn--bcher-kva.example\r\n\r\n")
                answer = b"".join(iter(lambda: tls.recv(4096), b""))
            assert b"\r\nmx: mx.xn--bcher-kva.example\r\n" in answer
            end = 'moxlite_tls_cert_not_after_seconds{host="mx.xn--bcher-kva.example",listener="public"}'
            assert end in server.metrics()
            found = json.loads(server.cli("--json", "doctor", "--skip-dial", "--skip-mail", check=False).stdout)
            texts = {finding["code"]: finding["text"] for finding in found["findings"]}
            del texts["dns"]  # has records as they are entered
            assert not [text for code, text in texts.items() if "xn--" in text or code.startswith("certificate")]
        names = {name["value"] for order in ca.orders for name in order["identifiers"]}
        assert names == {f"{host}.xn--bcher-kva.example" for host in ("mx", "mail", "mta-sts")}


@pytest.mark.nightly
def test_http_01_where_only_port_80_is_ours(tmp_path: Path, ports: tuple[int, int]) -> None:
    """WEB-113: a listener without https."""
    with (
        Pebble(tmp_path / "ca", *ports) as ca,
        CertifiedServer(tmp_path / "server", ca=ca, https=False, acme="") as server,
    ):
        assert public_key(server.issued("mx.example.org")) == server.host_key


@pytest.mark.nightly
def test_a_name_that_is_elsewhere_fails_no_other(tmp_path: Path, ports: tuple[int, int]) -> None:
    """WEB-119: it is not ordered, and the log says where it is."""
    with Pebble(tmp_path / "ca", *ports) as ca:
        ca.place("mail.example.org", "192.0.2.7")
        with CertifiedServer(tmp_path / "server", ca=ca) as server:
            server.issued("mx.example.org")
            until(lambda: "host name doesn't point to this server" in server.log(), what="the warning")
            words = "mail.example.org points to 192.0.2.7, where this server doesn't listen"
            assert f'host=mail.example.org why="{words}"' in server.log()
        assert [one["value"] for order in ca.orders for one in order["identifiers"]] == ["mx.example.org"]


@pytest.mark.nightly
def test_a_firewall_that_keeps_the_ca_out_is_told(tmp_path: Path, ports: tuple[int, int]) -> None:
    """WEB-119, WEB-140: the CA connects to ports that lead nowhere, as behind a firewall, while our own proof is seen
    at the server's; the log and the doctor say both.
    """
    with Pebble(tmp_path / "ca", *ports) as ca:
        ca.http, ca.tls = free_port(), free_port()  # where the server listens
        # RFC 8555 §6.7, as Let's Encrypt says it; pebble has another word for TLS
        ca.alter = lambda text: text.replace(b"acme:error:unauthorized", b"acme:error:connection")
        with CertifiedServer(tmp_path / "server", ca=ca) as server:
            until(lambda: "certificate order failed" in server.log(), seconds=90, what="the failure")
            assert "a firewall may be blocking the CA" in server.log()
            assert "CA can't reach the challenge response" not in server.log()
            told = json.loads(server.cli("--json", "doctor", "--skip-dial", "--skip-mail", check=False).stdout)
        [found] = [one["text"] for one in told["findings"] if one["code"] == "certificate-order"]
        assert "Failed to connect" in found
        assert "blocking the CA" in found


@pytest.mark.nightly
def test_a_clock_that_differs_from_the_cas_is_told(tmp_path: Path, ports: tuple[int, int]) -> None:
    """ADMIN-70: with the difference, before a server has started."""
    with Pebble(tmp_path / "ca", *ports) as ca:
        server = CertifiedServer(tmp_path / "server", ca=ca)
        for ahead, grade in ((150.0, "warning"), (3000.0, "error")):
            ca.ahead = ahead
            told = json.loads(server.cli("--json", "doctor", "--skip-dial", check=False).stdout)
            [found] = [one for one in told["findings"] if one["code"] == "clock-wrong"]
            seconds = re.fullmatch(r"the clock is (\d+) s behind the CA test", found["text"])
            assert seconds is not None, found
            assert ahead - 60 < int(seconds[1]) < ahead + 60
            assert found["grade"] == grade


@pytest.mark.nightly
def test_a_port_that_is_closed_here_is_told_before_an_order(tmp_path: Path) -> None:
    """WEB-113, WEB-119: see tests/integration/closedports.py."""
    with own_net("pebble", "openssl") as folder:
        play("tests.integration.closedports", folder, seconds=300, log=tmp_path / "steps")


@pytest.mark.nightly
def test_the_ca_says_when_to_renew_and_hears_what_is_replaced(tmp_path: Path, ports: tuple[int, int]) -> None:
    """WEB-112, WEB-116: external account binding; a window that has begun (RFC 9773) renews with the same host key, in
    the running server, and the order names the certificate before it.
    """
    binding = 'external_account_binding = { key_id = "kid-1", key_file = "eab.key" }'
    key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
    with Pebble(tmp_path / "ca", *ports, eab=("kid-1", key), window=(86400, 2 * 86400)) as ca:
        server = CertifiedServer(tmp_path / "server", ca=ca, acme=binding)
        (tmp_path / "server/config/eab.key").write_text(key + "\n")
        with server:
            first = server.issued("mx.example.org")
            server.issued("mail.example.org")
        assert not any("replaces" in order for order in ca.orders)
        ca.window = (-86400, -3600)
        (tmp_path / "server/data/acme/test.state").unlink()  # which knows that an order an hour is enough
        with server:
            until(lambda: server.shown("imaps", "mx.example.org") != first, seconds=90, what="renewal", pause=0.5)
            second = server.shown("imaps", "mx.example.org")
        assert public_key(second) == server.host_key
        replaced = [order["replaces"] for order in ca.orders if "replaces" in order]
        assert certificate_id(first) in replaced


@pytest.mark.nightly
def test_a_ca_that_is_away_is_quoted_and_mail_ports_go_on(tmp_path: Path, ports: tuple[int, int]) -> None:
    """WEB-115, WEB-140: its own words, its Retry-After; nonsense; the host key is shown all the while."""
    busy = b'{"type": "urn:ietf:params:acme:error:rateLimited", "detail": "come back after lunch"}'
    with (
        Pebble(tmp_path / "ca", *ports) as ca,
        CertifiedServer(tmp_path / "server", ca=ca, https=False) as server,
    ):
        assert public_key(server.issued("mx.example.org")) == server.host_key
        server.stop()
        data = tmp_path / "server/data/acme"
        for answer, words in (
            ((429, {"Content-Type": "application/problem+json", "Retry-After": "3600"}, busy), "come back after lunch"),
            ((200, {"Content-Type": "text/html"}, b"<html>"), "acme=test"),
            ((200, {"Content-Type": "application/json"}, b'{"newNonce": 7}'), "unexpected response from the CA"),
            ((503, {"Content-Type": "text/html"}, b"down"), "HTTP status 503"),
        ):
            ca.err = lambda path, answer=answer: answer  # type: ignore[misc]
            (data / "test.state").unlink()
            (data / "keycerts/test/mx.example.org").unlink(missing_ok=True)
            with server:
                until(lambda: "certificate order failed" in server.log(), what="failure")
                assert words in server.log()
                assert public_key(server.shown("smtp", "mx.example.org")) == server.host_key
        assert '"not_before"' not in (data / "test.state").read_text()


@pytest.mark.nightly
@pytest.mark.parametrize("step", ["/sign-me-up", "/order-plz", "/chalZ/", "/finalize-order/", "/certZ/"])
def test_killed_at_each_step_it_begins_again(tmp_path: Path, ports: tuple[int, int], step: str) -> None:
    """WEB-112, WEB-115: kill -9 while the CA is asked; the try counts, nothing is half written, the account stays."""
    with Pebble(tmp_path / "ca", *ports) as ca:
        server = CertifiedServer(tmp_path / "server", ca=ca, https=False)

        def kill(path: str) -> None:
            if path.startswith(step):
                server.process.kill()
                ca.err = lambda _: None

        ca.err = kill
        server.start()
        server.process.wait(timeout=60)
        data = tmp_path / "server/data/acme"
        key = (data / "test.key").read_bytes()
        assert not (data / "keycerts/test/mx.example.org").exists()
        state = json.loads((data / "test.state").read_text())
        assert state["hosts"]["mx.example.org"]["failures"] == 1
        state["hosts"]["mx.example.org"]["next_try"] = 0.0  # as if a minute had passed
        (data / "test.state").write_text(json.dumps(state))
        with server:
            assert public_key(server.issued("mx.example.org")) == server.host_key
        assert (data / "test.key").read_bytes() == key
