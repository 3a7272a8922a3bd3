"""Commands of the control socket about the queue: the server's side of ``moxlite queue …``.

- `commands`: about messages; `suppresscommands`: about addresses that are left alone; `webhookcommands`: about webhooks
- `reportcommands`: about our own reports
- `results`: what they answer, for the command line as well; `answers`: what else they share
"""
