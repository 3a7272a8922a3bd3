"""Run the tests without real programs under coverage; compare or keep the figures: `script/measure coverage`."""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from measuring import floors, index

TOP: Final = Path(__file__).resolve().parents[2]
WITHOUT_PROGRAMS: Final = "not integration and not campaign and not nightly"


def main() -> int:
    """Run; 1 where a package is below its floor, or has none."""
    parser = argparse.ArgumentParser(prog="script/measure coverage", description=__doc__)
    parser.add_argument("--write", action="store_true", help="make today's figures the floors (tests/coverage.toml)")
    parser.add_argument("--index", action="store_true", help="record which tests run which functions")
    options, others = parser.parse_known_args()
    folder = TOP / "build/coverage"
    folder.mkdir(parents=True, exist_ok=True)
    if options.index:
        code = run(folder / "contexts", "--cov-context=test", *others)
        functions, tests = index.write(TOP, folder / "contexts", folder / "contexts.xml")
        (folder / "contexts").unlink()  # 100 MB, and the index has what is needed
        print(f"{index.PLACE}: {functions} functions, {tests} tests")
        return code
    code = run(folder / "branches", "--cov-branch", *others)
    if code:
        return code  # what a failed run reaches says nothing
    found = floors.figures(folder / "branches", TOP)
    if options.write:
        floors.write(TOP, found)
    known = floors.read(TOP)
    lines = floors.below(known, found)
    print("\n".join(lines or [f"{len(known)} packages are at their floors or above"]))
    if without := sorted(found.keys() - known.keys()):
        print(f"without a floor, which --write gives them: {', '.join(without)}")
    return 1 if lines or without else 0


def run(data: Path, *options: str) -> int:
    """Run the tests; the code of pytest."""
    command = [sys.executable, "-m", "pytest", "tests", "-m", WITHOUT_PROGRAMS, "-n", "2", "--dist", "worksteal"]
    command += ["--cov=moxlite", "--cov-report=", f"--junitxml={data}.xml", *options]
    environment = os.environ | index.CORE | {"COVERAGE_FILE": str(data)}
    # A socket's path has at most 107 bytes, and xdist adds a folder to pytest's own.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="cov-", dir=memory, ignore_cleanup_errors=True) as folder:
        return subprocess.run([*command, f"--basetemp={folder}"], cwd=TOP, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
