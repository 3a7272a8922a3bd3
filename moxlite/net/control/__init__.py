"""The control socket between the command line and the running server (ADMIN-22..24, ADMIN-64). The commands themselves
do not belong here.
"""
