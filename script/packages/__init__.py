"""Packages of a release: wheel, Debian package, apt repository (ADMIN-43).

- `sources`: the version, the files of the project, and the wheels of what it depends on
- `deb`: a Debian package on the system's Python, with these wheels in it
- `container`: an image with that package
- `apt`: a repository of such packages with a signed Release file

`packaging/` holds the files that go in as they are.
"""
