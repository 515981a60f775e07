"""The command `crm-analytics`, also as `python -m crm_analytics`."""

from __future__ import annotations

import sys
from typing import Final

from crm_analytics.errors import MissingPackageError

_EXTRA: Final = {"typer", "rich", "tomlkit"}


def main() -> None:
    """Run the command line, or say in one line which extra brings it."""
    for stream in (sys.stdout, sys.stderr):  # a name that the terminal cannot show must not end the work
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        from crm_analytics.cli import app  # noqa: PLC0415 an extra
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        sys.stderr.write(f"{MissingPackageError.of(error.name, 'cli', 'use the command line')}\n")
        raise SystemExit(1) from None
    app(prog_name="crm-analytics")


if __name__ == "__main__":
    main()
