"""Commands of the control socket about the queue: the server's side of ``moxlite queue …``. The command line itself is
not here, but in `cli`.

- `commands`: about messages; `suppresscommands`: about suppression lists; `webhookcommands`: about webhooks
- `reportcommands`: about our own reports; `guardcommands`: about stopped accounts
- `results`: their answers, which the command line reads; `answers`: common arguments and errors
"""
