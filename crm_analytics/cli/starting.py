"""The first look at a source: what is believed of it and why, and a crm.toml to correct."""

from __future__ import annotations

from pathlib import Path

from crm_analytics.errors import ConfigError


def init(source: str, out: Path, *, table: str | None, force: bool) -> None:
    """Look at a source, say what is believed of it, and write the settings."""
    if out.exists() and not force:
        raise ConfigError.already_there(out)
    raise NotImplementedError(source, table)
