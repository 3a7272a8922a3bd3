"""A mail server beside a web server that keeps ports 80 and 443, played end to end in a net of its own: run by
test_admin_existing_webserver as root, in new namespaces for network and mounts, with a folder as its argument.

The web server is nginx with a site of its own. Certificates are of another program: files that only root can read.
"""

import http.client
import imaplib
import json
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from cryptography import x509

from tests.certs import Authority
from tests.dnsworld import DNSWorld
from tests.integration.newcomer import OWN, USER, Served, say
from tests.ownnet import set_up_net
from tests.tools import need, until

NGINX = """\
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
daemon off;
events {{}}
http {{
    access_log off;
    include {folder}/sites/*.conf;
}}
"""

SITE = """\
server {{
    listen 80 default_server;
    listen 443 ssl default_server;
    ssl_certificate {folder}/tls/fullchain.pem;
    ssl_certificate_key {folder}/tls/privkey.pem;
    location / {{ return 200 "a site of its own"; }}
}}
"""

NAMES = (
    "mx.example.org",
    *(f"{label}.example.org" for label in ("mail", "mta-sts", "autoconfig", "autodiscover", "ua-auto-config")),
)


class OtherWebserver:
    """nginx."""

    def __init__(self, folder: Path) -> None:
        self._command = [need("nginx"), "-c", str(folder / "nginx.conf"), "-e", str(folder / "nginx.log")]
        (folder / "sites").mkdir()
        (folder / "sites/own.conf").write_text(SITE.format(folder=folder))
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder))

    def __enter__(self) -> "OtherWebserver":
        self._process = subprocess.Popen(self._command)
        until(self._answers, what="nginx")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)

    def _answers(self) -> bool:
        assert self._process.poll() is None, "nginx has ended"
        with socket.socket() as one:
            return one.connect_ex((OWN, 443)) == 0

    def reload(self) -> None:
        """Read the configuration again; a mistake in it is an error."""
        subprocess.run([*self._command, "-s", "reload"], check=True, timeout=30)


