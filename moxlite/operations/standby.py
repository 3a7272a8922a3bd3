"""The operation of a first machine that gives way to the second one (STORE-186l)."""

import msgspec

from moxlite.operations import OWNER, Operation, query


class HandedOver(msgspec.Struct, frozen=True):
    """The machine that takes over. epoch: that it will have."""

    host: str
    epoch: int


@query("standby handover", OWNER, confirm=True)  # the audit log has gone over before
class HandOver(Operation[HandedOver], frozen=True):
    """Hand over to the second machine, which runs `moxlite standby follow --take-over`, and end this server.

    Nothing more is acknowledged here (451, NO), the last changes are copied, then the second machine takes the lease
    and serves. Needs standby.lease. It is refused, and this server goes on, if the second machine does not answer,
    could not serve, or has another version. If it does not take over after all, this server may start again after a
    minute.
    """
