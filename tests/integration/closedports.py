"""Ports of http and https that this machine itself keeps closed, played in a net of its own: run by test_autotls_pebble
as root, in new namespaces for network and mounts, with a folder as its argument.

Routing rules of the kernel stand for a packet filter: connections to the ports end at once. The CA is pebble.
"""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.acmeca import Pebble
from tests.acmeserver import CertifiedServer, public_key
from tests.integration.newcomer import say
from tests.tools import free_port, until

WORDS = "CA can't reach the challenge response"


def rule(*words: str) -> None:
    """Change the rules of the net."""
    subprocess.run(["ip", "rule", *words], check=True)


def filtered(port: int) -> tuple[str, ...]:
    return ("to", "127.0.0.1", "ipproto", "tcp", "dport", str(port), "prohibit")


def play(folder: Path) -> None:
    """Both ports are closed, then one."""
    (folder / "ca").mkdir()
    with Pebble(folder / "ca", free_port(), free_port()) as ca:
        server = CertifiedServer(folder / "server", ca=ca)
        domains = server.folder / "config/domains.toml"  # one name, one order
        domains.write_text(domains.read_text().replace('client_settings_domain = "mail.example.org"', ""))
        static = server.folder / "config/moxlite.toml"  # a proof is seen at each port of plain http
        static.write_text(re.sub("^metrics_http.*$", "", static.read_text(), flags=re.MULTILINE))
        rule("add", "pref", "50", *filtered(ca.http))
        rule("add", "pref", "50", *filtered(ca.tls))
        with server:
            until(lambda: "certificate order failed" in server.log(), seconds=90, what="the failed order")
            said = server.log().partition("certificate order failed")[0]
            for kind, port in (("http-01", ca.http), ("tls-alpn-01", ca.tls)):
                line = next(line for line in said.splitlines() if WORDS in line and kind in line)
                assert f"port {port} of this machine isn't responding" in line, line
            told = json.loads(server.cli("--json", "doctor", "--skip-dial", "--skip-mail", check=False).stdout)
            [found] = [one["text"] for one in told["findings"] if one["code"] == "certificate-order"]
            assert f"port {ca.http} of this machine isn't responding" in found, found
            assert "blocking the CA" not in found
            assert public_key(server.shown("smtp", "mx.example.org")) == server.host_key
        say("both ports are closed: told before the order, and by the doctor")

        rule("del", *filtered(ca.http))
        path = server.folder / "data/acme/test.state"
        state = json.loads(path.read_text())
        state["hosts"]["mx.example.org"] |= {"next_try": 0.0, "kind": "tls-alpn-01", "failures": 0}
        path.write_text(json.dumps(state))
        with server:
            assert public_key(server.issued("mx.example.org")) == server.host_key
        said = server.log()
        assert [line for line in said.splitlines() if WORDS in line and "tls-alpn-01" in line], said
        assert "certificate order failed" not in said, "what is open comes first, though the other one worked last"
        say("one is open: it is used at once")


def main() -> None:
    """Play in the folder that is given."""
    signal.alarm(300)  # whatever hangs: the caller has given up by then
    for command in ("ip link set lo up", "ip rule add pref 100 lookup local", "ip rule del pref 0"):
        subprocess.run(command.split(), check=True)
    play(Path(sys.argv[1]))
    say("done")


if __name__ == "__main__":
    main()
