"""The web API for programs, wire-compatible with version 0 of mox's (docs/webapi.md; WEB-91..104, 134, 154).

- `types`: requests and results, with their descriptions; `methods`: the one table of the methods
- `bodies`: a request's JSON and files
- `app`: dispatch and Basic authentication; `pages`: pages for people and the description for programs, of the table
- `calls`: the values that a method gets; `sending`, `letters`: Send; `messages`: the other methods

Not here: how a message is composed (`moxlite.compose`), checked and signed (`moxlite.submission`), and webhooks
(`moxlite.queue.webhooks`).
"""
