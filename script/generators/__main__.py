"""Run all generators; with --check, compare with what is committed and exit 1 on a difference."""

import gc
import importlib
import pkgutil
import sys
from pathlib import Path

import generators

TOP = Path(__file__).resolve().parent.parent.parent


def main() -> int:
    """Write or compare each output."""
    gc.disable()  # it would look through a million nodes of syntax trees, none of them garbage, again and again
    check = "--check" in sys.argv[1:]
    stale: list[str] = []
    for module in sorted(m.name for m in pkgutil.iter_modules(generators.__path__) if not m.name.startswith("_")):
        for name, content in importlib.import_module(f"generators.{module}").outputs().items():
            path = TOP / name
            if path.exists() and path.read_bytes() == content:
                continue
            if check:
                stale.append(name)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                print(f"wrote {name}")
    for name in stale:
        print(f"gen: {name} is out of date; run script/gen and commit it", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
