"""A supervisor over two sleeping children, as a program: the tests send it signals and look at what is left.

python -m tests.integration.local.stacklet FOLDER
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from local.child import Child
from local.home import Home
from local.progress import Progress
from local.signals import StopRequested, StopSignals
from local.supervisor import Supervisor

# Each says in its log which signal ended it, so that the order of the stop can be read.
SLEEPER = """
import signal, sys, time
def leave(number, frame):
    with open({journal!r}, "a") as out: out.write({name!r} + " " + signal.Signals(number).name + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave); signal.signal(signal.SIGINT, leave)
open({ready!r}, "w").close()
while True: time.sleep(60)
"""


def sleeper(home: Home, name: str) -> Child:
    """A child that sleeps, and notes which signal ended it."""
    ready = home.path / f"{name}.ready"
    program = SLEEPER.format(journal=str(home.path / "journal"), name=name, ready=str(ready))
    return Child(
        name=name,
        title=f"the {name}",
        command=[sys.executable, "-c", program],
        log=home.log(name),
        environment=dict(os.environ),
        is_ready=ready.exists,
    )


def main() -> None:
    """Run two sleepers until a signal, then stop `front` before `back`."""
    home, progress = Home(Path(sys.argv[1])), Progress()
    home.prepare()
    with home.claimed(), StopSignals() as signals:
        supervisor = Supervisor(say=progress.say, held=signals.held)
        try:
            for name in ("back", "front"):
                supervisor.start(sleeper(home, name))
            home.write_run_file({"pids": supervisor.pids()})
            supervisor.watch(also=signals.look_at_terminal)
        except StopRequested as request:
            progress.say(f"stopping on {request}")
        finally:
            signals.finish()
            supervisor.stop_all(("front", "back"))
            home.remove_run_file()


if __name__ == "__main__":
    main()
