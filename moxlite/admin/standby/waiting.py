"""Whether changes may be acknowledged: not once the second machine has taken over (STORE-186e), and in mode `sync` not
before they are in the target (STORE-186f).

The writer of a database calls after each commit, so one wait serves all units of a group commit. While the target is
away a call in `PATIENCE` seconds waits that long and tries; all others do not wait.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Final

from moxlite.admin.standby import control, metrics
from moxlite.admin.standby.layout import SOCKET, is_copied
from moxlite.store.errors import NoLease, NotCopied

PATIENCE: Final = 5.0
"""Seconds that a commit waits for the target."""

UNKNOWN: Final = 0.05
"""Seconds until the program is asked again for a database that it has not noticed yet."""


class TargetWaiter:
    """Waits for the target, in threads of writers. Until `begin` nothing waits: the server is starting.

    Attributes:
      waits: commits wait for the target (mode sync).
      away: why the target is taken for away, "" while it answers.
      refuses: NotCopied is raised while the target is away.
      replaced: a sentence if another machine has taken over from this one, "" else. NoLease is raised then.
    """

    def __init__(self, data: Path, *, waits: bool, refuse: bool) -> None:
        """See the attributes."""
        self._data = data
        self.waits = waits
        self.refuses = waits and refuse
        self.replaced = ""
        self._began = threading.Event()
        self._retry = 0.0
        self.away = ""

    def begin(self) -> None:
        """From now on commits wait."""
        self._began.set()

    def before(self, path: Path) -> None:
        """Raise NoLease or NotCopied before a change that would not be acknowledged: nothing of it is done then."""
        if self.replaced and is_copied(self._data, path):
            raise NoLease(self.replaced)
        if self.refuses and self.away and time.monotonic() < self._retry and is_copied(self._data, path):
            self._missed(self.away)

    def __call__(self, path: Path) -> None:
        """Wait until all that is committed in a database is in the target. Blocks. Raises NotCopied."""
        if not self.waits or not self._began.is_set() or not is_copied(self._data, path):
            return
        began = time.monotonic()
        if self.away and began < self._retry:
            self._missed(self.away)
            return
        # Without a lock: two writers that come here at once both try, which costs one more wait and no change.
        self._retry = began + PATIENCE  # other writers do not wait meanwhile, if the target is away
        while True:
            try:
                control.sync(self._data / SOCKET, path, PATIENCE)
            except control.UnknownDatabase as error:
                if time.monotonic() - began < PATIENCE:
                    time.sleep(UNKNOWN)
                    continue
                self._lost(error)
            except OSError as error:
                self._lost(error)
            else:
                self.away = ""
                metrics.WAITED.observe(time.monotonic() - began)
            return

    def _lost(self, error: OSError) -> None:
        self.away = str(error.strerror or error)[:300]
        self._retry = time.monotonic() + PATIENCE
        self._missed(self.away)

    def _missed(self, text: str) -> None:
        metrics.UNCOPIED.inc()
        if self.refuses:
            raise NotCopied(f"the standby server hasn't received this change yet: {text}")
