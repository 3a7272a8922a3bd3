"""The configuration: moxlite.toml, read at start, and domains.toml, which changes while the server runs.

- `static`, `listeners`, `transports`, `domains`: the structs; `fields` and `values`: types and texts of their fields
- `load`, `toml`: from TOML to structs, with every mistake and its line; edits of the text
- `checks`: mistakes that the type of a single value cannot show; one module per section
- `snapshot`, `webrules`: data derived from both files: addresses, routes, rules
- `holder`, `files`, `inotify`: the snapshot of a running server, and changes to domains.toml
- `reference`, `examples`: texts for ``moxlite config describe`` and ``example``

Only values belong here: no key is opened, no name resolved, no port bound. Settings that users change are in their
account's file.
"""
