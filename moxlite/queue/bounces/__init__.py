"""The meaning of other servers' replies in plain words, with advice (QUEUE-180).

- `table`: replies by provider, and by code; data
- `judge`: finds the entry for a reply
- `blocks`: remembers replies that report a block of our IP address

No I/O, and no access to the queue. The replies that the table was made from are in fixtures/replies, each with the
address of the page that documents or quotes it.
"""
