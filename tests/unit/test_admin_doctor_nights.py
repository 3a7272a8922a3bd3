"""What the doctor tells of a night beside the one before, and that each finding has a remedy."""

import ast
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from moxlite.admin.doctor import nightly
from moxlite.admin.doctor.findings import read_night
from moxlite.config.holder import ConfigHolder
from moxlite.config.static import Doctor
from moxlite.findings import Code, Finding
from tests.small_config import DOMAINS, STATIC
from tests.tools import top
from tests.trees import nodes, trees

LISTED = Finding(grade="error", code="listed", about="192.0.2.1 list.example", text="192.0.2.1 is listed")
FULL = Finding(grade="warning", code="disk-low", about="data", text="the disk is full")


@pytest.mark.parametrize(
    "unseen",
    [
        Finding(grade="error", code="dns-server", about="DNS", text="DNS server 192.0.2.53 isn't responding"),
        Finding(grade="warning", code="not-checked", about="block lists", text="timed out after 300 s"),
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
    nights = nightly.Nightly(Doctor(), new=True, config=config, accounts=unused, examine=examine, http=unused)
    await nights.once()
    second = await nights.once()
    assert second.gone == []
    assert LISTED in read_night(config.current.static).findings
    third = await nights.once()
    assert LISTED in third.gone
    assert FULL not in third.gone
    assert read_night(config.current.static).findings == [FULL]
    assert "is listed" in told[-1]


class NextNightError(Exception):
    """The server waits for the next night."""


async def test_a_machine_without_results_of_its_own_is_examined_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-70f: a server with the results of last night waits for the next one. One that was restored, or whose
    addresses have changed, is examined at once; a new one when its certificates have had time to arrive.
    """
    (tmp_path / "domains.toml").write_text(DOMAINS)
    (tmp_path / "data").mkdir()
    examined: list[tuple[str, float]] = []
    slept = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal slept
        if seconds not in (nightly.SOON, nightly.FIRST):
            raise NextNightError
        slept = seconds

    monkeypatch.setattr(nightly, "sleep_by_both_clocks", sleep)
    starts = [("127.0.0.1", True), ("127.0.0.1", False), ("127.0.0.2", False), ("127.0.0.1", False)]
    for address, new in starts:
        (tmp_path / "moxlite.toml").write_text(STATIC.replace("127.0.0.1", address))
        config, _ = ConfigHolder.open(tmp_path / "moxlite.toml")

        async def examine(address: str = address) -> list[Finding]:
            examined.append((address, slept))
            return []

        unused: Any = None
        nights = nightly.Nightly(Doctor(), new=new, config=config, accounts=unused, examine=examine, http=unused)
        with pytest.raises(NextNightError):
            await nights.serve()
        assert read_night(config.current.static).at > 0
    soon, first = nightly.SOON, nightly.FIRST
    assert examined == [("127.0.0.1", first), ("127.0.0.2", soon), ("127.0.0.1", soon)]


def test_every_finding_has_an_action() -> None:
    """ADMIN-70: a kind without a page in the admin app has commands wherever it is found."""
    text = (top() / "frontend/admin/findings.ts").read_text()
    table = text.partition("const places: ")[2].partition("};")[0]
    places = dict(re.findall(r'^  "?([a-z0-9-]+)"?: (.*),$', table, re.MULTILINE))
    assert places.keys() == set(typing.get_args(Code))
    # A check that failed is made again, and files of the store are not a part of the overview.
    paged = {code for code, place in places.items() if place != "null"} | {"not-checked", "store-damaged"}
    bare = [
        (path, call.lineno, code.value)
        for path, call in _calls()
        for code in [next((one.value for one in call.keywords if one.arg == "code"), None)]
        if isinstance(code, ast.Constant) and code.value not in paged
        if not any(one.arg == "commands" and ast.unparse(one.value) != "()" for one in call.keywords)
    ]
    assert bare == []


def _calls() -> Iterator[tuple[str, ast.Call]]:
    """All calls that make a finding, or a function that makes some."""
    for path in trees():
        for call in nodes(path, ast.Call):
            if "Finding" in (ast.unparse(one) for one in (call.func, *call.args[:1])):
                yield path, call
