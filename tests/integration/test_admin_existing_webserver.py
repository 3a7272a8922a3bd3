"""``moxlite quickstart --existing-webserver``: a mail server beside a web server that keeps its ports (ADMIN-33)."""

import http.client
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from moxlite.admin.quickstart.listeners import Places
from moxlite.admin.quickstart.webserver import TEXTS, Webserver, configuration
from moxlite.net.tls.certificates import self_signed
from moxlite.proto.address import Domain
from tests.ownnet import own_net, play
from tests.realservers import listening
from tests.running import LocalServer
from tests.tools import free_port, moxlite_command, need, top, until

pytestmark = [pytest.mark.integration, pytest.mark.served]

SECONDS = 300
"""On a machine that does other things as well; 20 s where it does not."""


@pytest.mark.nightly
def test_a_mail_server_beside_nginx(tmp_path: Path) -> None:
    """ADMIN-29, 33, 34, 48, WEB-120, 121, 123, 124, 127, 158c: nginx has a site at ports 80 and 443, and takes what
    quickstart prints for it, verbatim; settings and policy come through it, `dnscheck` is clean but for DANE, the pages
    stay inside; a certificate that another program renews reaches the worker. Without the option, quickstart says that
    the ports are taken. See tests/integration/besideweb.py.
    """
    with own_net("nginx") as folder:
        play("tests.integration.besideweb", folder, seconds=SECONDS, log=tmp_path / "steps")


