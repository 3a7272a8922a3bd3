"""Explanation of a message's route, hosts and TLS, without sending it (QUEUE-182).

- `explain`: calls the functions that delivery uses; makes no decisions of its own
- `values`: the answer, which the command line reads; imports nothing else of moxlite
"""
