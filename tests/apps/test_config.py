import tomllib

import pytest

from crm_analytics.charts.theme import THEMES


@pytest.fixture(scope="module")
def config(apps):
    return tomllib.loads((apps / ".streamlit" / "config.toml").read_text())


@pytest.mark.parametrize("name", ["light", "dark"])
def test_the_page_wears_the_colours_of_the_figures(config, name):
    page, look = config["theme"][name], THEMES[name]
    assert page["backgroundColor"] == look.background
    assert page["textColor"] == look.text
    assert page["chartCategoricalColors"] == list(look.categories)
    assert (page["greenColor"], page["redColor"]) == (look.good, look.bad)
    assert page["linkColor"] == look.accent


def test_nothing_leaves_the_machine_unasked(config):
    assert config["browser"]["gatherUsageStats"] is False
    assert config["server"]["address"] == "localhost"
    assert config["server"]["allowedHosts"] == ["localhost", "127.0.0.1"]
    assert config["server"]["enableXsrfProtection"]
    assert config["server"]["enableCORS"]
    assert not config["server"]["enableStaticServing"]
    assert "http" not in str(config["theme"])  # no fonts from elsewhere


def test_errors_and_exports_keep_to_the_house(config):
    assert config["client"]["showErrorDetails"] == "none"
    assert config["client"]["disableDataExport"] is True
    assert config["client"]["toolbarMode"] == "viewer"
