"""Backups made by hand and by the clock, and restoring them (ADMIN-50..52, STORE-187). The format of a backup is in
`store.backup`."""
