"""How a message to an address would leave, and what its hosts say, without sending (QUEUE-182).

- `explain`: asks the functions that deliver
- `values`: the answer, which the command line reads; imports nothing else of moxlite
"""
