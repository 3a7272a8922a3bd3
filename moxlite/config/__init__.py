"""The configuration: moxlite.toml, read at start, and domains.toml, which changes while the server runs.

- `static`, `listeners`, `transports`, `domains`: the structs; `fields` and `values`: what they say about their fields
- `load`, `decode`, `positions`: from TOML to structs, with every mistake and its line
- `checks` and the modules named for a section: what the type of a single value cannot say
- `snapshot`, `webrules`: what is derived from both files: addresses, routes, rules
- `holder`, `edit`, `files`, `inotify`: the snapshot of a running server, and changes to domains.toml
- `reference`, `examples`: texts for ``moxlite config describe`` and ``example``

Values only: no key is opened, no name resolved, no port bound. Settings that users change are in their account's file.
"""
