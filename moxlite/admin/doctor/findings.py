"""Lists of findings: sorted, comparable with earlier ones (ADMIN-70)."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

import msgspec

from moxlite.config.static import Static
from moxlite.encoding import from_json
from moxlite.findings import GRADES, Finding, Grade

FIRST: Final = "child-down"
"""The kind that comes before all others of its grade: without a child process much else fails, and says so in other
words.
"""


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Findings without duplicates, sorted by grade (worst first), code (`FIRST` first) and subject."""
    found = {finding.key: finding for finding in findings}
    return sorted(
        found.values(),
        key=lambda finding: (
            GRADES.index(finding.grade),
            finding.code != FIRST,
            finding.code,
            finding.about,
            finding.text,
        ),
    )


def folded(findings: Iterable[Finding], host: str) -> list[Finding]:
    """Findings without those whose cause a finding of DNS has, and with names that have no certificate for the same
    reason in one of them.

    Args:
      host: the machine's name, which comes first.
    """
    kept: list[Finding] = []
    findings = tuple(findings)
    of_dns = {finding.cause for finding in findings if finding.code == "dns" and finding.cause}
    alike: dict[tuple[Grade, str], dict[str, Finding]] = {}
    for finding in findings:
        if finding.code == "dns" or not finding.cause:
            kept.append(finding)
        elif finding.cause not in of_dns:
            alike.setdefault((finding.grade, finding.cause), {})[finding.about] = finding
    for names in alike.values():
        first, *others = sorted(names, key=lambda name: (name != host, name))
        finding = names[first]
        text = finding.text.replace(f"for {first}", f"for {', '.join((first, *others))}", 1)
        kept.append(msgspec.structs.replace(finding, text=text))
    return kept


def in_groups(findings: Iterable[Finding]) -> Iterator[tuple[list[Finding], tuple[str, ...]]]:
    """Group adjacent findings with the same subject and the same remedy; each group with its commands."""
    for (_, commands), group in groupby(findings, key=lambda finding: (finding.about, finding.commands)):
        yield list(group), commands


def worst(findings: Iterable[Finding]) -> Grade | None:
    """The worst grade; None for no findings."""
    found = {finding.grade for finding in findings}
    return next((grade for grade in GRADES if grade in found), None)


# The file with the findings of the last nightly examination.


STATE: Final = "doctor.json"
"""Name of the file, in the data directory."""


class Night(msgspec.Struct, frozen=True):
    """at: seconds UTC of an examination, 0 for never. findings: its errors and warnings. addresses: the listeners' IP
    addresses then.
    """

    at: float = 0.0
    findings: list[Finding] = []
    addresses: list[str] = []


def read_night(static: Static) -> Night:
    """The last examination of this machine; an empty one if there was none at the addresses that its listeners have
    now, or the file cannot be read. Blocks.
    """
    try:
        night = from_json((static.data_dir / STATE).read_bytes(), Night)
    except (OSError, msgspec.DecodeError):
        return Night()
    return night if night.addresses == addresses_of(static) else Night()


def addresses_of(static: Static) -> list[str]:
    """The IP addresses of all listeners, and those by which a NAT leads to them."""
    listeners = static.listeners.values()
    return sorted({str(ip) for listener in listeners for ip in (*listener.ips, *listener.nat_ips)})
