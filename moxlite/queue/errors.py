"""What can go wrong when asking the queue for something. What every submitter meets is in store, beside `Submit`."""

from moxlite.store.delivery.submission import FromIDTaken, QueueFull, SendingStopped

__all__ = [
    "AlreadySuppressed",
    "BadFilter",
    "FromIDTaken",
    "NoSuchMessage",
    "NoSuchWebhook",
    "NotStopped",
    "NotSuppressed",
    "QueueError",
    "QueueFull",
    "SendingStopped",
    "UnknownTransport",
]


class QueueError(Exception):
    """Any of them; the text is for people."""


class NoSuchMessage(QueueError):
    """No row with this id."""


class NoSuchWebhook(QueueError):
    """No webhook with this id."""


class UnknownTransport(QueueError):
    """No transport of this name is configured."""


class AlreadySuppressed(QueueError):
    """The address is on the suppression list (QUEUE-83)."""


class NotSuppressed(QueueError):
    """The address is not on the suppression list (QUEUE-83)."""


class NotStopped(QueueError):
    """The account is not stopped (SMTP-170)."""


class BadFilter(QueueError):
    """A filter or page that cannot be understood; the text names field and value."""
