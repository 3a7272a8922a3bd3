"""Sieve: a language for filtering mail (RFC 5228 and extensions; IMAP-142). Pure: no I/O, no clock, no store.

::

    text ─ grammar ▶ tree ─ checker ▶ Script ─ program ▶ Program ─ run ▶ Outcome
      ▲                               │ └ packed with msgpack
      └──────────── printer ◀─────────┘

- `errors`, `limits`: faults with their positions, the bounds of all sizes, and the budget of a run
- `grammar`: text to a tree of calls that knows nothing of their meaning
- `syntax`: the vocabulary in which commands and tests declare their arguments
- `commands`, `conditions`: one struct for each command and each test
- `checker`, `validation`, `script`: a tree as a typed script, which is packed and kept
- `printer`: a typed script as text
- `message`: the message as tests see it
- `strings`, `comparing`: variables, flags, parts of dates, comparators and match types
- `outcome`, `state`, `evaluation`, `program`: running a script

The result is a list of actions. Performing them does not belong here.
"""
