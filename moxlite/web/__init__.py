"""The web room: HTTP server, sessions, and the apps (docs/spec/web.md, docs/spec/webmail.md).

The server makes one `context.Context` with `make_context` and gives each connection to `serve.serve_connection`.
"""
