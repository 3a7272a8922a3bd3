"""The operations about mail that leaves later: scheduled by the webmail or a program, held in the queue until its time,
or about to go out while it can still be undone (WEBMAIL-96, WEBMAIL-123, JMAP-31, QUEUE-27).
"""

from typing import Annotated

from moxlite.operations import USERS, UserOperation, Word, change, field, query
from moxlite.store.forms import Leaving


@query("account later list", USERS, columns=("id", "due", "sender", "recipients", "subject"))
class ListLeaving(UserOperation[list[Leaving]], frozen=True):
    """List ACCOUNT's scheduled messages. The next to be sent is first."""


@change("account later stop", USERS, done="canceled message {id}")
class StopLeaving(UserOperation[None], frozen=True):
    """Cancel ACCOUNT's scheduled message ID. If the account has a copy, you can find it in Drafts."""

    id: Annotated[Word, field(metavar="ID")]
