"""The operation about programs that speak JMAP (JMAP-8a)."""

from moxlite.operations import Operation, Role, change
from moxlite.operations.imap import Traced


@change("jmap trace", Role.COMMAND_LINE)
class JmapTrace(Operation[Traced], frozen=True):
    """Send the masked transcript of an account's programs as octets, for `minutes` minutes."""

    account: str
    minutes: int
