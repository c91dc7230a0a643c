"""`python -m local run | stop | status | exec`: the whole of Cartwright on this computer."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this file is what an old Python gets to read.
    sys.stderr.write("Cartwright needs Python 3.11 or newer, this is %d.%d.\n" % sys.version_info[:2])  # noqa: UP031
    raise SystemExit(2)

from local.command import main

raise SystemExit(main(sys.argv[1:]))
