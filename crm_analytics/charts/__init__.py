"""Result to plotly figure: one module per analysis, one theme."""
