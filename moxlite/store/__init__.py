"""The store: one SQLite file per account, and the few that all accounts share (docs/spec/store.md).

Rooms, each imports only those after it: `recover`, `backup`, `imports` and `exports`, `accounts`, `upkeep`, then
`junk`, `search`, `auth` and `delivery` side by side, `mail`, `content`, `changelog`, `rows`, `file`. Beside them lie
the words that all of them use: `types`, `errors`, `options`, `names`, `metrics`, `junkflags`, `junkparams`.

A read is a function on a `Reader`, a change one on an `AccountTx`: a unit, all or nothing. Protocols, the network and
the configuration files are unknown here; what the store is told of the configuration is `options.Options`.
"""
