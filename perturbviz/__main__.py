"""``python -m perturbviz``."""

import sys

from perturbviz.cli import main

if __name__ == "__main__":
    sys.exit(main())
