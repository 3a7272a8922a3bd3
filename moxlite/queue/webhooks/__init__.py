"""Webhooks: calls to the web servers of accounts, queued as mail is (QUEUE-90..96, WEB-105..111). The JSON form of an
incoming message is not made here, but in `acceptance.messagejson`.

- `keeping`: the rows of queue.db, from adding to retiring them, on a transaction
- `events`: calls about sent messages
- `incoming`: calls about incoming messages, and DSNs for sent ones
- `calls`: makes the calls, and samples of all events
- `webhooks`: the tasks for the composition root; list, schedule, cancel
"""
