from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import crm_analytics as crm
from crm_analytics.aggregates.periods import period_start, shift
from crm_analytics.errors import NotEnoughDataError, OptionError
from crm_analytics.retention.lifecycle import lifecycle
from crm_analytics.retention.lifecycle.projection import project

AS_OF = date(2026, 7, 1)


def orders(*rows: tuple[str, str]) -> pl.DataFrame:
    """(customer, day), one order each."""
    frame = pl.DataFrame(rows, schema=["customer_id", "day"], orient="row")
    return frame.select(
        "customer_id", pl.col("day").str.to_datetime("%Y-%m-%d").alias("ordered_at"), amount=pl.lit(10.0)
    )


SHOP = orders(
    ("a", "2026-01-05"), ("a", "2026-01-20"), ("a", "2026-02-10"), ("a", "2026-05-10"), ("b", "2026-01-31"),
    ("c", "2026-02-01"), ("c", "2026-06-30"), ("d", "2026-06-01"),
)  # fmt: skip


def run(frame: pl.DataFrame = SHOP, **options):
    return lifecycle(frame, **{"as_of": AS_OF, "lapse": 2, "lost": 4, "n_draws": 100, **options})


def column(frame: pl.DataFrame, name: str) -> list:
    return frame[name].to_list()


def test_flows_worked_out_by_hand():
    """With a lapse of two months: b, last in January, is dormant at the end of March and lost at that of May."""
    flows = run().tables()["flows"]
    assert column(flows, "period_on") == [date(2026, m, 1) for m in range(1, 7)]
    assert column(flows, "n_opening") == [0, 2, 3, 2, 0, 1]
    assert column(flows, "n_new") == [2, 1, 0, 0, 0, 1]
    assert column(flows, "n_resurrected") == [0, 0, 0, 0, 1, 1]
    assert column(flows, "n_newly_dormant") == [0, 0, 1, 2, 0, 0]
    assert column(flows, "n_closing") == [2, 3, 2, 0, 1, 3]
    assert column(flows, "n_retained") == [0, 1, 0, 0, 0, 0]
    assert column(flows, "n_quiet") == [0, 1, 2, 0, 0, 1]
    assert column(flows, "n_dormant") == [0, 0, 1, 3, 1, 0]
    assert column(flows, "n_newly_lost") == [0, 0, 0, 0, 1, 0]
    assert column(flows, "n_lost") == [0, 0, 0, 0, 1, 1]
    assert column(flows, "n_back_from_dormant") == [0, 0, 0, 0, 1, 1]


def test_states_today_worked_out_by_hand():
    found = run().tables()["customers"]
    assert found.select("customer_id", "state", "state_since_on", "order_by_on").rows() == [
        ("a", "quiet", date(2026, 6, 1), date(2026, 7, 31)),
        ("b", "lost", date(2026, 5, 1), None),
        ("c", "resurrected", date(2026, 6, 1), date(2026, 8, 31)),
        ("d", "new", date(2026, 6, 1), date(2026, 8, 31)),
    ]
    assert column(found, "recency_days") == [52, 151, 1, 30]
    assert column(found, "n_orders") == [4, 1, 2, 1]


def test_transitions_worked_out_by_hand():
    table = run(lookback=6).tables()["transitions"]
    counts = {(f, t): n for f, t, n in table.select("from_state", "to_state", "n_transitions").rows() if n}
    # learned from March on, when customers can go dormant
    assert counts == {
        ("retained", "quiet"): 1,
        ("new", "quiet"): 1,
        ("quiet", "dormant"): 3,
        ("dormant", "dormant"): 2,
        ("dormant", "resurrected"): 2,
        ("dormant", "lost"): 1,
        ("resurrected", "quiet"): 1,
        ("lost", "lost"): 1,
    }
    row = table.filter((pl.col("from_state") == "dormant") & (pl.col("to_state") == "resurrected"))
    assert row.select("n_from", "transition_rate").row(0) == (5, 0.4)


