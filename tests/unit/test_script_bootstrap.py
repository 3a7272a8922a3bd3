"""Bootstrap makes the environment of one Python (script/bootstrap), with stubs that stand for interpreters."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.tools import top

STUB = """#!/bin/sh
case "$*" in
    *_base_executable*) echo {name} ;;
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
esac
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A project that has nothing but the script, and two interpreters beside it."""
    (tmp_path / "script").mkdir()
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements/runtime.lock").touch()
    shutil.copy(top() / "script/bootstrap", tmp_path / "script")
    for name in ("one", "other"):
        (tmp_path / name).write_text(STUB.format(name=name))
        (tmp_path / name).chmod(0o755)
    return tmp_path


def bootstrap(place: Path, python: str, **environment: str) -> str:
    """Run it; what it says."""
    environment = {"PATH": os.environ["PATH"], "PYTHON": str(place / python), **environment}
    done = subprocess.run(
        [place / "script/bootstrap"], env=environment, check=True, capture_output=True, text=True, timeout=60
    )
    return done.stderr


@pytest.mark.parametrize("folder", [".venv", "named", "/absolute"])
def test_an_environment_is_of_the_python_that_is_wanted(place: Path, folder: str) -> None:
    """It is made anew for another one, and only then; VENV may be an absolute path."""
    environment = {} if folder == ".venv" else {"VENV": folder.replace("/", f"{place}/")}
    python = place / folder.lstrip("/") / "bin/python"
    assert "installing" in bootstrap(place, "one", **environment)
    assert bootstrap(place, "one", **environment) == ""
    assert "echo one" in python.read_text()
    assert "made anew" in bootstrap(place, "other", **environment)
    assert "echo other" in python.read_text()


def test_the_python_of_another_is_left_alone(place: Path) -> None:
    """VENV that bootstrap has not made, such as the prefix of a system, is not removed."""
    (place / "system/bin").mkdir(parents=True)
    shutil.copy(place / "one", place / "system/bin/python")
    assert "made anew" not in bootstrap(place, "other", VENV="system")
    assert "echo one" in (place / "system/bin/python").read_text()
