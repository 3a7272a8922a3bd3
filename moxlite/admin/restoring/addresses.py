"""The addresses of a restored configuration, compared with those that its present machine has (ADMIN-52a)."""

import json
from collections.abc import Sequence

import msgspec

from moxlite.admin.restoring.machine import STATIC_FILE, Prepared
from moxlite.config.load import source_of
from moxlite.config.toml.decode import Finding
from moxlite.net.limits import IPAddress
from moxlite.proto.address import Domain


class NewAddresses(msgspec.Struct, frozen=True):
    """Lines for people: lines of moxlite.toml to change before the start, and DNS records to change."""

    configuration: list[str]
    dns: list[str]


def compare_addresses(prepared: Prepared, machine: Sequence[IPAddress]) -> NewAddresses:
    """Compare the listeners with `machine`, all addresses of this machine. The result is empty if the machine has them
    all.
    """
    static = prepared.snapshot.static
    have = [str(ip) for ip in machine if not ip.is_loopback]
    findings: list[Finding] = []
    lost: dict[str, None] = {}
    for name, listener in static.listeners.items():
        gone = [ip for ip in listener.ips if not (ip.is_unspecified or ip.is_loopback or ip in machine)]
        if not gone:
            continue
        lost.update(dict.fromkeys(map(str, listener.nat_ips or gone)))
        text = f"this machine has no address {', '.join(map(str, gone))}"
        findings.append(Finding(("listeners", name, "ips"), text, f"it has {json.dumps(have)}"))
        if listener.nat_ips:
            text = "the address at which others reached the old machine"
            findings.append(Finding(("listeners", name, "nat_ips"), text, "put the new one"))
    if not findings:
        return NewAddresses([], [])
    source = source_of(prepared.config / STATIC_FILE, prepared.texts[STATIC_FILE].encode())
    hosts = {snapshot_host.ascii for snapshot_host in map(prepared.snapshot.hostname, static.listeners)}
    hosts = {one for one in hosts | {static.hostname.ascii} if "." in one}
    old = ", ".join(lost)
    dns = [f"{host}. A, AAAA: the new address instead of {old}" for host in sorted(hosts)]
    dns += [f"reverse name of the new address: {static.hostname.ascii}. (set by your provider)"]
    dns += [
        f"{name}. TXT v=spf1: the new address instead of {old}" for name in _with_spf(prepared, static.hostname.ascii)
    ]
    return NewAddresses([str(one) for one in source.problems(findings)], dns)


def _with_spf(prepared: Prepared, hostname: str) -> list[str]:
    """Names whose SPF record lists addresses: the host's and all domains'."""
    domains = [Domain.parse(name).ascii for name in prepared.snapshot.domains.domains]
    return list(dict.fromkeys([hostname, *domains]))
