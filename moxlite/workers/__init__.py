"""Workers: processes of one server that own accounts (docs/decisions/031-workers.md), and everything that crosses from
one of them to another. Linux only.

What belongs here: how processes are forked, and how they ask each other. The subjects that cross (log-ins, messages,
connections) stay where they are; only their questions are described here. A server with one process loads nothing of
this.
"""
