"""The admin app: calls, sessions and document (docs/spec/web.md §6). Configuration and mail change in `moxlite.admin`
and in the components that own them, by the commands that the command line uses; here they are only translated.
"""
