"""The web component: HTTP server, sessions, and the apps (docs/spec/web.md, docs/spec/webmail.md). Stored mail is in
`moxlite.store`, message formats are in `moxlite.proto`.

The server makes one `context.Context` with `make_context` and gives each connection to `serve.serve_connection`.
"""
