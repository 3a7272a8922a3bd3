"""Run tests that failed again, alone: `again.py FILE`, which has the name of one in each line.

A test that passes alone is unsteady: it depends on how busy the machine is, or has a race. It is named at the end and
in build/unsteady.txt, and is a bug, but it holds no landing up. More than three at once are no accident, and a test of
tests/crash guards against lost mail: these are not run again. The nightly run repeats nothing.

Ends with 0 if all passed, else with 1.
"""

import subprocess
import sys
from pathlib import Path

MOST = 3


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
    if subprocess.run([sys.executable, "-m", "pytest", "-n", "0", *failed], check=False).returncode:
        return 1
    Path("build").mkdir(exist_ok=True)
    with Path("build/unsteady.txt").open("a") as unsteady:
        for name in failed:
            print(f"again: unsteady, passes alone: {name}")
            unsteady.write(f"{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
