"""The account app: what a user does with the own account beside reading mail (docs/spec/web.md §5)."""
