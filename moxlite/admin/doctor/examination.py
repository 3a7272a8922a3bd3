"""The inputs of an examination (ADMIN-70)."""

from pathlib import Path

import msgspec

from moxlite.admin.dns.network import Network
from moxlite.admin.dns.wanted import HeldKeys
from moxlite.admin.doctor.requests import Running
from moxlite.config.snapshot import Snapshot
from moxlite.net.httpclient import HTTPClient
from moxlite.net.resolver import Resolver
from moxlite.process.keys import Read, SigningKeys
from moxlite.safefile import read_file


class Examination(msgspec.Struct, frozen=True, kw_only=True):
    """A server under examination, with everything that the checks need.

    Attributes:
      path: the static configuration file.
      http: makes requests; inner addresses are allowed, because the URLs come from the configuration.
      running: the running server's report about itself; None if no server runs with this data folder.
      elsewhere: a line about a server that runs with the former data folder; "" for none.
      held: keys that this process has already; None if it reads their files.
      signing: the keys with which this process signs; None if it reads their files.
      read: reads files that moxlite.toml names.
      inside: this is the server's own process, which is unprivileged and confined by its unit.
      dial: try port 25 of other servers.
      names: DNS answers, so that names can be looked up.
    """

    snapshot: Snapshot
    path: Path
    resolver: Resolver
    network: Network
    http: HTTPClient
    running: Running | None
    elsewhere: str = ""
    held: HeldKeys | None = None
    signing: SigningKeys | None = None
    read: Read = read_file
    inside: bool = False
    dial: bool = False
    names: bool = True
