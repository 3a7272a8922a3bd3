"""Why a message is not sent."""

__all__ = ["SubmissionRefused", "SubmissionStuck"]


class SubmissionRefused(Exception):
    """The message cannot be sent as it is; nothing was queued.

    `code` and `ecode` as a reply of SMTP has them, 4xx where it may be tried again; `result` is the word for metrics.
    """

    def __init__(self, code: int, ecode: str, text: str, result: str) -> None:
        super().__init__(text)
        self.code = code
        self.ecode = ecode
        self.text = text
        self.result = result


class SubmissionStuck(Exception):
    """The commit took too long; the message may be queued or not."""
