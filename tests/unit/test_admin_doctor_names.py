"""What the doctor finds in the configuration's files, and about the addresses of the machine in DNS."""

from pathlib import Path
from typing import Any

import pytest

from moxlite.admin.dns.report import Report
from moxlite.admin.doctor.examination import Examination
from moxlite.admin.doctor.examine import check_families, check_files, check_names
from moxlite.admin.doctor.findings import folded
from moxlite.admin.doctor.machine import check_outgoing
from moxlite.autotls.files import Folder, HostState, State, under_way
from moxlite.config.load import load
from moxlite.findings import Finding, address_cause
from moxlite.net.resolver import FakeResolver
from moxlite.process import configtest
from tests.small_config import DOMAINS, STATIC

HOST = "mx.example.org"


async def test_mistakes_in_the_files_are_graded_by_their_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-10, ADMIN-70: each with its place, whatever its words are; a file that only another user may read is left
    to that user.
    """
    path = tmp_path / "moxlite.toml"
    path.write_text(f'log_level = "tracedata"\npsl.url = "https://psl.example/"\n{STATIC}')
    (tmp_path / "domains.toml").write_text(DOMAINS)
    findings = await check_files(path)
    assert [(one.grade, one.code, one.line) for one in findings if one.about in ("log_level", "psl")] == [
        ("warning", "config-warning", 1),
        ("note", "key-not-in-effect", 2),
    ]
    assert {one.file for one in findings} <= {str(path), str(tmp_path / "domains.toml")}
    assert all(one.text.startswith(f"{one.file}:{one.line}: ") for one in findings)
    path.write_text("nonsense = 1\n" + path.read_text())
    assert {(one.grade, one.code, one.line) for one in await check_files(path)} == {("error", "config-error", 1)}
    key = tmp_path / "key.pem"
    selector = f'[domains."example.org".dkim.selectors.a]\nkey_file = "{key}"\n'
    (tmp_path / "domains.toml").write_text(DOMAINS + selector)
    path.write_text(STATIC)
    assert [one.about for one in await check_files(path) if one.grade == "error"]

    def closed(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(configtest, "read_file", closed)
    assert [one.grade for one in configtest.test_config(path, machine=False) if "this user can't read" in one.text]
    assert not [one for one in await check_files(path) if str(key) in one.text]


@pytest.mark.parametrize(
    ("records", "found"),
    [
        ({"AAAA": {HOST: ["2001:db8::1"]}}, ["ipv6-only"]),
        ({"AAAA": {HOST: ["2001:db8::1"]}, "A": {HOST: ["192.0.2.1"]}}, []),
        ({"A": {HOST: ["192.0.2.1"]}}, []),
        ({}, []),
    ],
)
async def test_a_host_without_an_ipv4_address_is_a_finding(
    tmp_path: Path, records: dict[str, dict[str, list[str]]], found: list[str]
) -> None:
    """ADMIN-70."""
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    unused: Any = None
    examination = Examination(
        snapshot=load(tmp_path / "moxlite.toml")[0],
        path=tmp_path / "moxlite.toml",
        resolver=FakeResolver(records),
        network=unused,
        http=unused,
        running=None,
    )
    findings = await check_families(examination)
    assert [one.code for one in findings] == found
    assert all(one.about == HOST and "A record" in one.commands[0] for one in findings)


@pytest.mark.parametrize(
    ("records", "unpublished"),
    [({}, True), ({"A": {HOST: ["192.0.2.1"]}}, False), ({"MX": {"example.org": [(10, HOST)]}}, False)],
)
async def test_before_anything_is_in_dns_one_finding_says_so(
    tmp_path: Path, records: dict[str, Any], unpublished: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-70: not one for each topic of the domain."""
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)

    async def check_domain(*_: object, **__: object) -> dict[str, Report]:
        reports = {"mx": Report("example.org mx"), "spf": Report("example.org spf")}
        for report in reports.values():
            report.error("looked")
        return reports

    monkeypatch.setattr("moxlite.admin.dns.check.check_domain", check_domain)
    unused: Any = None
    examination = Examination(
        snapshot=load(tmp_path / "moxlite.toml")[0],
        path=tmp_path / "moxlite.toml",
        resolver=FakeResolver(records),
        network=unused,
        http=unused,
        running=None,
    )
    findings = await check_names(examination)
    assert len(findings) == (1 if unpublished else 2)
    assert ("isn't in DNS" in findings[0].text) == unpublished


