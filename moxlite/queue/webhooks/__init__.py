"""Webhooks: calls to the web servers of accounts, queued as mail is (QUEUE-90..96, WEB-105..111).

- `rows`: the rows of queue.db as values; `keeping`: adding, marking, finishing and retiring them, on a transaction
- `events`: what is told of sent messages; `incoming`: of messages that came in, and DSNs that answer sent ones
- `calls`: makes the calls; `operations`: what people do with them
"""