def fetch(host: str, path: str, tls: ssl.SSLContext | None, *, method: str = "GET", body: str = "") -> tuple[int, str]:
    """Status and text of an answer, by DNS as others do it."""
    connection: http.client.HTTPConnection
    if tls is None:
        connection = http.client.HTTPConnection(host, timeout=60)
    else:
        connection = http.client.HTTPSConnection(host, timeout=60, context=tls)
    try:
        connection.request(method, path, body or None, {"Content-Type": "text/xml"} if body else {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


ASKED = """\
<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">
<Request><EMailAddress>you@example.org</EMailAddress>
<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a\
</AcceptableResponseSchema></Request></Autodiscover>
"""


def play(folder: Path, world: DNSWorld, authority: Authority) -> None:
    """What docs/install.md says for such a machine."""
    server = Served(folder / "moxlite", roots=str(folder / "roots.pem"))
    (folder / "moxlite").mkdir()
    config = server.folder / "config/moxlite.toml"
    tls = ssl.create_default_context(cafile=str(folder / "roots.pem"))

    def moxlite(*args: str, check: bool = True) -> str:
        done = server.cli(*args, check=False)
        assert not check or done.returncode == 0, f"moxlite {' '.join(args)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def dnscheck() -> dict[str, dict[str, list[str]]]:
        topics = json.loads(moxlite("--json", "config", "dnscheck", "example.org", check=False))
        return {name: one for name, one in topics.items() if one["errors"] or one["warnings"]}

    wanted = ("quickstart", "--skip-dial", "--hostname", "mx.example.org")
    with OtherWebserver(folder) as nginx:
        said = moxlite("--config", str(folder / "first/config/moxlite.toml"), *wanted, "you@example.org", USER)
        assert "warning: the server can't start while other programs use these ports: 80 by " in said
        assert "--existing-webserver" in said
        say("without the option: the ports are taken, and that is said")
        files = ("--cert-file", str(folder / "tls/fullchain.pem"), "--key-file", str(folder / "tls/privkey.pem"))
        other = ("--existing-webserver", "nginx", *files)
        said = moxlite("--config", str(config), *wanted, *other, "you@example.org", USER)
        assert re.search(r"^\d\. Add the settings above to nginx, then reload it\.$", said, re.MULTILINE), said
        assert "another program" not in said
        assert "the certificates don't include" not in said
        password = re.search(r"^account password: (\S+)$", said, re.MULTILINE)[1]  # type: ignore[index]
        snippet = re.search(r"^# /etc/nginx/.*?\n\n", said, re.MULTILINE | re.DOTALL)
        assert snippet is not None, said
        (folder / "sites/moxlite.conf").write_text(snippet[0])
        nginx.reload()
        world.set("example.org", f"mx A {OWN}\nwww A {OWN}\n" + moxlite("config", "dnsrecords", "example.org"))
        moxlite("config", "test")
        server.start()
        try:
            until(lambda: dnscheck().keys() == {"dane"}, seconds=90, what=f"dnscheck: {dnscheck()}", pause=1)
            dane = dnscheck()["dane"]
            assert dane["errors"] == [], dane
            assert "to use DANE" in dane["warnings"][0]
            say("dnscheck is clean, but for DANE")
            _look(tls)
            link = moxlite("calendar", "link", "make", "you").strip()
            assert link.startswith("https://mx.example.org/dav/links/you/"), link
            status, text = fetch("mx.example.org", link.removeprefix("https://mx.example.org"), tls)
            assert (status, text[:15]) == (200, "BEGIN:VCALENDAR"), text
            say("a secret link of a calendar is opened through the web server")
            say("settings and policy come through the web server, and no page that was not asked for")
            with imaplib.IMAP4_SSL("mail.example.org", ssl_context=tls, timeout=60) as box:
                box.login("you@example.org", password)
            found = json.loads(moxlite("--json", "doctor", "--skip-dial", check=False))
            assert [one for one in found["findings"] if one["grade"] == "error"] == [], found
            _renew(folder, authority, moxlite, tls)
            say("the other program's new certificate is used at once")
        finally:
            server.stop()


def _look(tls: ssl.SSLContext) -> None:
    for transport in (tls, None):
        path = "/mail/config-v1.1.xml?emailaddress=you@example.org"
        status, text = fetch("autoconfig.example.org", path, transport)
        assert (status, "mail.example.org" in text) == (200, True), text
    for host in ("mx.example.org", "autodiscover.example.org"):
        status, text = fetch(host, "/Autodiscover/Autodiscover.xml", tls, method="POST", body=ASKED)
        assert (status, "<Server>mail.example.org</Server>" in text) == (200, True), text
    status, text = fetch("mta-sts.example.org", "/.well-known/mta-sts.txt", tls)
    assert (status, "mx: mx.example.org" in text) == (200, True), text
    for host in ("mx.example.org", "mail.example.org"):
        assert fetch(host, "/webmail/", tls)[0] == 404
        assert fetch(host, f"/mail/consent/{'a' * 34}", tls)[0] == 410, "the page for strangers, with no such question"
        for path in ("/dav/", "/jmap/session"):
            assert fetch(host, path, tls)[0] == 401, path
        assert [fetch(host, f"/.well-known/{one}", tls)[0] for one in ("caldav", "carddav")] == [301, 301]
        assert fetch(host, "/.well-known/jmap", tls)[0] in (301, 307, 401)
    assert fetch("autoconfig.example.org", "/webmail/", tls)[0] in (400, 404)
    assert fetch("www.example.org", "/", None) == (200, "a site of its own")


def _renew(folder: Path, authority: Authority, moxlite: Callable[..., str], tls: ssl.SSLContext) -> None:
    _write_pair(folder, authority)
    moxlite("tls", "reload")
    with (
        socket.create_connection((OWN, 993), timeout=60) as plain,
        tls.wrap_socket(plain, server_hostname="mail.example.org") as wrapped,
    ):
        shown = x509.load_der_x509_certificate(wrapped.getpeercert(binary_form=True) or b"")
    assert shown == x509.load_pem_x509_certificates((folder / "tls/fullchain.pem").read_bytes())[0]


def _write_pair(folder: Path, authority: Authority) -> None:
    """As certbot keeps them."""
    pair = authority.issue(*NAMES)
    (folder / "tls/fullchain.pem").write_bytes(pair.certificate_pem())
    (folder / "tls/privkey.pem").write_bytes(pair.key_pem())
    (folder / "tls/privkey.pem").chmod(0o600)


def main() -> None:
    """Play in the folder that is given."""
    signal.alarm(300)  # whatever hangs: the caller has given up by then
    folder = Path(sys.argv[1])
    set_up_net(folder, OWN)
    authority = Authority()
    (folder / "roots.pem").write_bytes(authority.pem)
    (folder / "roots.pem").chmod(0o644)
    (folder / "tls").mkdir(mode=0o700)
    _write_pair(folder, authority)
    zones = {
        "com": "",
        "example.org": f"mx A {OWN}\nwww A {OWN}",
        "100.45.5.in-addr.arpa": "10 PTR mx.example.org.\n",
    }
    with DNSWorld(zones, port=53) as world:
        play(folder, world, authority)
    say("done")


if __name__ == "__main__":
    main()
