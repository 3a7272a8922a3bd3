"""script/soak --record: the table of docs/campaigns.md has a row of each campaign."""

import re
import time
from pathlib import Path

from tests.campaigns.__main__ import NIGHTLY, names, part
from tests.campaigns._opinions import SPF_EXPLAINED, STRICTER
from tests.campaigns.report import ROWS, Report
from tests.tools import top


def test_a_run_replaces_its_row_and_leaves_the_others(tmp_path: Path) -> None:
    """STORE-158: docs/campaigns.md has one row for each campaign, by name."""
    page = tmp_path / "campaigns.md"
    page.write_text(f"# Campaigns\n\n| Campaign | … |\n{ROWS}| kill | old |\n| kill_all | stays |\n")
    report = Report("kill", 7, 0.5, began=time.mktime((2026, 11, 25, 12, 0, 0, 0, 0, 0)))
    report.tell("100 kills")
    report.tell("all there")
    report.record(page, "no finding")
    Report("calls", 8, 1, began=report.began).record(page, "a finding")
    assert page.read_text() == (
        f"# Campaigns\n\n| Campaign | … |\n{ROWS}| calls | `--seed 8` |  | a finding | 2026-11-25 |\n"
        "| kill | `--seed 7 --share 0.5` | 100 kills | no finding | 2026-11-25 |\n| kill_all | stays |\n"
    )


def test_each_row_is_a_campaign() -> None:
    """STORE-158: a campaign that is renamed or removed takes its row along."""
    table = (top() / "docs/campaigns.md").read_text().partition(ROWS)[2]
    assert set(re.findall(r"^\| (\w+) \|", table, re.MULTILINE)) <= set(names())


def test_each_campaign_is_in_one_part_of_nightly() -> None:
    """STORE-158: `script/test nightly` deals them out; of those that would take hours, it runs a share."""
    script = (top() / "script/test").read_text()
    [line] = [line for line in script.splitlines() if line.startswith("parts=(")]
    assert line.endswith(" campaigns-{1..8})")
    assert 'script/soak --part "${1#*-}/8"' in script
    assert sorted(name for number in range(1, 9) for name in part(f"{number}/8")) == names()
    assert NIGHTLY.keys() <= set(names())


def test_texts_that_a_campaign_explains_are_still_said() -> None:
    """AUTH-22, AUTH-34: where others' SPF and DKIM differ from ours, the campaign knows why by words of our problem."""
    said = "".join(path.read_text() for path in (top() / "moxlite/mailauth").rglob("*.py"))
    explained = {words for table in SPF_EXPLAINED.values() for words in table} | STRICTER.keys()
    assert {words for words in explained if words.removeprefix("key record: ") not in said} == set()
