"""Python programs of others, each in a virtual environment of its own beside the tree, that tests run as programs."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import top

__all__ = ["foreign_program"]

WANTED = Path(__file__).parent / "integration/davprograms"


def foreign_program(name: str, command: str) -> Path:
    """The path of a program of `davprograms/NAME.txt`, installed once for its version. Where it cannot be installed
    the test is skipped, under CI=true it fails.
    """
    wanted = WANTED / f"{name}.txt"
    place = top() / "build" / f"dav-{name}-{hashlib.sha256(wanted.read_bytes()).hexdigest()[:12]}"
    done = place / "done"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        pip: list[str | Path] = [place / "bin/python", "-m", "pip", "install", "--quiet", "-r", wanted]
        if subprocess.run(pip, check=False).returncode != 0:
            words = f"{name} cannot be installed"
            if os.environ.get("CI") == "true":
                pytest.fail(f"{words}, and CI=true allows no skip")
            pytest.skip(words)
        done.touch()
    return place / "bin" / command
