"""docs/settings.md says what the code says."""

from dataclasses import fields
from pathlib import Path

from orders.settings import Settings, environment_name

PAGE = Path("docs/settings.md")


def expected_table() -> str:
    """The table as the dataclass gives it."""
    rows = ["| Variable | Default | Meaning |", "|---|---|---|"]
    for spec in fields(Settings):
        default = "(none)" if spec.default == "" else f"`{spec.default}`"
        marks = " **Required** outside the local stage." if spec.metadata["required"] else ""
        marks += " Secret." if spec.metadata["secret"] else ""
        rows.append(f"| `{environment_name(spec.name)}` | {default} | {spec.metadata['doc']}{marks} |")
    return "\n".join(rows)


def test_the_page_lists_every_setting_as_the_code_has_it() -> None:
    """A changed setting changes the page: paste the table that this test prints."""
    assert expected_table() in PAGE.read_text("utf-8"), f"put this table into {PAGE}:\n\n{expected_table()}"
