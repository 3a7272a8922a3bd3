"""Doctor and dnscheck where the certificate authority can't be reached, in a net of its own: run by
test_server_newcomer as root, in new namespaces for network and mounts, with a folder as its argument.

DNS is right, and the six names of a new server have no certificate: that is one finding, not one for each name and
topic (ADMIN-70).
"""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.certs import Authority
from tests.dnsworld import DNSWorld
from tests.integration.newcomer import OWN, USER, Served, say
from tests.ownnet import set_up_net
from tests.tools import until

NAMES = {f"{name}.example.org" for name in ["mx", "mail", "mta-sts", "autoconfig", "autodiscover", "ua-auto-config"]}


class Examined:
    """A server that quickstart made, whose CA doesn't exist."""

    def __init__(self, folder: Path) -> None:
        (folder / "roots.pem").write_bytes(Authority().pem)
        self.server = Served(folder / "moxlite", roots=str(folder / "roots.pem"))
        self.server.folder.mkdir()
        self.config = self.server.folder / "config/moxlite.toml"
        words = ("quickstart", "--skip-dial", "--hostname", "mx.example.org", "you@example.org", USER)
        self.run("--config", str(self.config), *words)
        text = self.config.read_text()
        text = re.sub(r"(?m)^directory_url = .*$", 'directory_url = "https://ca.example.net/dir"', text)
        self.config.write_text(text)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.server.cli(*words, check=False)

    def errors(self) -> list[str]:
        """Doctor's errors, as ``CODE: TEXT``. None of its findings has marks of Python."""
        done = self.run("--json", "doctor", "--skip-dial")
        findings = json.loads(done.stdout)["findings"]
        assert not [one for one in findings if re.search(r"_ssl\.c|Errno|DOMAIN", str(one))], findings
        assert not [one for one in findings if "well-known" in one["text"]], findings
        assert not [one for one in findings if "isn't running; start" in one["text"]], findings
        assert [one for one in findings if "dnscheck" in str(one)] == [
            one for one in findings if "moxlite config dnscheck example.org" in one["commands"]
        ], findings
        return [f"{one['code']}: {one['text']}" for one in findings if one["grade"] == "error"]


def play(me: Examined, world: DNSWorld) -> None:
    """Before the start, and after the orders failed."""
    world.set("example.org", f"mx A {OWN}\n{me.run('config', 'dnsrecords', 'example.org').stdout}")
    assert me.errors() == ["server-down: the server isn't running"]
    say("before the start there is one error")
    me.server.start()
    try:
        failed = re.compile(r'"certificate order failed".* host=(\S+)')
        until(lambda: set(failed.findall(me.server.log())) == NAMES, seconds=120, what="failed orders", pause=1)
        (error,) = me.errors()
        code, names, reason = re.fullmatch(r"([a-z-]+): no certificate for (.*?): (.*)", error).groups()  # type: ignore[union-attr]
        seen = NAMES - {"autodiscover.example.org"}  # no check connects there: Outlook is told another name by DNS
        assert (code, set(names.split(", "))) == ("certificate-order", seen), error
        assert names.startswith("mx.example.org, "), "the name that mail needs comes first"
        assert reason == "can't reach the certificate authority (CA): Failed to resolve 'ca.example.net'", error
        shown = me.run("doctor", "--skip-dial", "--skip-mail").stdout
        assert shown.count("moxlite config dnscheck example.org") == 1, shown
        said = me.run("config", "dnscheck", "example.org").stdout
        assert "pacc (settings for newer mail clients)" in said, said
        assert not re.search(r"_ssl\.c|Errno|handshake|self-signed|moxlite config dnscheck", said), said
        say("without certificates there is one error")
        records = me.run("config", "dnsrecords", "example.org").stdout
        world.set("example.org", re.sub(r"(?m)^mx\.example\.org\. A .*$", "", records))
        of_dns = [error for error in me.errors() if error.startswith("dns: ")]
        assert of_dns == ["dns: mx.example.org doesn't have an address in DNS"], of_dns
        shown = me.run("doctor", "--skip-dial", "--skip-mail").stdout
        assert f"add to DNS: mx.example.org. A {OWN}" in shown, shown
        assert "CNAME" not in shown, "the aliases are there"
        say("without an address of the machine there is one error")
    finally:
        me.server.stop()


def main() -> None:
    """Play in the folder that is given."""
    signal.alarm(400)  # whatever hangs: the caller has given up by then
    folder = Path(sys.argv[1])
    set_up_net(folder, OWN)
    os.umask(0o022)
    reverse = "10 PTR mx.example.org.\n"
    zones = {"com": "", "example.org": f"mx A {OWN}", "example.net": "", "100.45.5.in-addr.arpa": reverse}
    with DNSWorld(zones, port=53) as world:
        play(Examined(folder), world)
    print("done")


if __name__ == "__main__":
    main()
