"""The tables of queue.db as values and functions on a transaction (docs/spec/queue.md §1). Nothing here schedules,
connects or waits."""
