"""Hosts with TLSA records of every kind, judged by us, by `posttls-finger` of Postfix and by `ldns-dane`, in a net of
their own: run by test_queue_sending as root, in new namespaces for network and mounts, with a folder as its
argument.
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from tests.certs import Authority, tlsa
from tests.dnsworld import DNSWorld
from tests.integration.sendingnet import files, say
from tests.ownnet import set_up_net
from tests.realservers import Postfix
from tests.tools import need

IPS = {"good": "5.45.100.21", "expired": "5.45.100.22", "misnamed": "5.45.100.23"}
"""Where Postfix shows which certificate."""

ZONE = "dane.example"


class Case(NamedTuple):
    """A host: the certificate that it shows, its records (usage, selector, matching, certificate; ``wrong``: one that
    it does not have), and whether DANE vouches for it.
    """

    certificate: str
    records: tuple[tuple[int, int, int, str], ...]
    verified: bool


CASES = {
    "key": Case("good", ((3, 1, 1, "good"),), True),
    "certificate": Case("good", ((3, 0, 2, "good"),), True),
    "whole": Case("good", ((3, 1, 0, "good"),), True),
    "wrong": Case("good", ((3, 1, 1, "wrong"),), False),
    "rollover": Case("good", ((3, 1, 1, "wrong"), (3, 1, 1, "good")), True),
    "expired": Case("expired", ((3, 1, 1, "expired"),), True),
    "misnamed": Case("misnamed", ((3, 1, 1, "misnamed"),), True),
    "authority": Case("good", ((2, 0, 1, "root"),), True),
    "authority-key": Case("good", ((2, 1, 2, "root"),), True),
    "authority-expired": Case("expired", ((2, 0, 1, "root"),), False),
    "authority-misnamed": Case("misnamed", ((2, 0, 1, "root"),), False),
    "authority-wrong": Case("good", ((2, 0, 1, "wrong"),), False),
    "either": Case("expired", ((2, 0, 1, "root"), (3, 1, 1, "expired")), True),
    "web": Case("good", ((1, 1, 1, "good"),), False),
    "none": Case("good", (), False),
}
"""By their host name in `ZONE`."""


def ours(host: str) -> tuple[bool, str]:
    """What `moxlite dane dial` says, by the usages that mail has (RFC 7672 §3.1)."""
    command = [sys.executable, "-m", "moxlite", "--json", "dane", "dial", "--usages", "2,3", f"{host}:25"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    told = json.loads(done.stdout)
    assert (done.returncode == 0) == (told["status"] == "pass"), done
    return done.returncode == 0, f"{told['status']} {told['problem']}"


def postfix(host: str) -> tuple[bool, str]:
    """What `posttls-finger` says."""
    command = [need("posttls-finger"), "-c", "-l", "dane", "-o", "inet_protocols=ipv4", f"[{host}]"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    told = done.stdout + done.stderr
    assert "TLS connection established" in told, told
    return "Verified TLS connection established" in told, told.strip().splitlines()[-1]


def ldns(host: str, chain: Path, *, names: bool) -> tuple[bool, str]:
    """What `ldns-dane` says of the chain that the host shows: it does not speak SMTP."""
    command = [need("ldns-dane"), "-4", "-c", str(chain), *([] if names else ["-n"]), "verify", host, "25"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode == 0, (done.stdout + done.stderr).strip().replace("\n", "; ")


def main() -> None:
    """Judge all hosts, each by all three."""
    signal.alarm(600)
    folder = Path(sys.argv[1])
    set_up_net(folder, *IPS.values())
    ca, other = Authority(), Authority("Another root")
    hosts = [f"{name}.{ZONE}" for name in CASES]
    certificates = {
        "good": ca.issue(*hosts),
        "expired": ca.issue(*hosts, days=-2),
        "misnamed": ca.issue("elsewhere.example"),
    }
    known = {name: pair.leaf for name, pair in certificates.items()} | {"root": ca.root, "wrong": other.root}
    lines = []
    for name, case in CASES.items():
        lines.append(f"{name} A {IPS[case.certificate]}")
        for usage, selector, matching, which in case.records:
            one = tlsa(known[which], usage, selector, matching)
            lines.append(f"_25._tcp.{name} TLSA {usage} {selector} {matching} {one.data.hex()}")
    for name, pair in certificates.items():
        files(folder, name, pair)
    (folder / "roots.pem").write_bytes(other.pem)  # no CA vouches for these hosts
    os.environ["SSL_CERT_FILE"] = str(folder / "roots.pem")
    services = "".join(
        f"{IPS[name]}:25 inet n - n - 100 smtpd\n  -o smtpd_tls_chain_files={folder}/{name}-all.pem\n"
        for name in ("expired", "misnamed")
    )
    extra = f"smtpd_tls_security_level = may\nsmtpd_tls_chain_files = {folder}/good-all.pem\n"
    with ExitStack() as stack:
        stack.enter_context(DNSWorld({ZONE: "\n".join(lines)}, port=53))
        stack.enter_context(Postfix(folder / "postfix", extra, 25, IPS["good"], services))
        say("the net stands")
        for name, case in CASES.items():
            host = f"{name}.{ZONE}"
            authority = any(usage == 2 for usage, *_ in case.records)
            judged = [ours(host), postfix(host), ldns(host, folder / f"{case.certificate}.pem", names=authority)]
            say(f"{name}: {judged}")
            assert [one for one, _ in judged] == [case.verified] * 3, (name, judged)
    say("done")


if __name__ == "__main__":
    main()
