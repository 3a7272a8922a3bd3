"""DNS of our domains: the records that they should have, as a zone file, and checks of the published ones
(ADMIN-47..49, 67).

``wanted`` makes the list of records; ``zonefile`` prints it, ``check`` compares DNS with it. All queries and
connections go through a `Resolver` and a `Network`; sockets are not used here.
"""
