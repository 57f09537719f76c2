"""For all tests."""

import os

# New interpreters that tests start must import the installed package, as the tests do, and not a
# source tree (without its extension) that happens to be the current folder.
os.environ["PYTHONSAFEPATH"] = "1"
