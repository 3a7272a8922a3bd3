"""Exceptions of operations on the queue. The exceptions of submitting are in `store`, beside `Submit`."""


class QueueError(Exception):
    """Base class of the queue's exceptions; the text is for people. `field`: the argument that is wrong, "" if no
    single one is.
    """

    def __init__(self, text: str = "", field: str = "") -> None:
        super().__init__(text)
        self.field = field


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
