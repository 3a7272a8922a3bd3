"""A process for strangers' octets: jobs whose cost depends on a mail are done outside of the server
(docs/decisions/010).

`processes` is the server's side: it starts at most two child processes, gives accounts their turns, and ends a process
that exceeds its time. `child` is the process: it imports all it needs, gives up files, sockets and memory beyond a
limit (`confine`), and does jobs (`work`). `jobs` has the types that both sides share. The libraries that parse HTML and
style sheets are imported here alone, by modules that only the child imports.
"""
