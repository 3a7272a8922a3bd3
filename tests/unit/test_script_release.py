"""script/release: from a section of CHANGELOG.md to a tag (docs/developers/develop.md)."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from moxlite import __version__
from tests.tools import top


def release(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run it in a clone."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "VENV": sys.prefix}
    environment |= dict.fromkeys(NAMES, "a") | dict.fromkeys(MAILS, "a@b")
    command = [str(folder / "script" / "release"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=300)


NAMES = ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME")
MAILS = ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL")


def git(folder: Path, *words: str) -> str:
    """What a git command prints."""
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_the_section_of_the_next_version_can_be_read() -> None:
    """After a release it has to be begun."""
    done = release(top(), __version__, "--check")
    if done.returncode:
        assert "no section" in done.stderr or "is not newer than" in done.stderr
    else:
        assert done.stdout.startswith(f"## {__version__} (")


WRITTEN = "# Changelog\n\nHead.\n\n## 999.0.0 (not yet released)\n\nAll of it.\n\n## 0.0.1 (2020-01-01)\n\n- Old.\n"
"""A changelog that is ready for a release."""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of what is committed here, with the scripts as they are now, as it is before the first release."""
    if not (top() / ".git").exists():
        pytest.skip("not in a git repository")
    folder = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--no-tags", "--depth", "1", f"file://{top()}", str(folder))
    for name in ("script/release", "script/packages/sources.py"):
        shutil.copy(top() / name, folder / name)
    (folder / "CHANGELOG.md").write_text(WRITTEN)
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message", "ready")
    return folder


def package_version(clone: Path) -> str:
    """The version that packages of a clone get."""
    code = "from packages.sources import version; print(version())"
    environment = os.environ | {"PYTHONPATH": f"{clone}:{clone}/script"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=clone, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.mark.nightly
@pytest.mark.slow
def test_packages_between_releases_sort_above_the_last_one(clone: Path) -> None:
    """ADMIN-43: and below the next one; what CHANGELOG.md has with a date has the version itself, without a tag."""
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    assert package_version(clone).startswith("999.0.0~git")
    (clone / "CHANGELOG.md").write_text(WRITTEN.replace("not yet released", "2026-11-24"))
    git(clone, *who, "commit", "--quiet", "--all", "--message", "Release")
    assert package_version(clone) == "999.0.0"
    git(clone, *who, "tag", "--annotate", "v999.0.0", "--message", "a")
    assert package_version(clone) == "999.0.0"
    git(clone, *who, "commit", "--quiet", "--allow-empty", "--message", "later")
    assert package_version(clone).startswith("999.0.0+git")


@pytest.mark.slow
def test_a_release_is_one_commit_with_a_tag(clone: Path) -> None:
    """STORE-147: with the fixture of its schema, the changelog and the version."""
    done = release(clone, "999.0.0", "--tested", "--tag-only")
    assert done.returncode == 0, done.stderr
    assert git(clone, "describe").strip() == "v999.0.0"
    assert git(clone, "status", "--porcelain") == ""
    assert '__version__: Final = "999.0.0"' in (clone / "moxlite" / "__init__.py").read_text()
    day = git(clone, "log", "-1", "--format=%cs").strip()
    assert (clone / "CHANGELOG.md").read_text() == WRITTEN.replace("not yet released", day)
    assert (clone / "fixtures" / "upgrade" / "999.0.0.tar.zst").stat().st_size > 1000
    assert (clone / "fixtures" / "upgrade" / "README.md").read_text().endswith("| `999.0.0` | the release 999.0.0 |\n")
    again = release(clone, "1000.0.0", "--tested")
    assert (again.returncode, "no section" in again.stderr) == (1, True)
    again = release(clone, "999.0.0", "--check")
    assert (again.returncode, "the last release in CHANGELOG.md" in again.stderr) == (1, True)


@pytest.mark.nightly
@pytest.mark.slow
def test_the_first_release_has_the_version_that_the_program_has(clone: Path) -> None:
    """Before the first release CHANGELOG.md has no date, and the version of the program is the one to come."""
    (clone / "CHANGELOG.md").write_text(f"# Changelog\n\n## {__version__} (not yet released)\n\nAll of it.\n")
    assert package_version(clone).startswith(f"{__version__}~git")
    done = release(clone, __version__, "--check")
    assert re.fullmatch(rf"## {re.escape(__version__)} \(\d{{4}}-\d\d-\d\d\)\n\nAll of it\.\n", done.stdout), done


BUILD = """\
#!/bin/sh
set -e
cd "$(dirname "$0")/.."
to=dist
[ "$4" != --to ] || to=$5
mkdir -p "$to/$3"
echo "$(%s | sha256sum | cut -c1-64)  moxlite-$3" >"$to/$3/SHA256SUMS"
"""
"""In place of script/package: a release whose one file has what a command prints."""


@pytest.mark.slow
@pytest.mark.parametrize(("prints", "code"), [("cat CHANGELOG.md", 0), ("pwd", 1)])
def test_a_release_is_built_twice_and_refused_if_the_builds_differ(clone: Path, prints: str, code: int) -> None:
    """ADMIN-43b: in a clone elsewhere; nothing is committed and tagged then."""
    (clone / "script/package").write_text(BUILD % prints)
    git(clone, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--all", "--message", "stand-in")
    before = git(clone, "rev-parse", "HEAD")
    done = release(clone, "999.0.0", "--tested")
    assert done.returncode == code, done.stderr
    assert git(clone, "tag") == ("" if code else "v999.0.0\n")
    assert (git(clone, "rev-parse", "HEAD") == before) == bool(code)
    assert git(clone, "status", "--porcelain") == ""
    assert ("two builds differ in moxlite-999.0.0" in done.stderr) == bool(code)


@pytest.mark.landing("x.md-999.0.0-commit or remove", "-0.0.2-older than")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "version", "words"),
    [
        ("", "1000.0.0", "no section"),
        ("", "0.0.2", "older than"),
        ("", "next", "no version"),
        ("x.md", "999.0.0", "commit or remove"),
    ],
)
def test_a_release_that_cannot_be_is_refused(clone: Path, name: str, version: str, words: str) -> None:
    """Nothing is written then."""
    if name:
        (clone / name).write_text("x")
    done = release(clone, version, "--tested")
    assert (done.returncode, words in done.stderr) == (1, True), done.stderr
    assert git(clone, "tag") == ""
