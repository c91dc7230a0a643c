"""The guard of a lab that is lent: it waits for the end of the process that has it, and takes down what is left then.

A process of its own, so that it does its work when the other one is killed. Run as `python -m tests.lab.guard PID`.
"""

from __future__ import annotations

import sys

from tests.lab import lab
from tests.lab.estate import Estate
from tests.lab.shell import wait_for_end


def main() -> None:
    """Wait, and clean up; nothing is left to do when the other process ended in order."""
    wait_for_end(int(sys.argv[1]))
    lab.down(Estate.from_environment())


if __name__ == "__main__":
    main()
