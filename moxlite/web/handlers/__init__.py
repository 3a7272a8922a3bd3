"""The web server of domains.toml: redirects, files, and our apps at other paths (docs/spec/web.md §3). Routes of the
apps themselves are in `web.context`.
"""
