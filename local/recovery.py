"""After the local AWS was killed: its tables are as old as its last clean stop, PostgreSQL is whole.

`python -m local.recovery` runs between the deployment and the opening of the shop. The last line that it prints is
for the person who waits; its log names everything that was put right.
"""

from __future__ import annotations

import os
import time

from local.readoption import readopt
from orders.doctor.__main__ import mend, open_shop
from orders.doctor.diagnosis import diagnose
from orders.doctor.reading import read
from orders.services.rebuild import rebuild_tracking
from orders.settings import Settings


def recover(settings: Settings) -> str:
    """Bring stock and tracking to what PostgreSQL says; returns what was done, for the person.

    The doctor looks last and puts right what else it finds. Nothing is in flight: the programs do not run yet, so
    its first look counts.
    """
    stores, tools = open_shop(settings)
    stock = readopt(tools.book, tools.inventory)
    for problem in stock.problems:
        print(problem)
    tracking = rebuild_tracking(tools.book, tools.tracking)
    diagnosis = diagnose(lambda: read(stores), settle_seconds=0.0, wait=time.sleep)
    left = mend(diagnosis, tools, is_dry_run=False, say=print)
    done = f"stock of {stock.orders} orders, tracking of {tracking.written}"
    return f"{done}; {left} differences left, see `make doctor`" if left else done


if __name__ == "__main__":
    print(recover(Settings.from_environment(os.environ)))
