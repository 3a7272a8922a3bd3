"""Reading files as root that the service user can write: ``domains.toml`` and the files that it names (ADMIN-37).

Root reads them as that user, so that a link planted by a compromised server gives access to nothing that its user could
not read. `as_author` is for commands; the start knows the user already.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from moxlite.config.load import DOMAINS_FILE, ConfigError, parse, read_source
from moxlite.config.static import SERVICE_USER
from moxlite.process.privileges import UnknownUser, acting_as, service_user
from moxlite.safefile import replaceable


@contextmanager
def as_its_author(path: Path, ids: tuple[int, int] | None) -> Iterator[None]:
    """Run the block as the service user (`ids`; None: this process stays as it is) if that user could replace the file
    at `path`. Then it also chooses the paths in the file, and root must open none of them.
    """
    with ExitStack() as stack:
        if ids is not None and os.path.lexists(path) and replaceable(path):
            stack.enter_context(acting_as(*ids))
        yield


@contextmanager
def as_author(static_file: Path) -> Iterator[None]:
    """As `as_its_author`, for the domains.toml next to a static file, which names the service user. If it names no
    valid user, the process stays as it is; reading the configuration reports that.
    """
    ids = None
    if os.name == "posix" and os.geteuid() == 0:
        try:
            user = parse(read_source(static_file)).get("user", SERVICE_USER)
            ids = service_user(user) if isinstance(user, str) else None
        except (ConfigError, UnknownUser):
            pass
    with as_its_author(static_file.parent / DOMAINS_FILE, ids):
        yield
