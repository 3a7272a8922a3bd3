"""The operation of a first machine that gives way to the second one (STORE-186l)."""

import msgspec

from moxlite.operations import OWNER, Operation, query


class HandedOver(msgspec.Struct, frozen=True):
    """The machine that takes over. epoch: that it will have."""

    host: str
    epoch: int


@query("standby handover", OWNER, confirm=True)  # the audit log has gone over before
class HandOver(Operation[HandedOver], frozen=True):
    """Switch over to the standby server. It runs `moxlite standby follow --take-over`. This server stops.

    This server stops accepting changes (451, NO), copies the last ones, and then the standby server takes the lease and
    starts. This requires standby.lease. If the standby server doesn't respond, can't start, or has another version,
    this server keeps running. If the standby server still doesn't take the lease, you can start this server again after
    a minute.
    """
