"""The bench of an account with twenty years of mail makes all of its tasks (bench/large.py)."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.integration,
    pytest.mark.nightly(smoke="tests/unit/test_script_bench.py::test_a_bench_that_fails_is_no_table_without_its_rows"),
]


def test_all_tasks_are_made_on_both_servers(tmp_path: Path) -> None:
    """What fails at any size fails with 400 messages."""
    figures = tmp_path / "figures.json"
    command = [sys.executable, "-m", "bench.large", "--messages", "400", "--json", str(figures)]
    beside = [] if shutil.which("dovecot") else ["--only-ours"]
    subprocess.run([*command, "--folder", str(tmp_path), *beside], check=True, timeout=1800)
    found = json.loads(figures.read_text())
    assert len(found["rows"]) > 80
    assert found["failed"] == []
    compared = [name for name, row in found["rows"].items() if "Dovecot" in row]
    assert bool(compared) is not bool(beside)
    assert found["sizes"]["account.db after import, MB"] > 1
