"""``moxlite doctor``: faults that keep this server from its work, or will, in one graded list (ADMIN-70).

- `findings`: the entries of the list
- `examine`: all checks; `backups`, `machine`, `names` and `running` have those that are not of the configuration
- `mailtest`: a message through the server's own ports
- `nightly`: the examination each night, and notices about changes
- `commands`: the running server's report about itself, on the control socket

Not here: nothing is repaired; a finding names the commands that do it.
"""
