"""The first hour by one token, timed: run by test_server_newcomer as root, in new namespaces for network and mounts,
with a folder and a provider as its arguments (docs/install.md, ADMIN-35c).

The net is that of `newcomer`, without its records: the zone is signed and empty. The newcomer types an address and the
token of a provider: `hetzner`, whose API is imitated, and the name server serves what the API was told; or `rfc2136`,
the name server itself, with a key. The end is a clean `dnscheck` and `doctor`, and mail both ways.
"""

import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.acmeca import Pebble
from tests.certs import Authority
from tests.dnsproviders import TOKENS, FakeProviders
from tests.dnsworld import DNSWorld
from tests.integration.newcomer import OWN, PEER_ZONE, USER, Newcomer, Peer
from tests.ownnet import set_up_net

MOST = 300.0
"""Seconds for all of it."""

KEY = ("hmac-sha256", "change.me", "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U=")
"""By which the name server lets zones be changed."""


@dataclass
class Provider:
    """What is typed about a provider, and the variables by which it is found."""

    name: str
    typed: str
    environment: dict[str, str] = field(default_factory=dict)


@contextmanager
def served(fake: FakeProviders, world: DNSWorld) -> Iterator[None]:
    """Let the name server serve what the provider has."""
    over = threading.Event()

    def follow() -> None:
        while not over.wait(0.1):
            records = sorted(fake.records("example.org"))
            world.set("example.org", "\n".join(f"{name}. {kind} {data}" for name, kind, data in records))

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def reaching(me: Newcomer, provider: Provider) -> Iterator[None]:
    """Commands within the block reach the provider; no other program here takes the proxy."""
    plain = dict(me.server.environment)
    me.server.environment |= provider.environment
    yield
    me.server.environment = plain


class Steps:
    """Seconds of each step, by the clock on the wall."""

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()

    def done(self, words: str) -> None:
        """Tell how long a step took."""
        now = time.monotonic()
        print(f"step {now - self._last:6.1f} s  {words}", flush=True)
        self._last = now

    def leave_out(self) -> None:
        """Do not count what came since the last step."""
        now = time.monotonic()
        self._began += now - self._last
        self._last = now

    @property
    def whole(self) -> float:
        return time.monotonic() - self._began


def quickstart(me: Newcomer, provider: Provider) -> None:
    """One command, with the token on stdin; nothing else is typed but the hostname, which a machine has."""
    me.server.folder.mkdir()
    with reaching(me, provider):
        done = me.moxlite(
            *("--config", str(me.config), "quickstart", "--skip-dial", "--dns-provider", provider.name),
            *("--hostname", "mx.example.org", "you@example.org", USER),
            stdin=provider.typed,
        )
    assert "The records are in DNS." in done.stdout, done.stdout
    assert "to publish the records later" not in done.stdout, done.stdout
    found = re.search(r"^account password: (\S+)$", done.stdout, re.MULTILINE)
    assert found is not None, done.stdout
    me.password = found[1]
    text = me.config.read_text()  # a closed net: another CA
    me.config.write_text(re.sub(r"^directory_url = .*$", me.ca.roots().rstrip(), text, count=1, flags=re.MULTILINE))


def play(folder: Path, world: DNSWorld, ca: Pebble, authority: Authority, provider: Provider) -> None:
    """All steps, in their order."""
    me, peer = Newcomer(folder, world, ca, authority), Peer(folder)
    steps = Steps()
    try:
        quickstart(me, provider)
        steps.done("quickstart: token tried, records published and seen at the name servers")
        me.server.start()
        steps.done("the server is ready")
        peer.start()  # not before: the addresses of this machine are the newcomer's
        steps.leave_out()
        with reaching(me, provider):
            code, found = me.doctor("--send-to", "ann@example.net")
        wrong = [one for one in found["findings"] if one["grade"] != "note"]
        assert (code, wrong) == (0, []), f"{wrong}\n{me.server.log()[-4000:]}"
        steps.done("doctor waited for the certificates, and is clean, with its test mails")
        assert me.dnscheck() == {}
        steps.done("dnscheck is clean: DKIM, DMARC, DANE, MTA-STS")
        peer.send("you@example.org", "Welcome")
        assert "spf=pass" in me.read("mail of the peer", "Welcome")["Authentication-Results"]
        assert 'policy="dane' in peer.server.log() or "policy=dane" in peer.server.log(), peer.server.log()[-4000:]
        steps.done("mail came in, by DANE")
        me.send("ann@example.net", "Thank you")
        results = peer.read("Thank you")["Authentication-Results"]
        assert all(f"{method}=pass" in results for method in ("spf", "dkim", "dmarc", "iprev")), results
        steps.done("mail went out: SPF, DKIM, DMARC and reverse name pass")
        print(f"whole {steps.whole:.1f} s", flush=True)
        assert steps.whole <= MOST
    finally:
        for server in (me.server, peer.server):
            if getattr(server, "process", None) is not None and server.process.poll() is None:
                server.stop()


def main() -> None:
    """Play in the folder that is given, with the provider that is given."""
    signal.alarm(600)  # whatever hangs: the caller has given up by then
    folder, name = Path(sys.argv[1]), sys.argv[2]
    set_up_net(folder, OWN)
    (folder / "ca").mkdir()
    ca = Pebble(folder / "ca", 80, 443, resolver="127.0.0.1:53", validity=6 * 86_400)
    zones = {
        "com": "",
        "example.org": "",
        "example.net": PEER_ZONE,
        "100.45.5.in-addr.arpa": "10 PTR mx.example.org.\n20 PTR mx.example.net.\n",
    }
    with ExitStack() as stack:
        world = stack.enter_context(DNSWorld(zones, port=53, key=KEY))
        stack.enter_context(ca)
        if name == "rfc2136":
            authority = Authority()
            provider = Provider(name, f"127.0.0.1:{world.authority}\n{':'.join(KEY)}\n")
        else:
            fake = stack.enter_context(FakeProviders({"example.org": []}))
            stack.enter_context(served(fake, world))
            authority = fake.authority
            proxy = {"HTTPS_PROXY": fake.environment["HTTPS_PROXY"]}
            provider = Provider(name, f"{TOKENS[name]}\n", proxy)
        world.delegate("example.org")
        play(folder, world, ca, authority, provider)
    print("done")


if __name__ == "__main__":
    main()
