"""What the answers of other servers mean, in plain words, and what can be done (QUEUE-180).

- `table`: replies by provider, and by code; data
- `judge`: finds the entry for a reply
- `blocks`: remembers those that tell of a block of our address

Pure; knows nothing of the queue. The replies that the table was made from lie in fixtures/replies, each with the
address of the page that documents or quotes it.
"""