def test_activity_counts_days_not_orders():
    twice = pl.concat([SHOP, orders(("a", "2026-01-05"), ("d", "2026-06-02"), ("d", "2026-06-09"))])
    table = run(twice, lookback=6, lapse=1, lost=2).tables()["activity"]
    # from February on: a in February and May, c in February and June on one day, d in June on three
    assert table.select("days_in_period", "n_exactly", "n_at_least").rows() == [
        (1, 4, 5),
        (2, 0, 1),
        (3, 1, 1),
    ]


def test_pulse_and_its_bounds():
    row = run().tables()["flows"].row(2, named=True)
    assert (row["pulse"], row["pulse_lower"]) == (0.0, 0.0)
    assert row["pulse_upper"] == pytest.approx(
        3.8415, abs=1e-3
    )  # Wilson's bound of 0 of 1, as odds: z squared
    assert run().tables()["flows"]["pulse"][4] is None  # nobody went


def test_headline_tells_the_last_whole_month():
    assert run().headline() == (
        "In June 2026, 2 customers came in (1 new, 1 back after a pause) and none went dormant: the active base holds 3."
    )
    assert run(as_of="2026-05-01").headline() == (
        "In April 2026, nobody came in and 2 went dormant, which leaves an active base "
        "of 0: pulse 0.00 (0.00 to 1.92)."
    )


def test_a_running_month_is_marked_and_lets_nobody_lapse():
    result = run(as_of="2026-03-15")
    flows = result.tables()["flows"]
    assert column(flows, "is_complete") == [False, True, False]  # the extract begins on 5 January
    assert column(flows, "n_newly_dormant") == [0, 0, 0]
    assert column(flows, "n_closing") == [2, 3, 3]
    assert result.headline().startswith("In February 2026, 1 customer came in")
    assert "March 2026" in next(n.text for n in result.notes if n.code == "incomplete")


def test_past_periods_never_change():
    whole = run().tables()["flows"]
    for n in range(2, 7):
        earlier = run(as_of=date(2026, n, 1)).tables()["flows"]
        assert_frame_equal(earlier, whole.head(earlier.height))


def test_new_is_the_first_order_ever_and_not_the_first_seen():
    """A window that begins later shows later periods and makes nobody new."""
    flows = run(start="2026-05-15").tables()["flows"]
    assert_frame_equal(flows, run().tables()["flows"].tail(2))
    assert column(flows, "n_new") == [0, 1]


def test_new_is_not_when_the_account_was_created():
    people = pl.DataFrame({"customer_id": ["a", "b", "c", "d", "z"], "joined_on": [date(2026, 5, 1)] * 5})
    result = run(customers=people)
    assert_frame_equal(result.tables()["flows"], run().tables()["flows"])
    note = next(n for n in result.notes if n.code == "never_ordered")
    assert (
        note.text
        == "1 of the 5 customers in the customers table had not ordered before 1 Jul 2026; it is in no state."
    )


def test_returns_and_free_orders_are_no_activity():
    back = orders(("b", "2026-04-04")).with_columns(amount=pl.lit(-10.0))
    free = orders(("b", "2026-05-04")).with_columns(amount=pl.lit(0.0))
    assert_frame_equal(run(pl.concat([SHOP, back, free])).tables()["flows"], run().tables()["flows"])


@pytest.mark.parametrize(("week_start", "expected"), [("monday", [1, 1]), ("sunday", [2]), ("saturday", [2])])
def test_weeks_begin_when_told(week_start, expected):
    frame = orders(("a", "2026-03-01"), ("b", "2026-03-02"))  # a Sunday and the Monday after
    flows = run(frame, period="week", week_start=week_start, as_of="2026-03-05").tables()["flows"]
    assert column(flows, "n_new") == expected


def test_fiscal_quarters():
    flows = run(period="quarter", fiscal_year_start=2, lapse=1, lost=2).tables()["flows"]
    assert column(flows, "period_on") == [date(2025, 11, 1), date(2026, 2, 1), date(2026, 5, 1)]
    assert column(flows, "n_new") == [2, 1, 1]


