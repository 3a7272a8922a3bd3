"""One SQLite file, whatever is in it: account.db, auth.db, queue.db, search.db.

- `database`: the file with all that belongs to it, as the rooms above use it
- `transaction`, `arrays`: what a read or a unit works on
- `writer`: the one thread that writes; `jobs`, `series`: a unit on its way to it, and long changes in many units
- `readers`, `threads`: where reads run
- `migrations`: opening a file and bringing its schema up to date
- `health`, `boundary`: what errors mean, and when a file is tried again
- `checkpoint`, `memory`: the log and the process' memory kept small
- `findings`: what a check says

No table is named here but those that all files have. What a row means is for the rooms above.
"""
