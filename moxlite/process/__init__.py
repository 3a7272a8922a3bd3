"""The server as a process of its machine: from the command line to the event loop, and what keeps it in order.

- `startup`: before Trio runs: configuration, data directory, ports, keys, giving up root; in this order
- `parent`, `keyfiles`, `keeper`: the process that stays root, the files that it reads, and its own small program
- `ports`, `privileges`, `lock`, `receivedid`: the steps that are long enough for a file of their own
- `systemd`, `watchdog`, `clockset`: while it runs: signs of life, who held the event loop, the clock that was set
- `configtest`: all that `startup` would find wrong, told without starting
- `localserve`: a directory to try moxlite in

The tree of tasks is `moxlite.server`; what a task does when it fails is `moxlite.supervision`. Sockets and TLS are in
`net`.
"""
