"""Commands of the control socket about the queue: the server's side of ``moxlite queue …``.

- `commands`: about messages; `webhookcommands`: about webhooks; `answers`: what both share
"""