def brute_force(days: dict[str, list[date]], lapse: int, lost: int, as_of: date) -> list[dict[str, int]]:
    """Walk through months and customers one by one, by the words of the definitions."""
    first = min(d for own in days.values() for d in own)
    begin, rows = period_start(first), []
    states: dict[str, str] = {}
    while begin < as_of:
        end = shift(begin, 1)
        row = dict.fromkeys(("new", "resurrected", "newly_dormant", "newly_lost"), 0)
        row["opening"] = sum(s == "active" for s in states.values())
        for who, own in days.items():
            past = [d for d in own if d < min(end, as_of)]
            if not past:
                continue
            was = states.get(who)
            if past[-1] >= begin:
                row["new"] += was is None
                row["resurrected"] += was in ("dormant", "lost")
                states[who] = "active"
            elif end <= as_of:
                if was == "active" and period_start(past[-1]) <= shift(begin, -lapse):
                    row["newly_dormant"] += 1
                    states[who] = "dormant"
                elif was == "dormant" and period_start(past[-1]) <= shift(begin, -lost):
                    row["newly_lost"] += 1
                    states[who] = "lost"
        row["closing"] = sum(s == "active" for s in states.values())
        rows.append(row)
        begin = end
    return rows


histories = st.dictionaries(
    st.sampled_from("abcdef"),
    st.lists(st.integers(0, 420), min_size=1, max_size=8),
    min_size=1,
)


def frame_of(found: dict[str, list[int]]) -> tuple[pl.DataFrame, dict[str, list[date]]]:
    days = {who: sorted({date(2025, 1, 1) + timedelta(days=n) for n in own}) for who, own in found.items()}
    return orders(*((who, d.isoformat()) for who, own in days.items() for d in own)), days


@settings(max_examples=60)
@given(histories, st.integers(1, 3), st.integers(1, 4), st.integers(0, 80))
def test_flows_are_those_of_counting_one_by_one(found, lapse, more, after):
    frame, days = frame_of(found)
    as_of = max(d for own in days.values() for d in own) + timedelta(days=1 + after)
    flows = run(frame, lapse=lapse, lost=lapse + more, as_of=as_of).tables()["flows"]
    expected = brute_force(days, lapse, lapse + more, as_of)
    for name in ("opening", "new", "resurrected", "newly_dormant", "newly_lost", "closing"):
        assert column(flows, f"n_{name}") == [r[name] for r in expected], name


@settings(max_examples=40)
@given(
    histories,
    st.sampled_from(["day", "week", "month", "quarter", "year"]),
    st.sampled_from(["fixed", "own_cadence"]),
    st.integers(0, 80),
)
def test_every_account_closes(found, period, definition, after):
    frame, days = frame_of(found)
    as_of = max(d for own in days.values() for d in own) + timedelta(days=1 + after)
    result = run(frame, period=period, definition=definition, as_of=as_of)
    flows, people = result.tables()["flows"], result.tables()["customers"]
    f = {c: flows[c].to_numpy() for c in flows.columns if c.startswith("n_")}
    assert (f["n_opening"] + f["n_new"] + f["n_resurrected"] - f["n_newly_dormant"] == f["n_closing"]).all()
    assert (f["n_opening"][1:] == f["n_closing"][:-1]).all()
    assert (f["n_ordering"] + f["n_quiet"] == f["n_closing"]).all()
    assert (f["n_new"] + f["n_retained"] + f["n_resurrected"] == f["n_ordering"]).all()
    dormant = np.diff(f["n_dormant"], prepend=0)
    assert (dormant == f["n_newly_dormant"] - f["n_back_from_dormant"] - f["n_newly_lost"]).all()
    assert (np.diff(f["n_lost"], prepend=0) == f["n_newly_lost"] - f["n_back_from_lost"]).all()
    everyone = f["n_new"].cumsum()
    assert (f["n_closing"] + f["n_dormant"] + f["n_lost"] == everyone).all()
    assert everyone[-1] == people.height
    states = people["state"].to_list()
    assert states.count("dormant") == f["n_dormant"][-1]
    assert states.count("lost") == f["n_lost"][-1]
    assert states.count("quiet") == f["n_quiet"][-1]


