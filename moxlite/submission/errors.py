"""Exceptions of `submit`: why a message is not sent."""


class SubmissionRefused(Exception):
    """The message cannot be sent as it is; nothing was queued.

    `code` and `ecode`: of the SMTP reply, 4xx if a retry makes sense. `result`: the label for metrics.
    """

    def __init__(self, code: int, ecode: str, text: str, result: str) -> None:
        super().__init__(text)
        self.code = code
        self.ecode = ecode
        self.text = text
        self.result = result


class SubmissionStuck(Exception):
    """The commit took too long; the message may be queued or not."""
