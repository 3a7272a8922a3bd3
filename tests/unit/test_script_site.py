"""script/site: the documentation as a site (docs/developers/develop.md)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import top

pytestmark = pytest.mark.slow


def build(folder: Path, to: Path) -> subprocess.CompletedProcess[str]:
    """Run it in a project."""
    command = [sys.executable, str(folder / "script/site"), "--to", str(to)]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=300, check=False, env=environment
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The files that the site is made of, as they are here."""
    folder = tmp_path / "project"
    shutil.copytree(top() / "docs", folder / "docs")
    for path in [*top().glob("*.md"), top() / "LICENSE"]:
        shutil.copy(path, folder)
    (folder / "script").mkdir()
    shutil.copy(top() / "script/site", folder / "script")
    return folder


def test_every_page_is_on_a_shelf_and_no_link_is_dead(project: Path, tmp_path: Path) -> None:
    """docs/README.md: the site has the parts of that page; a dead link, a heading that is gone and a page that no shelf
    names each end it with their words.
    """
    done = build(project, tmp_path / "site")
    assert done.returncode == 0, done.stderr
    index = (tmp_path / "site/index.html").read_text()
    shelves = re.findall(r"^## (.+)$", (top() / "docs/README.md").read_text(), re.MULTILINE)
    assert [one for one in shelves if one not in index] == []

    first = project / "docs/first-hour.md"
    first.write_text(first.read_text() + "\nSee [this](nowhere.md) and [that](install.md#no-such-heading).\n")
    (project / "docs/orphan.md").write_text("# A page that no other names\n")
    done = build(project, tmp_path / "broken")
    assert done.returncode == 1
    for words in ("nowhere.md", "no-such-heading", "orphan.md"):
        assert words in done.stderr
