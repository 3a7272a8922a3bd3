"""Benches that run others (bench/)."""

import subprocess
import sys

import pytest

from bench.compare import sent


def test_a_bench_that_fails_is_no_table_without_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `bench.compare` runs must succeed."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(subprocess.CalledProcessError):
        list(sent(10))
