"""The command line: every question of the library asked from a terminal.

`commands` holds the commands, `terminal` how things look, `options` how text becomes an option of an analysis,
`bases` what BASE may be, `serving` how the dashboards are started.
"""

from __future__ import annotations

from crm_analytics.cli.commands import app

__all__ = ["app"]
