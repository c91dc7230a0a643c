"""After the local AWS was killed: its tables are as old as its last clean stop, PostgreSQL is whole.

`python -m local.recovery` runs between the deployment and the opening of the shop. The last line that it prints is
for the person who waits; its log names everything that was put right.
"""

from __future__ import annotations

import os
import time

from orders.doctor.__main__ import mend, open_shop
from orders.doctor.diagnosis import diagnose
from orders.doctor.reading import read
from orders.settings import Settings


def recover(settings: Settings) -> str:
    """Bring tracking and reservations to what PostgreSQL says; returns what was done, for the person.

    Nothing is in flight: the programs do not run yet, so the first look counts.
    """
    stores, tools = open_shop(settings)
    diagnosis = diagnose(lambda: read(stores), settle_seconds=0.0, wait=time.sleep)
    found = len(diagnosis.all)
    left = mend(diagnosis, tools, is_dry_run=False, say=print)
    if left:
        return f"{found - left} differences put right, {left} left: see `make doctor`"
    return f"{found} differences put right"


if __name__ == "__main__":
    print(recover(Settings.from_environment(os.environ)))
