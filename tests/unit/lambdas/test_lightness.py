"""A Lambda's cold start is mostly imports: what each may load is written down here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NEVER = ("boto3", "botocore", "flask", "sqlalchemy", "psycopg", "webapp", "worker", "stripe", "opentelemetry")
PROGRAMS = ("submit_order", "get_order", "cancel_order", "sweep", "notify_customer")


def loaded_by(module: str) -> set[str]:
    """The modules that stand in sys.modules after a fresh interpreter imported this one."""
    code = f"import sys, {module}; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_handler_loads_nothing_heavy_before_its_first_call(program: str) -> None:
    loaded = loaded_by(f"lambdas.{program}.handler")
    assert not {module for module in loaded if module.split(".")[0] in NEVER}
    assert not {module for module in loaded if module.startswith("orders.adapters.rds")}
    others = set(PROGRAMS) - {program}
    assert not {module for module in loaded for other in others if module == f"lambdas.{other}"}


def test_only_the_notifier_loads_the_template_engine() -> None:
    assert "jinja2" in loaded_by("lambdas.notify_customer.handler")
    assert "jinja2" not in loaded_by("lambdas.submit_order.handler")
