"""Explanation of a message's route, hosts and TLS, without sending it (QUEUE-182). Decisions about delivery are not
here.

- `explain`: calls the functions that delivery uses
- `values`: the answer, which the command line reads; imports nothing else of moxlite
"""
