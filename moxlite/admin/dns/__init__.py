"""DNS of our domains: the records that they want, as a zone file, and checks of what DNS says (ADMIN-47..49, 67).

``wanted`` makes the one list; ``zonefile`` prints it, ``check`` compares with it.
What is asked goes through a `Resolver` and a `Network`, so that nothing here knows sockets.
"""
