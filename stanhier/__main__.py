"""``python -m stanhier``: the command line, where the command itself is not on the path."""

import sys

from stanhier.cli import main

if __name__ == "__main__":
    sys.exit(main())
