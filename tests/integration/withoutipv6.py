"""A server whose machine loses IPv6 and gets it back, in a net of its own: run by test_server_missing_parts as root, in
new namespaces for network and mounts, with a folder as its argument.

IPv6 is switched off as guides have it (`sysctl net.ipv6.conf.all.disable_ipv6=1`), while the server runs and before it
starts, and comes back by halves: loopback first, the public address later (ADMIN-66).
"""

import signal
import smtplib
import subprocess
import sys
from pathlib import Path

from tests.running import ServedServer
from tests.tools import free_port, until

PUBLIC = "2001:db8::25"
SWITCH = Path("/proc/sys/net/ipv6/conf/all/disable_ipv6")
PORT = free_port()
SIX = f"""\
[listeners.six]
ips = ["::1", "{PUBLIC}"]
tls.key_certs = [{{ cert_file = "cert.pem", key_file = "key.pem" }}]
smtp = {{ enabled = true, port = {PORT} }}
"""


def greets(host: str, port: int) -> bool:
    """Whether the server is there."""
    try:
        with smtplib.SMTP(host, port, timeout=60) as client:
            return client.noop()[0] == 250
    except OSError:
        return False


def add_public() -> None:
    """Give the machine its address."""
    subprocess.run(["ip", "-6", "addr", "add", f"{PUBLIC}/128", "dev", "lo"], check=True)


def has_all(server: ServedServer) -> bool:
    """Whether `healthcheck` misses nothing; else it names the public address. Loopback is for this machine alone."""
    said = server.cli("healthcheck", check=False)
    missing = f"doesn't have the address {PUBLIC}" in said.stderr
    assert (said.returncode == 1) == missing, said.stderr
    return not missing


def play(server: ServedServer) -> None:
    """Off while it runs, off when it starts, half there, whole."""
    four = server.ports["smtp"]
    with server:
        assert (greets("127.0.0.1", four), greets("::1", PORT), greets(PUBLIC, PORT)) == (True, True, True)
        assert has_all(server)
        SWITCH.write_text("1")
        assert greets("127.0.0.1", four)
        assert not has_all(server)
    with server:
        assert (greets("127.0.0.1", four), greets("::1", PORT)) == (True, False)
        assert not has_all(server)
        SWITCH.write_text("0")
        until(lambda: greets("::1", PORT), seconds=90, what="loopback")
        assert not has_all(server)
        add_public()
        until(lambda: greets(PUBLIC, PORT), seconds=90, what="the public address")
        assert has_all(server)


def main() -> None:
    """Play in the folder that is given."""
    signal.alarm(400)  # whatever hangs: the caller has given up by then
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    add_public()
    play(ServedServer(Path(sys.argv[1]) / "server", static=SIX))
    print("done")


if __name__ == "__main__":
    main()
