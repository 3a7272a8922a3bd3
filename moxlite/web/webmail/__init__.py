"""The webmail: its calls, event streams, and messages over HTTP (docs/spec/webmail.md). Sending and drafts, which the
web API has too, are in `web.composing`.
"""
