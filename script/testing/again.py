"""Run tests that failed again, alone: `again.py FILE`, which has the name of one in each line.

A test that passes alone is unsteady: it depends on how busy the machine is, or has a race. It is a bug, but it does not
fail the run: it gets a line in tests/unsteady.txt, which is committed. A test that has `TIMES` lines of the last `DAYS`
days fails the run, until it is fixed and its lines are removed. More than `MOST` failures at once are no accident, and
a test of tests/crash guards against lost mail: these are not run again. The nightly run repeats nothing.

Ends with 0 if all passed, else with 1.
"""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

MOST: Final = 3
TIMES: Final = 3
DAYS: Final = 31
LIST: Final = Path("tests/unsteady.txt")


def main() -> int:
    """Run them; the exit code."""
    [_, file] = sys.argv
    path = Path(file)
    failed = sorted(set(path.read_text().splitlines())) if path.exists() else []
    if not failed:
        return 1  # pytest failed otherwise
    if len(failed) > MOST:
        print(f"again: {len(failed)} tests failed, more than {MOST}: none is run again")
        return 1
    if lost := [name for name in failed if name.startswith("tests/crash/")]:
        print(f"again: not run again, as it guards against lost mail: {', '.join(lost)}")
        return 1
    print(f"== again, alone: {len(failed)}", flush=True)
    if subprocess.run([sys.executable, "-m", "pytest", *failed], check=False).returncode:
        return 1
    return record(failed, datetime.now(UTC).date())


def record(names: list[str], today: date) -> int:
    """Add a line for each test; 1 if one of them has too many."""
    LIST.parent.mkdir(exist_ok=True)
    lines = LIST.read_text().splitlines() if LIST.exists() else []
    lines += [f"{today} {name}" for name in names]
    LIST.write_text("".join(f"{line}\n" for line in lines))
    code = 0
    for name in names:
        print(f"again: unsteady, passes alone: {name}; commit its line in {LIST}")
        if times(name, lines, today) >= TIMES:
            print(f"again: {name} was unsteady {TIMES} times in {DAYS} days: fix it, then remove its lines from {LIST}")
            code = 1
    return code


def times(name: str, lines: list[str], today: date) -> int:
    """How often a test was unsteady in the last days. A line is a date and a test, or a comment with "#"."""
    entries = [line.split(" ", 1) for line in lines if line and not line.startswith("#")]
    return sum(one == name and date.fromisoformat(day) > today - timedelta(DAYS) for day, one in entries)


if __name__ == "__main__":
    sys.exit(main())
