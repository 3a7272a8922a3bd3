"""The ways of an incoming message and of a submission through a running server: their functions and files, and their
climbs, calls from a lower package up into a higher one. `script/measure walk` prints them, climbs with the functions
that are called, and how often; with `--files` each file, too (develop.md). `tests/walks.py` says what counts as a
climb.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path

import trio

from tests.walks import follow


def main() -> None:
    """Follow the walks, print their ways and climbs."""
    with tempfile.TemporaryDirectory() as folder:
        walks = trio.run(follow, Path(folder))
    for name, walk in walks.items():
        climbs = walk.climbs
        print(f"{name}: {walk}")
        if "--files" in sys.argv:
            for file, count in sorted(Counter(file for file, _ in walk.functions).items()):
                print(f"  {count:4} {file}")
        print(f"{name}: {len(climbs)} climbs to {sum(map(len, climbs.values()))} functions")
        for (caller, package), called in sorted(climbs.items()):
            print(f"  {caller} → {package}")
            for function, count in called.most_common():
                print(f"    {count:4} {function}")


if __name__ == "__main__":
    main()
