"""The server as a process of its machine, from the command line to the event loop.

- `startup`: before Trio runs: configuration, data directory, ports, keys, giving up root; in this order
- `parent`, `keeper`: the process that stays root, and its own small program
- `keys`: private keys and certificates that are read at the start
- `ports`, `privileges`, `permissions`, `author`, `lock`, `descriptors`, `spools`: the longer steps of the start
- `signals`, `fences`, `watchdog`: at run time: signals, signs of life, the paths that the unit hides, tasks that hold
  the event loop, changes of the wall clock
- `stopped`: the data directory of a stopped server, for commands that work on its files
- `configtest`: all faults that `startup` would find, reported without starting
- `localserve`: a directory to try moxlite in, and its DNS

Not here: the tree of tasks is `moxlite.server`; the handling of failed tasks is `moxlite.supervision`. Sockets and TLS
are in `net`.
"""