@pytest.mark.parametrize(
    ("listener", "looked"),
    [
        ('ips = ["192.168.1.2"]\nips_natted = true', True),
        ('ips = ["0.0.0.0"]', True),
        ('ips = ["192.168.1.2"]\nnat_ips = ["1.1.1.1"]', True),
        ('ips = ["192.168.1.2"]', False),
    ],
)
async def test_port_25_outside_is_tried_behind_nat_too(tmp_path: Path, listener: str, looked: bool) -> None:
    """ADMIN-70: also where the outer address is not known, as at home, where it is blocked most often; not in a closed
    net.
    """
    static = STATIC.replace("[listeners.local]", "[listeners.public]").replace('ips = ["127.0.0.1"]', listener)
    (tmp_path / "moxlite.toml").write_text(static)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    resolver = FakeResolver({})
    unused: Any = None
    examination = Examination(
        snapshot=load(tmp_path / "moxlite.toml")[0],
        path=tmp_path / "moxlite.toml",
        resolver=resolver,
        network=unused,
        http=unused,
        running=None,
        dial=True,
    )
    findings = await check_outgoing(examination)
    assert bool(resolver.asked) == looked
    assert [one.code for one in findings] == ["not-checked"] * looked


def test_names_without_certificate_are_one_finding() -> None:
    """ADMIN-70: for each reason, with the machine's name first; names in the reason don't make it another one."""

    def order(host: str, why: str) -> Finding:
        text = f"no certificate for {host}: {why}"
        cause = f"certificate {why.replace(host, '')}"
        return Finding(grade="error", code="certificate-order", about=host, text=text, commands=("look",), cause=cause)

    other = Finding(grade="error", code="dns", about="example.org mx", text="no MX record")
    found = [order("mail.a.example", "no CA"), order("mx.a.example", "no CA"), other, order("mx.a.example", "no CA")]
    found += [order("b.example", "b.example: closed"), order("c.example", "c.example: closed")]
    assert [(one.about, one.text) for one in folded(found, "mx.a.example")] == [
        ("example.org mx", "no MX record"),
        ("mx.a.example", "no certificate for mx.a.example, mail.a.example: no CA"),
        ("b.example", "no certificate for b.example, c.example: b.example: closed"),
    ]


def test_first_orders_are_under_way_until_they_fail_or_are_old(tmp_path: Path) -> None:
    """ADMIN-70, WEB-119: of names that the server has not noted yet, too; not of renewals and old failures."""
    files = Folder(tmp_path, "ca")
    states = {
        "new.example": HostState(since=1_000.0),
        "failed.example": HostState(since=1_000.0, error="the CA refused"),
        "old.example": HostState(since=800.0),
        "renewed.example": HostState(ordered=900.0),
    }
    assert under_way(tmp_path, "ca", ["unknown.example"], 900.0) == ["unknown.example"]
    files.write_state(State(hosts=states))
    wanted = [*states, "unknown.example"]
    assert under_way(tmp_path, "ca", wanted, 900.0) == ["new.example", "unknown.example"]
    assert under_way(tmp_path, "ca", wanted, 1_001.0) == ["unknown.example"]
    (tmp_path / "ca.state").write_text("damaged")
    certificate = tmp_path / "keycerts/ca/renewed.example"
    certificate.parent.mkdir(parents=True)
    certificate.touch()
    assert "renewed.example" not in under_way(tmp_path, "ca", wanted, 900.0), "it has one, whatever the file says"


def test_findings_follow_the_one_of_their_cause() -> None:
    """ADMIN-70: whatever their texts are; without a finding of DNS they stay."""
    cause = address_cause(HOST)
    order = Finding(grade="error", code="certificate-order", about=HOST, text="no certificate", cause=cause)
    dns = Finding(grade="error", code="dns", about=HOST, text="wrong address", cause=cause)
    assert folded([order, dns], HOST) == [dns]
    assert folded([order], HOST) == [order]


def test_each_fault_of_a_report_has_its_own_remedy() -> None:
    """ADMIN-48, ADMIN-70e: programs get faults and instructions as lists; the doctor has each fault with what mends it,
    and notes only where there is no fault.
    """
    report = Report("example.org mx")
    report.mend("nothing is wrong yet")
    report.error("no MX record", "add it")
    report.note("not checked")
    report.mend("add its address", "add it")
    report.warning("late")
    report.note("not checked")
    assert report.lines() == {
        "errors": ["no MX record"],
        "warnings": ["late"],
        "instructions": ["nothing is wrong yet", "add it", "add its address", "not checked"],
        "found": [],
        "unused": False,
    }
    assert [(one.grade, one.about, one.commands) for one in report.findings if one.grade != "note"] == [
        ("error", "example.org mx", ("add it", "add its address")),
        ("warning", "example.org mx", ()),
    ]
