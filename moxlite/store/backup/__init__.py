"""Backups of a data directory: full copies, incremental repositories, restoring both (docs/spec/store.md §13)."""

__all__: list[str] = []
