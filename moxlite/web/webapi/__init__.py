"""The web API for programs, wire-compatible with version 0 of mox's (docs/webapi.md; WEB-91..104, 134, 154).

- `types`: requests and results, with their descriptions; `methods`: the one table of the methods
- `jsonreader`, `bodies`: a request's JSON and files; `login`: Basic authentication
- `app`: dispatch; `pages`, `openapi`: pages for people and the description for programs, made from the table
- `calls`: the values that a method gets; `sending`, `letters`, `answers`: Send; `messages`, `suppressions`: the others

Not here: how a message is composed (`moxlite.compose`), checked and signed (`moxlite.submission`), and webhooks
(`moxlite.queue.webhooks`).
"""
