"""`python -m gallery` is the command `gallery`."""

import sys

# `-m` puts the current directory first, which may be a library: nothing may be imported from it.
# A checkout that is not installed is the exception, because there the package itself lies in it.
if not sys.flags.safe_path and sys.path[0] != __file__.rpartition("/gallery/")[0]:
    del sys.path[0]

from gallery.cli.main import main

if __name__ == "__main__":
    main()
