"""Restoring a whole server from a backup on a new machine (ADMIN-52a): `machine` writes it, `addresses` compares the
listeners with the machine's own addresses. Restoring the data alone is not here but in `admin.backup.restores`.
"""
