"""One SQLite file of any kind: account.db, auth.db, queue.db, search.db.

- `database`: one file with its writer, readers, checkpoints and migrations; its memory and size
- `transaction`: the views of the database that a read or a unit gets, and array parameters
- `writer`, `jobs`: the writer's thread, and the units on their way to it, long changes among them
- `readers`, `threads`: reads on the loop or in threads, the long ones among them, and work that yields to other
  threads
- `recorder`: entries written without delaying their maker
- `migrations`: opening a file and bringing its schema up to date
- `health`: the state of a file's storage, its retries, and checkpoints
- `boundary`: meaning of errors, and results of a check

Tables of one kind of file, and the meaning of their rows, are not here but in the packages above.
"""
