"""script/test: what it is asked, which checks run beside the tests, and what their findings do."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.tools import top

PROGRAMS = (
    *("venv/bin/ruff", "venv/bin/lint-imports", "venv/bin/python", "script/bootstrap", "script/check", "script/gen"),
    *("bin/npm", "frontend/node_modules/.bin/tsc", "frontend/node_modules/.bin/biome"),
)

MYPY = """\
#!/bin/sh
until [ -e collecting ]; do sleep 0.05; done
echo words of mypy
exit {code}
"""

PYTEST = """\
#!/bin/bash
trap 'echo tests were interrupted; exit 2' TERM
echo "$@" >collecting
if [ {seconds} = 0 ]; then echo tests passed; exit 0; fi
sleep {seconds} >/dev/null 2>&1 &
wait
"""


def run(folder: Path, *, code: int, seconds: int) -> subprocess.CompletedProcess[str]:
    """Run it in `folder`, where all that it calls is made up: mypy ends with `code`, as soon as pytest has begun."""
    for name in PROGRAMS:
        program(folder / name, "#!/bin/sh\n")
    program(folder / "venv/bin/mypy", MYPY.format(code=code))
    program(folder / "venv/bin/pytest", PYTEST.format(seconds=seconds))
    program(folder / "script/test", (top() / "script/test").read_text())
    (folder / "frontend/package-lock.json").write_text("{}")
    environment = os.environ | {"VENV": "venv", "PATH": f"{folder}/bin:{os.environ['PATH']}", "TMPDIR": str(folder)}
    command = [str(folder / "script/test"), "fast"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.mark.parametrize("code", [0, 1])
def test_tests_run_beside_mypy(tmp_path: Path, code: int) -> None:
    """What mypy finds ends the tests and is shown; the run has failed then."""
    ended = run(tmp_path, code=code, seconds=code * 300)
    assert "not slow" in (tmp_path / "collecting").read_text(), ended.stderr
    assert ended.returncode == code, ended.stderr
    assert ("words of mypy" in ended.stdout) == bool(code)
    assert ("tests were interrupted" in ended.stdout) == bool(code)
    assert ("the tests were ended: mypy failed" in ended.stderr) == bool(code)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--help"], 0, ""),
        (["-h"], 0, ""),
        (["--slow"], 2, "--slow isn't an option"),
        (["--processes", "0"], 2, "as in `script/test all --processes 0`"),
        (["fest"], 2, "fest doesn't exist"),
        (["nightly", "moon"], 2, "the parts of nightly are tests python"),
    ],
)
def test_help_and_mistakes_print_the_usage(arguments: list[str], code: int, words: str) -> None:
    """Before anything is installed or checked."""
    command = [str(top() / "script/test"), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == code
    assert words in ended.stderr
    usage = ended.stderr if code else ended.stdout
    assert "Check a change: `script/test [WHAT] [PYTEST-OPTION …]`" in usage
    assert "  nightly PART …  " in usage