def test_own_cadence_lets_the_quick_lapse_before_the_slow():
    """Ten weekly and ten yearly buyers who all stop on one day; nobody is dormant before an own rhythm is broken."""
    rows = [(f"w{i}", date(2024, 1, 1) + timedelta(days=7 * k + i)) for i in range(10) for k in range(60)]
    rows += [(f"y{i}", date(2021, 1, 1) + timedelta(days=365 * k + i)) for i in range(10) for k in range(5)]
    frame = orders(*((who, d.isoformat()) for who, d in rows))
    result = run(frame, definition="own_cadence", lapse=6, lost=30, as_of="2025-08-01")
    states = dict(result.tables()["customers"].select("customer_id", "state").iter_rows())
    assert {states[f"w{i}"] for i in range(10)} == {"dormant"}
    assert {states[f"y{i}"] for i in range(10)} == {"quiet"}
    fixed = run(frame, lapse=6, lost=30, as_of="2025-08-01").tables()["customers"]
    assert set(fixed.filter(pl.col("customer_id").str.starts_with("y"))["state"]) == {"dormant"}


def test_own_cadence_looks_at_no_later_gap():
    """What a customer does later moves no earlier state, while the base as a whole stays what it is."""
    rows = [(f"w{i}", date(2024, 1, 1) + timedelta(days=10 * k + i)) for i in range(30) for k in range(30)]
    alone = [("x", date(2024, 1, 10)), ("x", date(2024, 1, 20)), ("x", date(2024, 12, 1))]
    frame = orders(*((who, d.isoformat()) for who, d in rows + alone))
    flows = run(frame, definition="own_cadence", lapse=6, lost=24, as_of="2025-01-01").tables()["flows"]
    assert flows.filter(pl.col("period_on") == date(2024, 12, 1))["n_resurrected"].item() == 1
    assert flows.filter(pl.col("period_on") < date(2024, 6, 1))["n_newly_dormant"].sum() == 1


def test_steady_state_of_a_chain_solved_by_hand():
    """10 new a period; of those who ordered half rest, a fifth of the resting go dormant, a tenth return, ..."""
    moves = np.zeros((4, 6, 6), np.int64)
    for state in (0, 1, 2):
        moves[:, state, [1, 3]] = 50
    moves[:, 3, [1, 3, 4]] = [40, 40, 20]
    moves[:, 4, [2, 4, 5]] = [10, 50, 40]
    stocks = np.zeros((4, 6), np.int64)
    stocks[:, 0] = 10
    now = np.array([10, 10, 1, 20, 5, 100])
    found = project(stocks, moves, now, horizon=200, n_draws=100, seed=1)
    assert found is not None
    # q = .5 (10 + e + r) / .6, d = .2 q / .5, r = .1 d, e = .5 (10 + e + r) + .4 q
    a = np.array([[0.5, -0.5, -0.4, 0], [0, 1, 0, -0.1], [-0.5, -0.5, 0.6, 0], [0, 0, -0.2, 0.5]])
    e, r, q, d = np.linalg.solve(a, np.array([5.0, 0.0, 5.0, 0.0]))
    assert found.steady == pytest.approx([10, e, r, q, d, 10 + e + r + q])
    assert found.path[-1, 0] == pytest.approx(10 + e + r + q)
    assert (found.path_lower <= found.path).all()
    assert (found.path <= found.path_upper).all()


def test_too_few_periods_make_no_projection():
    result = run(as_of="2026-04-01")
    assert result.tables()["projection"].is_empty()
    assert result.tables()["steady"].is_empty()
    assert "3 are needed" in next(n.text for n in result.notes if n.code == "no_projection")


def test_projection_holds_what_came_of_a_steady_shop():
    """A shop in balance: what a year brings lies within the bounds a year earlier."""
    rng = np.random.default_rng(8)
    rows = []
    for i in range(2400):
        day = float(rng.uniform(0, 1825))
        while day < 1825:
            rows.append((f"{i}", date(2021, 1, 1) + timedelta(days=int(day))))
            if rng.random() < 0.25:
                break
            day += 1 + rng.exponential(70)
    frame = orders(*((who, d.isoformat()) for who, d in rows))
    then = (
        run(frame, lapse=6, lost=12, as_of="2025-01-01", n_draws=400)
        .tables()["projection"]
        .row(5, named=True)
    )
    later = run(frame, lapse=6, lost=12, as_of="2026-01-01").tables()["flows"]
    actual = later.filter(pl.col("period_on") == then["period_on"])["n_closing"].item()
    assert then["expected_base_lower"] - 30 <= actual <= then["expected_base_upper"] + 30
    assert abs(then["expected_base"] / actual - 1) < 0.08


