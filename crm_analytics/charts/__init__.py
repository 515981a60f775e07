"""Pictures of results: `draw(result, view, theme=…)` gives a plotly figure.

One module per analysis, named like it, offers its drawings as `VIEWS`; `theme` holds the one look, `duties` what every
figure owes its reader.
"""

from crm_analytics.charts.drawing import draw as draw
from crm_analytics.charts.theme import THEMES as THEMES
from crm_analytics.charts.theme import Theme as Theme

__all__ = ["THEMES", "Theme", "draw"]
