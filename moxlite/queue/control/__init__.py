"""What the operations about the queue do; their descriptions are in `operations`.

- `commands`: about messages, suppression lists, stopped accounts and webhooks
- `reportcommands`: about our own reports
"""
