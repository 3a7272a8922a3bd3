"""Cross checks of the configuration: mistakes that the type of a single value cannot show (ADMIN-9), and warnings
(ADMIN-10). Checks that open files or ask the network do not belong here.
"""
