"""`python -m credvend`."""

import sys

from credvend.cli import main

sys.exit(main())
