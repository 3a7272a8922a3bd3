"""The store as its administrator sees it: settings, checks, faults, lost files (STORE-158). The store itself is not
here.
"""
