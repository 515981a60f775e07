"""Small groups cannot be worked out from what is printed: every sum of scores is put together, as an attacker would."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

import crm_analytics as crm

LEAST = 10
TOGETHER, ALL = "(small groups)", "All answers"


def answer_sheets(seed):
    """Make answers of two to five groups of very different sizes, over two to eight quarters."""
    rng = np.random.default_rng(seed)
    n, k, days = int(rng.integers(30, 400)), int(rng.integers(2, 6)), int(rng.choice([200, 290, 400, 700]))
    group = rng.choice(k, n, p=rng.dirichlet(np.full(k, 0.5)))
    return pl.DataFrame(
        {
            "answered_at": [
                datetime(2025, 1, 1) + timedelta(days=float(d)) for d in np.sort(rng.uniform(0, days, n))
            ],
            "nps": rng.choice(11, n),
            "channel": [f"g{g}" for g in group],
        }
    )


class Cells:
    """Answers by group and quarter, and the sums over them that are known."""

    def __init__(self, frame):
        counts = frame.group_by(
            "channel", quarter=pl.col("answered_at").dt.truncate("1q").dt.date()
        ).len()  # one row per cell
        self.groups, self.quarters = (counts[c].unique().sort().to_list() for c in ("channel", "quarter"))
        self.n = np.zeros((len(self.groups), len(self.quarters)))
        for group, quarter, n in counts.iter_rows():
            self.n[self.groups.index(group), self.quarters.index(quarter)] = n
        self.known = []

    def sum_of(self, groups=None, quarters=None):
        rows = [groups is None or g in groups for g in self.groups]
        columns = [quarters is None or q in quarters for q in self.quarters]
        return (np.outer(rows, columns) & (self.n > 0)).ravel().astype(float)

    def can_be_told(self, wanted):
        if not self.known:
            return False
        matrix = np.array(self.known).T
        found = np.linalg.lstsq(matrix, wanted)[0]
        return bool(np.abs(matrix @ found - wanted).max() < 1e-8)


def printed(tables, cells):
    """Collect every sum of points that follows from a printed score and its number of answers."""
    everybody = cells.sum_of()
    cells.known.append(everybody)
    for x in tables["segments"].drop_nulls("score").iter_rows(named=True):
        own = cells.sum_of([x["respondents"]])
        cells.known += [own, *([everybody - own] if x["rest_score"] is not None else [])]
    for day in tables["periods"].drop_nulls("score")["period_on"]:
        cells.known.append(cells.sum_of(None, [day]))
    change, last = tables["change"], tables["periods"].filter("is_complete")["period_on"].to_list()[-2:]
    named = [x for x in change["respondents"].to_list() if x not in (TOGETHER, ALL)]
    for name in change["respondents"]:
        groups = {ALL: cells.groups, TOGETHER: [g for g in cells.groups if g not in named]}.get(name, [name])
        cells.known += [cells.sum_of(groups, [day]) for day in last]
    return last


@pytest.mark.parametrize("seed", range(0, 60, 10))
def test_no_small_group_period_or_cell_can_be_worked_out(seed):
    for each in range(seed, seed + 10):
        frame = answer_sheets(each)
        cells = Cells(frame)
        tables = crm.satisfaction_scores(frame, by="channel", min_answers=LEAST).tables()
        last = printed(tables, cells)
        before = [q for q in cells.quarters if q not in last]
        wanted = [cells.sum_of([g], q) for g in cells.groups for q in (None, before, *([x] for x in last))]
        wanted += [cells.sum_of(None, [q]) for q in cells.quarters]
        small = [w for w in wanted if 0 < w @ cells.n.ravel() < LEAST]
        assert not any(cells.can_be_told(w) for w in small), each


def test_few_answers_without_an_invitation_hide_early_and_late():
    frame = answer_sheets(3).head(100).with_columns(
        sent_at=pl.when(pl.int_range(pl.len()) >= 4).then(pl.col("answered_at") - pl.duration(days=pl.int_range(pl.len())))
    )  # fmt: skip
    table = crm.satisfaction_scores(frame).tables()["response"]
    assert table["respondents"].to_list() == ["Everyone"], "the four without one would follow from the rest"
    whole = crm.satisfaction_scores(frame.drop_nulls("sent_at")).tables()["response"]
    assert whole["respondents"].to_list() == ["Everyone", "Early answers", "Late answers"]
