"""The tests that ran each function in the last recorded run: build/coverage/index.db, which git does not know."""

import sqlite3
import xml.etree.ElementTree as ET  # our own file
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from coverage import CoverageData

from measuring.functions import functions

__all__ = ["CORE", "PLACE", "Index", "write"]

CORE: Final = {"COVERAGE_CORE": "ctrace"}
"""Variable for a run that records which test runs what: the core that Python 3.14 has by default, sysmon, notes a line
once, and not once for each test.
"""

PLACE: Final = Path("build/coverage/index.db")
"""Below the top of the checkout."""

SCHEMA: Final = """
CREATE TABLE function (id INTEGER PRIMARY KEY, path TEXT, name TEXT, digest TEXT, UNIQUE (path, name));
CREATE TABLE test (id INTEGER PRIMARY KEY, name TEXT UNIQUE, seconds REAL);
CREATE TABLE ran (function INTEGER, test INTEGER, PRIMARY KEY (function, test)) WITHOUT ROWID;
"""


def write(top: Path, data: Path, junit: Path) -> tuple[int, int]:
    """Make the index from a run's coverage with a context for each test; how many functions and tests it has.

    `junit` has the seconds of each test. The sources must not have changed since the run.
    """
    place = top / PLACE
    place.parent.mkdir(parents=True, exist_ok=True)
    new = place.with_suffix(".new")
    new.unlink(missing_ok=True)
    recorded = CoverageData(str(data))
    recorded.read()
    seconds = dict(_seconds(junit))
    with closing(sqlite3.connect(new)) as db:
        db.executescript(SCHEMA)
        ids: dict[str, int] = {}
        for name in sorted(recorded.measured_files()):
            path = Path(name)
            if not path.is_relative_to(top) or not path.exists():
                continue
            contexts = recorded.contexts_by_lineno(name)
            for function in functions(path.read_text()).values():
                row = (str(path.relative_to(top)), function.name, function.digest)
                number = db.execute("INSERT INTO function (path, name, digest) VALUES (?, ?, ?)", row).lastrowid
                tests = {_test(context) for line in function.lines for context in contexts.get(line, ())} - {""}
                for test in tests:
                    if test not in ids:
                        ids[test] = len(ids)
                        values = (ids[test], test, seconds.get(test, 0.0))
                        db.execute("INSERT INTO test (id, name, seconds) VALUES (?, ?, ?)", values)
                db.executemany("INSERT INTO ran VALUES (?, ?)", [(number, ids[test]) for test in tests])
        [(count,)] = db.execute("SELECT count(*) FROM function")
        db.commit()
    new.replace(place)
    return count, len(ids)


def _test(context: str) -> str:
    """The test function of a context as pytest-cov names it: `path::name[case]|run`."""
    return context.rpartition("|")[0].partition("[")[0]


def _seconds(junit: Path) -> Iterator[tuple[str, float]]:
    """Seconds of each test function, its cases together."""
    total: dict[str, float] = {}
    for case in ET.parse(junit).iter("testcase"):
        module, _, name = f"{case.get('classname')}.{case.get('name')}".partition("[")[0].rpartition(".")
        test = f"{module.replace('.', '/')}.py::{name}"
        total[test] = total.get(test, 0.0) + float(case.get("time") or 0)
    yield from total.items()


@dataclass(frozen=True)
class Index:
    """Records of the last recorded run."""

    path: Path

    def functions(self, path: str) -> dict[str, tuple[str, frozenset[str]]]:
        """Of a file: the digest of each function, and the tests that ran it."""
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as db:
            found = {}
            for number, name, digest in db.execute("SELECT id, name, digest FROM function WHERE path = ?", (path,)):
                sql = "SELECT test.name FROM ran JOIN test ON test.id = ran.test WHERE ran.function = ?"
                found[name] = digest, frozenset(test for (test,) in db.execute(sql, (number,)))
            return found

    def seconds(self) -> dict[str, float]:
        """Of each test, with all its cases, and of each file of tests."""
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as db:
            found: dict[str, float] = dict(db.execute("SELECT name, seconds FROM test"))
        for test, seconds in list(found.items()):
            file = test.partition("::")[0]
            found[file] = found.get(file, 0.0) + seconds
        return found
