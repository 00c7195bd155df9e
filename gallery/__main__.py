"""`python -m gallery` is the command `gallery`."""

import sys

# `-m` puts the current directory first. It may be a library, so nothing may be imported from it.
# The exception is a checkout that is not installed, because it contains the package itself.
if not sys.flags.safe_path and sys.path[0] != __file__.rpartition("/gallery/")[0]:
    del sys.path[0]

from gallery.cli.main import main

if __name__ == "__main__":
    main()
