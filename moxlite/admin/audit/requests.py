"""Arguments and results of the command ``audit list``, shared by the command line and the server."""

from typing import Any, Literal

import msgspec

from moxlite.operations import Request


class AuditList(Request, frozen=True, kw_only=True):
    """``audit list``: the newest entries of the audit log that match, newest first; "" and 0 are for any. `before`:
    only smaller ids.
    """

    actor: str = ""
    object: str = ""
    via: str = ""
    words: str = ""
    since: int = 0
    before: int = 0
    count: int = 100


class ValueChange(msgspec.Struct, frozen=True):
    """A value of domains.toml that was changed, by its path; null where it is not set."""

    path: str
    before: Any
    after: Any


class AuditLine(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the audit log; `at`: µs UTC. `via`: ``cli``, ``webadmin``, ``webaccount``, ``webmail``, or ``file``
    for an edit by hand. `outcome` ``begun``: the server ended in the middle; the change may have been made or not.
    `why`: the reason of a refusal. `given`: the arguments, without secrets.
    """

    id: int
    at: int
    actor: str
    via: str
    remote_ip: str
    action: str
    object: str
    outcome: Literal["begun", "done", "refused", "failed"]
    why: str
    given: dict[str, Any]
    changes: list[ValueChange]
