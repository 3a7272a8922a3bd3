"""What the frozen program runs (`script/package binary`)."""

import sys

from moxlite.__main__ import main
from moxlite.ownprogram import ADDED

sys.path.append(ADDED)  # behind our own, so that it replaces none of them
main()