def quickstart(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [*moxlite_command(), "--config", str(folder / "config/moxlite.toml"), "quickstart"]
    command += ["--skip-dial", "--resolver", "127.0.0.1:9", "--hostname", "mx.example.org"]
    user = str(os.getuid() or 2000)
    environment = {**os.environ, "PYTHONPATH": str(top())}
    return subprocess.run(
        [*command, *more, "me@example.org", user],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
    )


def moxlite(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [*moxlite_command(), "--config", str(folder / "config/moxlite.toml"), *args]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)


def write_pair(folder: Path, name: str, *names: str, days: float = 30) -> tuple[str, ...]:
    """Options that name a new certificate."""
    pair = self_signed(names, days=days)
    (folder / f"{name}.pem").write_bytes(pair.certificate_pem())
    (folder / f"{name}.key").write_bytes(pair.key_pem())
    return ("--cert-file", str(folder / f"{name}.pem"), "--key-file", str(folder / f"{name}.key"))


@pytest.mark.nightly
def test_certificates_that_are_given_are_looked_at_first(tmp_path: Path) -> None:
    """ADMIN-33, 35: a file that is not there, a key of another certificate, options that do not go together: nothing is
    made. A name that is missing, and a certificate that has ended, are warnings; several pairs are in their order.
    """
    first = write_pair(tmp_path, "first", "mx.example.org")
    second = write_pair(tmp_path, "second", "*.example.org")
    old = write_pair(tmp_path, "old", "mail.example.org", days=-0.01)
    new = tmp_path / "new"
    crossed = ("--cert-file", first[1], "--key-file", second[3])
    for args, code, words in (
        (first, 2, "require --existing-webserver"),
        (("--existing-webserver", "nginx"), 2, "requires --cert-file"),
        (("--existing-webserver", "nginx", *first, *second[:2]), 2, "requires --cert-file"),
        (("--existing-webserver", "lighttpd", *first), 2, "lighttpd"),
        (("--existing-webserver", "nginx", *first[:3], "/nowhere"), 1, "can't read /nowhere: No such file"),
        (("--existing-webserver", "nginx", *crossed), 1, f"{first[1]} and {second[3]}: private key doesn't match"),
    ):
        done = quickstart(new, *args)
        assert (done.returncode, new.exists()) == (code, False), done.stderr
        assert words in done.stderr
    done = quickstart(tmp_path / "one", "--existing-webserver", "caddy", *first, *old)
    assert done.returncode == 0, done.stderr
    assert f"warning: the certificate in {old[1]} expired on " in done.stdout
    assert "the certificates don't include" not in done.stdout
    assert "\nmta-sts.example.org, autoconfig.example.org" in done.stdout
    text = (tmp_path / "one/config/moxlite.toml").read_text()
    assert text.index(first[1]) < text.index(old[1])
    assert "acme" not in text
    assert not (tmp_path / "one/config/hostkeys").exists()
    assert "\nadmin_http = { enabled = true, port = 8012 }\n" in text, "at a port that no web server passes on"
    assert "ssh -L 8080:127.0.0.1:1080 -L 8012:127.0.0.1:8012 root@mx.example.org\n" in done.stdout
    assert "\nwebapi_http = { enabled = true, port = 8013 }\n" in text, "as this"
    pages = 'web.public_url = { account = "https://mx.example.org/", webmail = "https://mx.example.org/webmail/" }'
    assert f"\n# {pages}\n" in text
    switch = ("config", "listeners", "publish-web")
    said = moxlite(tmp_path / "one", *switch, "on").stdout
    assert "https://mx.example.org/webmail/ and https://mx.example.org/" in said
    assert "Your web server must pass them on" in said
    opened = text.replace(f"# {pages}", pages)
    assert (tmp_path / "one/config/moxlite.toml").read_text() == opened
    assert "stop passing them on" in moxlite(tmp_path / "one", "--yes", *switch, "off").stdout
    assert (tmp_path / "one/config/moxlite.toml").read_text() == opened.replace(f"{pages}\n", "")
    assert moxlite(tmp_path / "one", *switch, "on").returncode == 0
    assert tomllib.loads((tmp_path / "one/config/moxlite.toml").read_text())["web"] == tomllib.loads(opened)["web"]
    done = quickstart(tmp_path / "four", "--existing-webserver", "caddy", *first, "--publish-web")
    assert f"\n{pages}\n" in (tmp_path / "four/config/moxlite.toml").read_text()
    assert "\n    reverse_proxy 127.0.0.1:1080\n}\n" in done.stdout
    assert "7. Open webmail at https://mx.example.org/webmail/, from anywhere." in done.stdout
    done = quickstart(tmp_path / "two", "--existing-webserver", "apache", *first)
    assert "warning: the certificates don't include mail.example.org" in done.stdout
    done = quickstart(tmp_path / "three", "--existing-webserver", "apache", *second)
    assert "the certificates don't include" not in done.stdout, "a wildcard"
    assert "    ProxyPreserveHost On\n" in done.stdout


@pytest.mark.parametrize("kind", sorted(TEXTS))
def test_what_a_web_server_is_told_has_all_names(kind: str) -> None:
    """ADMIN-33: each kind passes on the same, to loopback alone."""
    server = Webserver(kind, ((Path("/tls/chain"), Path("/tls/key")),))  # type: ignore[arg-type]  # of three
    text = configuration(server, Domain.parse("mx.example.org"), Domain.parse("bücher.example"))
    for name in ("mta-sts", "autoconfig", "autodiscover", "ua-auto-config", "mail"):
        assert f"{name}.xn--bcher-kva.example" in text
    for word in ("mx.example.org", "autodiscover/", "mail-v1", "profile.mobileconfig", "dav/", "jmap/", "carddav"):
        assert word in text
    backends = text.split("127.0.0.1")[1:]
    assert backends
    assert all(one.startswith(":1080") for one in backends)


@pytest.mark.nightly
@pytest.mark.slow
def test_nginx_lets_websockets_of_the_webmail_through(tmp_path: Path) -> None:
    """ADMIN-33, WEBMAIL-32: with the lines for the webmail, which are comments as they are printed."""
    server = Webserver("nginx", ((Path("/tls/chain"), Path("/tls/key")),))
    text = configuration(server, Domain.parse("localhost"), Domain.parse("example.org"))
    site = text[text.rindex("server {") :].replace("    # location", "    location").replace("    #     ", "    ")
    site = site.replace("    # }", "    }")
    kept = [line for line in site.splitlines() if not re.match(r" *(listen|ssl_|server_name)", line)]
    port = free_port()
    with LocalServer(tmp_path / "server") as local:
        lines = "\n".join(kept).replace(":1080", f":{local.port(80)}").replace("server {", f"server {{\nlisten {port};")
        config = tmp_path / "nginx.conf"
        head = f"daemon off;\npid {tmp_path}/pid;\nerror_log {tmp_path}/errors;\nevents {{}}\n"
        config.write_text(f"{head}http {{\naccess_log off;\n{lines}\n}}\n")
        with subprocess.Popen([need("nginx"), "-p", str(tmp_path), "-c", str(config)]) as nginx:
            try:
                until(lambda: listening(port), what="nginx")
                status, words = upgrade(port)
            finally:
                nginx.terminate()
    # asked to upgrade, the server looks for the session; without the header it would answer 426
    assert (status, "You're logged out." in words) == (403, True), words


def upgrade(port: int) -> tuple[int, str]:
    """The status and the words that answer a request for a websocket."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"host": "localhost", "origin": "http://localhost", "connection": "Upgrade", "upgrade": "websocket"}
    headers |= {"sec-websocket-version": "13", "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    connection.request("GET", "/webmail/ws?token=x", headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_only_loopback_is_for_the_web_server() -> None:
    """ADMIN-33: an inner network does not get at a port that believes in X-Forwarded-For."""
    assert Places(("192.0.2.1",), ("10.0.0.1", "127.0.0.1", "::1")).loopback == ("127.0.0.1", "::1")
