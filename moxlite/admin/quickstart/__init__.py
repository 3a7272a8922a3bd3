"""``moxlite quickstart``: from a bare machine to a configuration that can be served (ADMIN-25..35, 69).

``interfaces`` asks the machine for its addresses, ``surroundings`` asks DNS and others, ``listeners`` decides where is
listened, ``files`` makes the texts, ``make`` writes everything or leaves nothing behind.
"""
