"""Spool files for messages on their way in, shared by the sessions of the mail protocols."""

from collections.abc import Sequence
from pathlib import Path

from moxlite.config.static import Static
from moxlite.net.admission import ConnectionInfo
from moxlite.net.limits import IPNetwork, ip_classes, is_exempt
from moxlite.store.content.spool import SpoolShare, SpoolSpace


def spool_space(static: Static, files: int) -> SpoolSpace:
    """Make the spool space that the configuration allows, for at most `files` files."""
    limits = [listener.max_message_size for listener in static.listeners.values()]
    return SpoolSpace(
        static.data_dir / "tmp",
        reserve=static.store.min_free_space,
        message=max(limits + [static.imap.append_limit]),  # a single message of the largest kind must fit
        files=files,
    )


class Spools:
    """The spool space, divided by network. `exempt` networks have no share of their own (SMTP-138)."""

    def __init__(self, space: SpoolSpace, *, exempt: Sequence[IPNetwork] = ()) -> None:
        self.space = space
        self._exempt = tuple(exempt)

    @property
    def directory(self) -> Path:
        """Folder of the spool files."""
        return self.space.directory

    def share(self, info: ConnectionInfo) -> SpoolShare:
        """The share of a connection's network."""
        unbound = info.trusted_local or is_exempt(info.remote, self._exempt)
        return self.space.share(() if unbound else ip_classes(info.remote))
