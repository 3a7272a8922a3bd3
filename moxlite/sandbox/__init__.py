"""Sandbox for untrusted mail: jobs whose cost depends on a mail run in confined child processes (docs/decisions/010).

`processes` is the server's side: it starts at most two child processes, schedules the accounts' jobs, and kills a
process that exceeds its time. `child` is the process: it imports all it needs, gives up files, sockets and memory
beyond a limit (`confine`), and does jobs (`work`). `jobs` has the types that both sides share. The libraries that parse
HTML and style sheets are imported only here, by modules that only the child imports. Reading mail from the store does
not belong here: a job holds all its input.
"""
