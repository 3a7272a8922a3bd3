"""A whole server out of a backup on a new machine (ADMIN-52a): `machine` writes it, `addresses` compares the listeners
with the machine's own addresses. Restoring the data alone is for `moxlite.admin.backup.restores`.
"""
