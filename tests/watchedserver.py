"""`moxlite`, with its event loop watched: ``python -m tests.watchedserver COMMAND …``, for `tests.running`.

Each step of a task that takes more than `STEP_SECONDS` of the processor is written to standard error as a line that
begins with `MARK`, with the frames that ran last. The time is the thread's own, so that a busy machine lengthens none.
``MOXLITE_TEST_AS`` limits the address space of the process, in octets.
"""

import json
import os
import resource
import sys
import threading
import time
import traceback
from typing import Final

import trio

from moxlite.__main__ import main
from moxlite.process import watchdog

__all__ = ["MARK", "STEP_SECONDS", "held"]

MARK: Final = "loop held: "

STEP_SECONDS: Final = 0.05
"""Seconds of the processor that one step may take while strangers' mails are at work: ten times what the design asks
for, which is measured where nothing else runs.
"""

LOOK_SECONDS: Final = 0.02
"""Between two looks at a step that is under way."""


class Watch(watchdog.Watchdog):
    """Tells of long steps with the frames of their task."""

    def __init__(self) -> None:
        super().__init__()
        self._clock = time.pthread_getcpuclockid(threading.get_ident())
        self._loop = threading.get_ident()
        self._began = 0.0
        self._step = 0
        self._seen: tuple[int, list[str]] = (0, [])
        threading.Thread(target=self._look, daemon=True).start()

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        super().before_task_step(task)
        self._end(task.name)
        self._began = time.clock_gettime(self._clock)

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self._end(task.name)

    def _end(self, name: str) -> None:
        if self._began and (spent := time.clock_gettime(self._clock) - self._began) > STEP_SECONDS:
            step, frames = self._seen
            told = {"seconds": round(spent, 3), "task": name, "frames": frames if step == self._step else []}
            print(MARK + json.dumps(told), file=sys.stderr, flush=True)
        self._began = 0.0
        self._step += 1

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            step, began = self._step, self._began
            if not began or time.clock_gettime(self._clock) - began < STEP_SECONDS / 2:
                continue
            if (frame := sys._current_frames().get(self._loop)) is not None:
                found = [f"{one.filename}:{one.lineno} {one.name}" for one in traceback.extract_stack(frame)]
                if step == self._step:
                    self._seen = step, found[-6:]


def held(log: str) -> list[str]:
    """The long steps in a server's log, the longest first, each once for its last frames."""
    found: dict[str, tuple[float, str]] = {}
    for line in log.splitlines():
        if line.startswith(MARK):
            told = json.loads(line.removeprefix(MARK))
            key = " < ".join(reversed(told["frames"])) or told["task"]
            found[key] = max(found.get(key, (0.0, "")), (told["seconds"], f"{told['seconds']} s: {key}"))
    return [text for _, text in sorted(found.values(), reverse=True)]


if __name__ == "__main__":
    if limit := os.environ.get("MOXLITE_TEST_AS"):
        resource.setrlimit(resource.RLIMIT_AS, (int(limit), int(limit)))
    import moxlite.server

    setattr(moxlite.server, "Watchdog", Watch)  # noqa: B010  # in place of the program's own, which it does not export
    main()
