"""What the doctor finds about the addresses of the machine in DNS."""

from pathlib import Path
from typing import Any

import pytest

from moxlite.admin.doctor.examination import Examination
from moxlite.admin.doctor.examine import check_families
from moxlite.config.load import load
from moxlite.net.resolver import FakeResolver
from tests.small_config import DOMAINS, STATIC

HOST = "mx.example.org"


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
