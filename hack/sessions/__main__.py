"""`python -m hack.sessions` writes what `hack.sessions.pages` says."""

import sys

from hack.sessions.pages import main

sys.exit(main())
