"""`python -m bksb COMMAND`: see bksb.cli."""

import sys

from bksb.cli import main

sys.exit(main())
