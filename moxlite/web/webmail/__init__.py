"""The webmail: its calls, event streams, and messages over HTTP (docs/spec/webmail.md)."""
