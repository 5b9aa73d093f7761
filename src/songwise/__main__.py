"""`python -m songwise`, the same as `songwise`."""

import sys

from songwise.cli import main

sys.exit(main())
