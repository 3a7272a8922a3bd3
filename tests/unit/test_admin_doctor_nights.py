"""What the doctor tells of a night beside the one before."""

from pathlib import Path
from typing import Any

import pytest

from moxlite.admin.doctor import nightly
from moxlite.admin.doctor.findings import read_night
from moxlite.config.holder import ConfigHolder
from moxlite.config.static import Doctor
from moxlite.findings import Finding
from tests.small_config import DOMAINS, STATIC

LISTED = Finding(grade="error", code="listed", about="192.0.2.1 list.example", text="192.0.2.1 is listed")
FULL = Finding(grade="warning", code="disk-low", about="data", text="the disk is full")


@pytest.mark.parametrize(
    "unseen",
    [
        Finding(grade="error", code="dns-server", about="DNS", text="DNS server 192.0.2.53 does not answer"),
        Finding(grade="warning", code="not-checked", about="block lists", text="the check didn't finish within 300 s"),
        Finding(grade="note", code="not-checked", about="192.0.2.1 list.example", text="the list was not asked"),
    ],
    ids=lambda finding: finding.about,
)
async def test_what_could_not_be_looked_for_is_not_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unseen: Finding
) -> None:
    """ADMIN-70: a night without DNS, or in which a check has failed, tells no fault as gone; the next one does."""
    told: list[str] = []

    async def tell(_accounts: object, _snapshot: object, subject: str, text: str, *, once: str) -> None:
        told.append(text)

    monkeypatch.setattr(nightly, "notify_postmaster", tell)
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    (tmp_path / "data").mkdir()
    found: list[list[Finding]] = [[LISTED, FULL], [unseen, FULL], [FULL]]

    async def examine() -> list[Finding]:
        return found.pop(0)

    unused: Any = None
    config, _ = ConfigHolder.open(tmp_path / "moxlite.toml")
    nights = nightly.Nightly(Doctor(), config=config, accounts=unused, examine=examine, http=unused)
    await nights.once()
    second = await nights.once()
    assert second.gone == []
    assert LISTED in read_night(tmp_path / "data").findings
    third = await nights.once()
    assert LISTED in third.gone
    assert FULL not in third.gone
    assert read_night(tmp_path / "data").findings == [FULL]
    assert "is listed" in told[-1]