@pytest.mark.parametrize(
    "frame",
    [
        orders(("a", "2026-06-30")),
        orders(("a", "2026-06-30"), ("a", "2026-06-30")),
        orders(*((f"c{i}", "2026-06-30") for i in range(50))),
        orders(("a", "2024-02-29"), ("b", "2026-06-30")),
    ],
    ids=["one order", "one day", "all on one day", "a gap of years"],
)
@pytest.mark.parametrize("definition", ["fixed", "own_cadence"])
def test_little_data_gives_an_answer(frame, definition):
    result = run(frame, definition=definition, as_of=None)
    assert result.headline().endswith(".")
    for view in result.views:
        result.plot(view.name)


def test_nothing_but_returns_is_too_little():
    with pytest.raises(NotEnoughDataError, match="customers with an order"):
        run(SHOP.with_columns(amount=pl.lit(-1.0)))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"period": "decade"}, "period='decade'"),
        ({"definition": "vague"}, "definition='vague'"),
        ({"lapse": 0}, "lapse=0"),
        ({"lapse": 3, "lost": 3}, "above lapse, 3"),
        ({"late_below": 0.7}, "late_below=0.7"),
        ({"lookback": 0}, "lookback=0"),
        ({"horizon": 500}, "horizon=500"),
        ({"n_draws": 5}, "n_draws=5"),
        ({"week_start": "friday"}, "week_start='friday'"),
        ({"fiscal_year_start": 13}, "fiscal_year_start=13"),
    ],
)
def test_options_out_of_range_are_named(options, match):
    with pytest.raises(OptionError, match=match):
        run(**options)


def test_half_a_year_unless_said():
    assert lifecycle(SHOP, period="week").parameters["lapse"] == 26
    assert lifecycle(SHOP).parameters["lost"] == 12


def test_many_returns_from_the_dormant_are_noted():
    rows = [(f"c{i}", date(2023, 1, 1 + i) + timedelta(days=200 * k)) for i in range(20) for k in range(6)]
    frame = orders(*((who, d.isoformat()) for who, d in rows))
    notes = {n.code: n.text for n in run(frame, lapse=3, lost=12, as_of="2026-01-01").notes}
    assert notes["many_returns_from_dormant"].startswith("100.0% of returns come only after")


def test_the_sample_company_agrees_with_counting():
    base = crm.sample()
    frame = base.table("transactions").frame.collect()
    result = lifecycle(frame, period="quarter", lapse=2, lost=4)
    sums = frame.group_by("customer_id", "order_id").agg(
        pl.col("amount").sum(), pl.col("ordered_at").min().dt.date()
    )
    bought = sums.filter(pl.col("amount") > 1e-6)
    days = {
        who[0]: sorted(own["ordered_at"].to_list())
        for who, own in bought.partition_by("customer_id", as_dict=True).items()
    }
    flows = result.tables()["flows"]
    quarter = {who: {(d.year * 4 + (d.month - 1) // 3) for d in own} for who, own in days.items()}
    last = 2026 * 4 + 1
    closing = sum(any(q in own for q in (last, last - 1)) for own in quarter.values())
    assert flows["n_closing"][-1] == closing
    assert flows["n_new"].sum() == len(days)
    assert flows["n_ordering"][-1] == sum(last in own for own in quarter.values())


def test_dormant_by_the_own_cadence_is_what_repeat_purchase_calls_late():
    base = crm.sample()
    late = crm.run("repeat_purchase", base).tables()["customers"].filter("has_own_rhythm")
    lived = crm.run("lifecycle", base, definition="own_cadence", lost=36, n_draws=100).tables()["customers"]
    both = late.join(lived, on="customer_id", how="left")
    assert both.height > 2_500
    assert (both["is_late"] == (both["state"] == "dormant")).all()
