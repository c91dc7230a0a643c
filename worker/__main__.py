"""The command line of the worker: `python -m worker run|info|failed|requeue|enqueue|pause|resume|drain|stop`."""

from __future__ import annotations

import sys

from worker.cli import main

if __name__ == "__main__":
    sys.exit(main())
