"""Climbs of an incoming message and of a submission: calls from a lower package up into a higher one, counted in a
running server. `script/measure walk` prints them with the functions that are called, and how often (develop.md;
`tests/walks.py` says what counts as a climb).
"""

import tempfile
from pathlib import Path

import trio

from tests.walks import follow


def main() -> None:
    """Follow the walks, print their climbs."""
    with tempfile.TemporaryDirectory() as folder:
        walks = trio.run(follow, Path(folder))
    for name, climbs in walks.items():
        print(f"{name}: {len(climbs)} climbs to {sum(map(len, climbs.values()))} functions")
        for (caller, package), called in sorted(climbs.items()):
            print(f"  {caller} → {package}")
            for function, count in called.most_common():
                print(f"    {count:4} {function}")


if __name__ == "__main__":
    main()
