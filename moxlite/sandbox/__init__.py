"""Sandbox for untrusted mail: jobs whose cost depends on a mail run in confined child processes (docs/decisions/010).

`processes` is the server's side: it starts at most two child processes, schedules the accounts' jobs, and kills a
process that exceeds its time. `child` is the process: it imports all it needs, gives up files, sockets and memory
beyond a limit (`confine`), and does jobs (`work`). `jobs` has the types that both sides share. The libraries that parse
HTML and style sheets are imported only here, by modules that only the child imports. Reading mail from the store does
not belong here: a job holds all its input.

Theory of operation
-------------------
A thread cannot be ended, and a parser that a mail sends into quadratic time holds Python's lock meanwhile. So what may
take long for one mail is done where it can be killed. Four bounds lie one behind the other, the cheapest first:

1. `bounds` counts on the text what parsers find expensive, and refuses at once. Nearly all hostile mail ends here.
2. The server kills a process that takes `JOB_SECONDS` of processor time for a reply, or several times as long
   altogether. The next job gets a new one.
3. The system kills a process that takes more processor time or memory than `confine` has set, also inside of native
   code, where no check of ours runs.
4. An attacker who takes over the process finds no files, no sockets and no other processes: `seccomp` and `landlock`
   allow what the jobs need, and a call outside ends the process and is counted.

A process does one job at a time and keeps nothing between two jobs but its modules. It ends itself when its heap has
grown, since fragmented memory does not come back. Jobs are scheduled by account (`turns`), so one account's dearest
mails delay another's by one job. When a job fails, the caller shows the mail in a plainer way and says so: a failure of
the sandbox never makes mail unreadable.
"""
