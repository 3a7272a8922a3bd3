"""The web server of domains.toml: redirects, files, and our apps at other places (docs/spec/web.md §3)."""
