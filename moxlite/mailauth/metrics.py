"""Metrics of the sender checks."""

from typing import Final

from moxlite.mailauth.results import ARCStatus, DMARCStatus, IPRevStatus, SignatureStatus, SPFStatus
from moxlite.metrics import Counter

mailauth_total: Final = Counter(
    "moxlite_mailauth",
    "Checks of received messages: one for each signature, else one for each message.",
    ["method", "result"],
)

for _method, _results in (
    ("iprev", IPRevStatus),
    ("spf", SPFStatus),
    ("dkim", SignatureStatus),
    ("dmarc", DMARCStatus),
    ("arc", ARCStatus),
):
    for _result in _results:
        mailauth_total.labels(method=_method, result=_result.value)
