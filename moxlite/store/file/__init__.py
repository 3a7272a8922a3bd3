"""One SQLite file of any kind: account.db, auth.db, queue.db, search.db.

- `database`: the file with its writer and readers, as the packages above use it; `fileupkeep`: its upkeep
- `transaction`, `arrays`: the views of the database that a read or a unit gets, and array parameters
- `writer`: the one thread that writes; `jobs`, `backlog`, `series`: a unit on its way to it, the waiting units, and
  long changes in many units
- `readers`, `threads`, `openreads`: reads on the loop or in threads, and the long ones among them
- `recorder`, `background`: entries written without delaying their maker, and work that yields to other threads
- `migrations`: opening a file and bringing its schema up to date
- `health`, `boundary`: meaning of errors, and retries of a file
- `checkpoint`, `memory`: the log and the process' memory kept small
- `findings`: results of a check

Tables of one kind of file, and the meaning of their rows, are not here but in the packages above.
"""
