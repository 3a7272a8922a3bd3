"""A second machine that follows this one (STORE-186; docs/decisions/012-standby.md).

- `layout`: names in a target, and the words that both machines leave there and in their own folders
- `litestream`: the program Litestream: finding it, its configuration, its restores
- `control`: calls to the running program, and how far it has copied; `waiting`: mode `sync`
- `pack`: configuration, keys and small files, encrypted
- `replicating`: the first machine: keeps the program running and tells the lag
- `pruning`: removes history that is too old from the target
- `following`: the second machine: keeps restored files current; `refusing`: its port 25
- `moments`: any moment of the last days as a full backup
- `status`: sentences for people
- `lease`, `holding`, `takingover`: which machine may acknowledge, on both machines
- `orphans`: mail that the second machine lacks after it took over

Backups are not here but in `admin.backup`, the commands of the command line in `cli.backups`.
"""
