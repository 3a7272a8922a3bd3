"""Metrics of the text index (STORE-112, STORE-170)."""

from typing import Final

from moxlite.metrics import Counter, Gauge

INDEXED: Final = Counter("moxlite_store_search_indexed_total", "Messages put into text indices.")
LAG: Final = Gauge(
    "moxlite_store_search_lag", "Messages not yet in the text index of their account, all open accounts together."
)
REBUILT: Final = Counter(
    "moxlite_store_search_rebuilt_total", "Text indices deleted to be built anew, by reason.", ["reason"]
)
QUESTIONS: Final = Counter(
    "moxlite_store_search_questions_total", "Questions to text indices, and whether there was an answer.", ["answer"]
)
for _answer in ("given", "none"):
    QUESTIONS.labels(_answer)
