"""Commands of the control socket about the queue: the server's side of ``moxlite queue …``. The command line itself is
not here, but in `cli`.

- `commands`: about messages, suppression lists and stopped accounts; common arguments and errors
- `reportcommands`: about our own reports, and about webhooks
"""
