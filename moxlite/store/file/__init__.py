"""One SQLite file, whatever is in it: opened, migrated, read, written, watched.

- `database`: the file with its `writer` (one thread, group commit), its `readers`, `checkpoint`s and `migrations`
- `transaction`: what a read or a unit works on; `arrays`: numbers bound as one parameter
- `health`, `boundary`, `findings`: whether the file may be written, what errors mean, what is wrong in it
- `threads`, `memory`: reads in worker threads that can be interrupted; memory given back to the system

What the tables mean is for the rooms above; their definitions are in `moxlite/schema`.
"""
