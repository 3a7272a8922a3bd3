"""What can go wrong when asking the queue for something. What every submitter meets is in store, beside `Submit`."""

from moxlite.store.delivery.submission import FromIDTaken, QueueFull

__all__ = ["BadFilter", "FromIDTaken", "NoSuchMessage", "NoSuchWebhook", "QueueError", "QueueFull", "UnknownTransport"]


class QueueError(Exception):
    """Any of them; the text is for people."""


class NoSuchMessage(QueueError):
    """No row with this id."""


class NoSuchWebhook(QueueError):
    """No webhook with this id."""


class UnknownTransport(QueueError):
    """No transport of this name is configured."""


class BadFilter(QueueError):
    """A filter or page that cannot be understood; the text names field and value."""
