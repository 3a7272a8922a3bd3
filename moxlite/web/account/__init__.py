"""The account app: overview, imports and exports of the user's own account (docs/spec/web.md §5). Reading and writing
mail is in `web.webmail`.
"""
