"""Every truth that was planted for satisfaction and complaints is found again by the analyses, on the committed files."""

from __future__ import annotations

import pytest

import crm_analytics as crm

SLOW, QUICK = "slower than target", "resolved within target"
QUADRANTS = {
    "delivery": "Concentrate here",
    "service": "Concentrate here",
    "quality": "Keep up the good work",
    "inspiration": "Keep up the good work",
    "price": "Low priority",
    "returns": "Low priority",
    "packaging": "Possible overkill",
    "website": "Possible overkill",
}
NULL = "packaging"


def by_driver(result):
    return {row["driver"]: row for row in result.tables()["drivers"].iter_rows(named=True)}


@pytest.fixture(scope="module")
def base():
    return crm.sample()


@pytest.fixture(scope="module")
def many(large):
    """Shares and means that the committed answers only estimate."""
    return by_driver(crm.importance_performance(large.tables["surveys"], n_bootstrap=100))


@pytest.fixture(scope="module")
def placed(base):
    return by_driver(crm.run("importance_performance", base))


@pytest.fixture(scope="module")
def moved(base):
    return by_driver(crm.run("satisfaction_drivers", base))


@pytest.fixture(scope="module")
def bent(base):
    return by_driver(crm.run("penalty_reward", base))


@pytest.fixture(scope="module")
def cost(base):
    table = crm.run("complaints", base).tables()["cost"]
    return {row["complainer_group"]: row for row in table.iter_rows(named=True)}


class TestDrivers:
    @pytest.mark.parametrize("driver", QUADRANTS)
    def test_the_share_lies_in_its_interval(self, moved, many, driver):
        row = moved[driver]
        assert row["importance_lower"] < many[driver]["importance_share"] < row["importance_upper"]

    @pytest.mark.parametrize("driver", sorted(set(QUADRANTS) - {NULL}))
    def test_every_driver_that_does_something_is_found_to(self, moved, driver):
        assert moved[driver]["unique_p_holm"] < 1e-6

    def test_the_null_driver_has_a_share_and_no_effect(self, moved):
        assert moved[NULL]["importance"] > moved["returns"]["importance"]
        assert moved[NULL]["unique_p_holm"] > 0.05
        assert moved[NULL]["coefficient_lower"] < 0 < moved[NULL]["coefficient_upper"]

    def test_linear_effects_lie_in_their_intervals(self, base, truth):
        """Points of satisfaction for a point of the rating; 0.02 for rounding, clipping and the unhappy who are silent."""
        result = by_driver(crm.run("importance_performance", base, importance="total_effect"))
        for driver in truth.drivers:
            if driver.below == driver.above:
                row = result[driver.name]
                low, high = row["driver_effect_lower"] - 0.02, row["driver_effect_upper"] + 0.02
                assert low < driver.below < high, driver.name


class TestMap:
    """The map has something to show: drivers in all four quadrants, most of them surely."""

    @pytest.mark.parametrize("driver", QUADRANTS)
    def test_every_driver_stands_where_it_belongs(self, placed, many, driver):
        assert many[driver]["quadrant"] == QUADRANTS[driver]
        assert many[driver]["quadrant_probability"] > 0.95
        assert placed[driver]["quadrant"] == QUADRANTS[driver]

    def test_seven_of_eight_surely(self, placed):
        unsure = [name for name, row in placed.items() if row["quadrant_probability"] < 0.9]
        assert unsure == ["service"]

    def test_delivery_is_to_be_mended_first(self, base):
        result = crm.run("importance_performance", base)
        assert result.headline().startswith("Fix first: Delivery is important")
        assert "rated_alike" not in {note.code for note in result.notes}

    @pytest.mark.parametrize("driver", QUADRANTS)
    def test_the_mean_rating_is_that_of_the_firm(self, placed, many, driver):
        row, known = placed[driver], many[driver]["performance"]
        assert row["performance_lower"] - 0.5 < known < row["performance_upper"] + 0.5

    def test_means_follow_what_is_felt(self, many, truth):
        """Slow complaints take a little off service and delivery, the unhappy answer less, and the scale ends at 10."""
        for driver in truth.drivers:
            mean = 1 + many[driver.name]["performance"] * 9 / 100
            assert mean == pytest.approx(driver.felt, abs=0.3), driver.name


class TestShape:
    def test_the_must_be_the_delighter_and_the_null_driver(self, bent, truth):
        linear = [d.name for d in truth.drivers if d.below == d.above > 0]
        classes = {name: row["driver_class"] for name, row in bent.items()}
        assert classes == {
            **dict.fromkeys(linear, "Performance"),
            "delivery": "Must-be",
            "inspiration": "Delighter",
            NULL: "No clear effect",
        }
        assert min(row["class_probability"] for row in bent.values()) > 0.9


class TestComplaints:
    def test_slow_handling_costs_orders(self, cost, truth):
        """Over 180 days the ratio is a little above what the rates alone say: who buys less is lost less soon."""
        stated = truth.slow_factor * (1 - truth.slow_leaver_share)
        for group in (SLOW, "slower, beyond what goes with any complaint"):
            row = cost[group]
            assert row["orders_ratio_lower"] < 1.1 * stated < row["orders_ratio_upper"] < 1, group
            assert row["orders_p_value"] < 0.01

    def test_slow_handling_costs_customers(self, cost):
        for group in (SLOW, "slower, beyond what goes with any complaint"):
            row = cost[group]
            assert row["active_difference_lower"] < -0.26 < row["active_difference_upper"] < -0.1, group

    def test_slow_handling_costs_money(self, cost):
        assert cost[SLOW]["spend_difference_upper"] < -10

    def test_quick_handling_costs_no_orders_and_no_customers(self, cost):
        row = cost[QUICK]
        assert row["orders_ratio_lower"] < 1 < row["orders_ratio_upper"]
        assert row["active_difference_lower"] < 0 < row["active_difference_upper"]

    def test_the_headline_says_it(self, base):
        said = crm.run("complaints", base).headline()
        assert "those who waited longer then placed 5" in said
        assert "fewer orders" in said
