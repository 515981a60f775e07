"""What BASE may be: a crm.toml, a folder, one data file or a database address; ./crm.toml where it is left out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import crm_analytics as crm
from crm_analytics.cli.terminal import working
from crm_analytics.errors import ConfigError

if TYPE_CHECKING:
    from crm_analytics.extracts.base import CustomerBase


def located(base: str | None) -> str:
    """Give what is to be opened, as an address that holds from any folder."""
    if base is None and not Path("crm.toml").is_file():
        raise ConfigError.none_here()
    place = base or "crm.toml"
    return place if "://" in place else str(Path(place).resolve())


def opened(base: str | None) -> CustomerBase:
    """Open a base, showing that work goes on; its tables are read when they are first used."""
    place = located(base)
    what = "the database" if "://" in place else Path(place).name
    with working(f"Reading {what}"):
        return crm.open(place if base is None or "://" in place else base)
