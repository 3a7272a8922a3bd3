"""Times of rules by rrule-temporal and ical.js, in a process of Node, for the campaign `rules`."""

import json
import select
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from moxlite.proto.cards.rules import EPOCH, BadRecurrence, Steps, TooMuchWork, local_seconds, read_rule, times_of
from tests.tools import need

__all__ = ["Libraries"]

FOLDER = Path(__file__).parent.parent / "integration/recurrence"
TIMES = 60
"""Times of a rule that are compared."""

SECONDS = 2
"""Of a rule: both libraries look for times that never come."""


class Libraries:
    """Both of them; the process begins anew after a rule without an answer."""

    def __init__(self) -> None:
        if not (FOLDER / "node_modules").is_dir():
            pytest.skip(f"rrule-temporal is not installed: (cd {FOLDER} && npm ci)")
        self._process = self._started()

    def _started(self) -> subprocess.Popen[str]:
        command = [need("node"), str(FOLDER / "instances.mjs")]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate(timeout=20)

    def _times(self, rule: str, start: datetime, until: datetime) -> list[list[str] | None]:
        """The times by each library, None from one that gives none."""
        wanted = {"rule": rule, "start": f"{start:%Y%m%dT%H%M%S}", "limit": TIMES, "until": until.isoformat()}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()
        output = self._process.stdout
        if not select.select([output], [], [], SECONDS)[0]:
            self.close()
            self._process = self._started()
            return [None, None]
        answers = json.loads(output.readline())
        return [times if isinstance(times, list) else None for times in answers]

    def judged(self, rule: str, start: datetime, until: datetime) -> str:
        """How our times of a rule differ; "" where a library has the same, or rrule-temporal has none."""
        try:
            read = read_rule(rule, start, whole=False)
            times = times_of(read, read.start, local_seconds(until), TIMES, Steps())
        except (BadRecurrence, TooMuchWork) as error:
            return f"refused: {error!r}"
        own = [(EPOCH + timedelta(seconds=time)).isoformat() for time in times]
        answers = self._times(rule, start, until)
        others = [_with_start(times, start, read.count) for times in answers if times is not None]
        # rrule-temporal gives up after 10,000 periods without a time; ical.js alone is wrong too often to judge
        if answers[0] is None or own in others:
            return ""
        return "\n".join(f"{len(times)}: {times}" for times in (own, *others))


def _with_start(times: list[str], start: datetime, count: int | None) -> list[str]:
    """Times with the start, which ical.js leaves out where the rule does not give it."""
    first = start.isoformat()
    if times[:1] != [first]:
        times = [first, *times]
    return times[: min(TIMES, TIMES if count is None else count)]
