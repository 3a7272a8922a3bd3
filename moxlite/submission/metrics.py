"""Metrics of submission (SMTP-139)."""

from typing import Final

from moxlite.metrics import Counter

submission_total: Final = Counter("moxlite_smtpd_submission", "Submitted messages.", ["result"])

for _result in (
    "ok",
    "badmessage",
    "badfrom",
    "badheader",
    "missingsmtputf8",
    "messagelimiterror",
    "recipientlimiterror",
    "signerror",
    "stopped",
    "queueerror",
):
    submission_total.labels(result=_result)
