"""The committed files: made by the generator, byte for byte, and of one piece."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from datetime import date

import polars as pl
import pytest

from crm_analytics.tables import TABLES


def test_the_committed_files_are_what_the_generator_makes(capsys):
    from sample_data.generate import main

    assert main(["--check"]) == 0, capsys.readouterr().out


def test_check_names_a_file_that_was_changed_and_one_that_is_gone(folder, tmp_path, capsys):
    from sample_data.generate import main

    for path in folder.glob("*.csv"):
        shutil.copy(path, tmp_path)
    (tmp_path / "cases.csv").unlink()
    changed = tmp_path / "products.csv"
    changed.write_bytes(changed.read_bytes().replace(b"Mug", b"Jug", 1))
    assert main(["--check", "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "cases.csv" in said
    assert "products.csv" in said
    assert "customers.csv" not in said


def test_the_script_runs_from_anywhere(folder, tmp_path):
    script = [
        sys.executable,
        "-W",
        "error",
        str(folder / "generate.py"),
        "--customers",
        "400",
        "--out",
        "made",
    ]
    subprocess.run(script, cwd=tmp_path, check=True, capture_output=True)
    assert {p.name for p in (tmp_path / "made").iterdir()} == {f"{name}.csv" for name in TABLES}


def test_the_files_stay_small(folder):
    sizes = [path.stat().st_size for path in folder.glob("*.csv")]
    assert 3e6 < sum(sizes) < 6e6


def test_there_is_a_file_for_every_table_with_the_headings_of_its_contract(files):
    assert set(files) == set(TABLES)
    for name, table in TABLES.items():
        known = {column.name for column in table.columns}
        assert set(table.required) <= set(files[name].columns)
        if not table.open_ended:
            assert set(files[name].columns) <= known, name


def test_crm_toml_names_every_table_and_its_file(folder):
    settings = tomllib.loads((folder / "crm.toml").read_text(encoding="utf-8"))
    assert settings["base"]["currency"] == "GBP"
    assert settings["base"]["time_zone"] == "Europe/London"
    assert set(settings["sources"]) == set(TABLES)
    assert all((folder / source["path"]).is_file() for source in settings["sources"].values())


@pytest.mark.parametrize("name", ["surveys", "cases", "contacts", "subscriptions", "transactions"])
def test_every_customer_of_other_tables_is_on_file(files, name):
    customers = set(files["customers"]["customer_id"])
    mentioned = files[name]["customer_id"].drop_nulls().str.strip_chars()
    assert set(mentioned) <= customers


def test_ids_are_keys_and_keep_leading_zeros(files):
    ids = files["customers"]["customer_id"]
    assert ids.n_unique() == len(ids) == 5_000
    assert ids.str.starts_with("0").all()
    assert ids.str.len_chars().unique().to_list() == [6]
    assert files["cases"]["case_id"].is_unique().all()
    assert files["products"]["product_id"].is_unique().all()


def test_order_lines_agree_with_the_products(files):
    lines = files["transactions"].join(
        files["products"], on="product_id", how="left", suffix="_of_product", validate="m:1"
    )
    assert lines["unit_cost"].null_count() == 0
    assert (lines["category"] == lines["category_of_product"]).all()
    numbers = lines.select(pl.col("quantity", "unit_price", "amount", "cost", "unit_cost").cast(float))
    sold = numbers.filter(pl.col("quantity") > 0)
    assert (sold["cost"] - sold["quantity"] * sold["unit_cost"]).abs().max() < 0.006
    assert (numbers["amount"] - numbers["quantity"] * numbers["unit_price"]).abs().max() < 0.006


def test_prices_look_like_prices(company):
    pence = (company.clean_transactions["unit_price"] * 100).round().cast(int) % 100
    assert set(pence) == {49, 99}


def test_money_has_two_decimals_at_most(files):
    for column in ("unit_price", "amount", "cost"):
        assert files["transactions"][column].str.contains(r"^-?\d+\.\d\d$").all()


def test_everything_happens_within_the_window_and_after_joining(company, truth):
    lines, customers = company.clean_transactions, company.tables["customers"]
    day = lines["ordered_at"].dt.date()
    assert day.min() == truth.start == date(2023, 7, 1)
    assert day.max() < truth.end == date(2026, 7, 1)
    joined = lines.join(customers, on="customer_id", validate="m:1")
    assert (joined["ordered_at"].dt.date() >= joined["joined_on"]).all()


def first_orders(company):
    return company.clean_transactions.group_by("customer_id").agg(first=pl.col("ordered_at").min())


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("cases", "opened_at"),
        ("surveys", "answered_at"),
        ("contacts", "contacted_at"),
        ("subscriptions", "started_on"),
    ],
)
def test_nothing_precedes_the_first_order_of_the_customer(company, table, column):
    rows = company.tables[table].join(first_orders(company), on="customer_id", how="left")
    assert rows["first"].null_count() == 0
    assert (rows[column].cast(pl.Date) >= rows["first"].cast(pl.Date)).all()


def test_refunds_take_back_what_was_sold(company):
    lines = company.clean_transactions.with_columns(pl.col("order_id").str.strip_prefix("R"))
    back, sold = lines.filter(pl.col("quantity") < 0), lines.filter(pl.col("quantity") > 0)
    pairs = back.join(sold, on=["customer_id", "order_id", "product_id"], validate="1:1")
    assert pairs.height == back.height > 1_000
    assert (pairs["amount"] == -pairs["amount_right"]).all()
    assert (pairs["ordered_at"] > pairs["ordered_at_right"]).all()
    recovered = pairs["cost"].sum() / pairs["cost_right"].sum()
    assert recovered == pytest.approx(-0.30, abs=0.002)


def test_refunded_orders_that_keep_their_id_still_come_to_something(company):
    orders = company.clean_transactions.group_by("order_id").agg(pl.col("amount").sum())
    of_refunds = orders["order_id"].str.starts_with("R")
    assert (orders.filter(of_refunds)["amount"] < 0).all()
    assert (orders.filter(~of_refunds)["amount"] > 0).all()


def test_cases_close_after_they_open_and_the_open_ones_say_nothing_more(company, truth):
    cases = company.tables["cases"]
    is_open = cases["closed_at"].is_null()
    assert (cases["closed_at"] > cases["opened_at"]).all()
    assert cases["closed_at"].max().date() < truth.end
    assert 5 < is_open.sum() < 60
    assert cases["case_id"].is_unique().all()
    assert cases.filter(is_open).select("first_contact_resolved", "reopened", "csat").null_count().row(0) == (
        (is_open.sum(),) * 3
    )
    assert not (cases["first_contact_resolved"] & cases["reopened"]).any()


def test_contacts_have_consent_and_one_arm_per_campaign(company, truth):
    contacts = company.tables["contacts"].join(
        company.tables["customers"], on="customer_id", maintain_order="left"
    )
    assert contacts["consent"].all()
    assert contacts.select("campaign_id", "customer_id").is_unique().all()
    assert contacts["campaign_id"].unique(maintain_order=True).to_list() == [c.name for c in truth.campaigns]
    control = contacts.filter(pl.col("arm") == "control")
    assert control["cost"].sum() == 0
    assert control["responded_at"].null_count() == control.height
    assert (contacts["responded_at"] >= contacts["contacted_at"]).all()
    assert ((contacts["revenue"] > 0) == contacts["responded_at"].is_not_null()).all()


def test_contract_periods_follow_each_other_without_overlap(company, truth):
    periods = company.tables["subscriptions"].sort("customer_id", "started_on")
    after = periods.with_columns(pl.col("started_on").shift(-1).over("customer_id").alias("next"))
    followed = after.filter(pl.col("next").is_not_null())
    assert (followed["ended_on"].is_not_null() & (followed["next"] >= followed["ended_on"])).all()
    assert (followed["next"] == followed["ended_on"]).sum() > 100
    gaps = followed.filter(pl.col("next") > pl.col("ended_on"))
    assert gaps.height > 20
    assert ((gaps["next"] - gaps["ended_on"]).dt.total_days() >= 59).all()
    assert (periods["ended_on"] > periods["started_on"]).all()
    assert periods["ended_on"].max() < truth.end
    assert set(periods["monthly_amount"]) == set(truth.plans.values())


def test_ratings_are_on_their_scales(company, truth):
    surveys = company.tables["surveys"]
    for column, low, high in (("nps", 0, 10), ("csat", 1, 10), ("ces", 1, 7)):
        assert low <= surveys[column].min() < surveys[column].max() <= high
        assert 0 < surveys[column].null_count() < 0.1 * surveys.height
    scale = {str(n) for n in range(1, 11)}
    for driver in truth.drivers:
        answers = surveys[driver.name]
        ticked = (answers == "n/a").sum() / surveys.height
        assert ticked == pytest.approx(driver.not_applicable, abs=0.03)
        assert answers.null_count() / surveys.height == pytest.approx(truth.missing_share, abs=0.015)
        assert set(answers.drop_nulls()) - {"n/a"} <= scale


def test_names_are_written_in_utf_8_with_letters_beyond_ascii(folder):
    text = (folder / "customers.csv").read_text(encoding="utf-8")
    assert "Zoë" in text
    assert "O'Thorn" in text


def test_prospects_never_ordered(company):
    ordered = set(company.clean_transactions["customer_id"])
    known = company.customers_truth
    assert set(known.filter("is_buyer")["customer_id"]) == ordered
    assert 100 < known.height - len(ordered) < 200


class TestDirt:
    """The dirt in transactions.csv, counted as the truth states it."""

    def test_exact_copies(self, files, truth):
        rows = files["transactions"]
        assert rows.height - rows.unique().height == truth.dirt.duplicate_rows

    def test_blank_customer_ids(self, files, truth):
        assert files["transactions"]["customer_id"].null_count() == truth.dirt.blank_customer_rows

    def test_dates_that_are_none(self, files, truth):
        at = files["transactions"]["ordered_at"].str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False)
        assert at.null_count() == truth.dirt.bad_date_rows

    def test_zero_prices(self, files, truth):
        assert (files["transactions"]["amount"] == "0.00").sum() == truth.dirt.zero_price_rows

    def test_ids_with_a_blank_behind_them(self, files, truth):
        ids = files["transactions"]["customer_id"]
        assert (
            ids.str.len_chars() > ids.str.strip_chars().str.len_chars()
        ).sum() == truth.dirt.padded_id_rows

    def test_what_is_left_is_the_clean_table(self, files, company):
        rows = files["transactions"].unique(maintain_order=True)
        kept = rows.filter(
            pl.col("customer_id").is_not_null(),
            ~pl.col("order_id").str.starts_with("X"),
            pl.col("amount") != "0.00",
        )
        clean = company.clean_transactions
        assert kept.height == clean.height
        assert (kept["customer_id"].str.strip_chars() == clean["customer_id"]).all()
        assert kept["amount"].cast(float).sum() == pytest.approx(clean["amount"].sum(), abs=0.005)

    def test_the_clean_table_has_none(self, company):
        clean = company.clean_transactions
        assert clean.is_unique().all()
        assert sum(clean.null_count().row(0)) == 0


def test_the_same_seed_gives_the_same_tables_and_another_seed_others():
    from sample_data.generate import make_company

    one, two, other = (make_company(customers=300, seed=seed) for seed in (5, 5, 6))
    assert all(one.tables[name].equals(two.tables[name]) for name in TABLES)
    assert not one.tables["transactions"].equals(other.tables["transactions"])


def test_who_leaves_takes_nothing_from_the_others(truth):
    """Leavers' later orders and cases are left out; every other row is that of a company nobody leaves."""
    from dataclasses import replace

    from sample_data.generate import make_company

    every, fewer = (
        make_company(replace(truth, slow_leaver_share=share), customers=2_000, seed=5) for share in (0.0, 0.9)
    )
    lost = every.clean_transactions.join(
        fewer.clean_transactions, on=every.clean_transactions.columns, how="anti"
    )
    assert 0 < lost.height == every.clean_transactions.height - fewer.clean_transactions.height
    slow = every.tables["cases"].filter(
        (pl.col("closed_at") - pl.col("opened_at")).dt.total_days().fill_null(99) >= 7
    )
    assert set(lost["customer_id"]) <= set(slow["customer_id"])
    for name in ("customers", "subscriptions", "products"):
        assert every.tables[name].equals(fewer.tables[name])
    assert fewer.tables["cases"].join(every.tables["cases"], on="case_id", how="anti").is_empty()


def test_a_change_to_one_part_leaves_the_others_as_they_are(truth):
    from dataclasses import replace

    from sample_data.generate import make_company
    from sample_data.truth import Dirt

    usual = make_company(truth, customers=900, seed=5)
    changed = replace(truth, dirt=Dirt(duplicate_rows=3), plan_share=0.5, missing_share=0.2)
    other = make_company(changed, customers=900, seed=5)
    assert usual.clean_transactions.equals(other.clean_transactions)
    for name in ("customers", "cases", "contacts", "products"):
        assert usual.tables[name].equals(other.tables[name])


def test_years_move_the_start(tmp_path):
    from sample_data.generate import main

    main(["--years", "2", "--customers", "500", "--out", str(tmp_path)])
    joined = pl.read_csv(tmp_path / "customers.csv", try_parse_dates=True)["joined_on"]
    assert joined.min() >= date(2024, 7, 1)


def test_a_small_company_of_one_year_can_be_made(tmp_path):
    from sample_data.generate import main

    assert main(["--years", "1", "--customers", "200", "--out", str(tmp_path)]) == 0
    assert pl.read_csv(tmp_path / "customers.csv").height == 200


@pytest.mark.parametrize("words", [["--customers", "199"], ["--years", "0"]])
def test_too_small_a_company_is_refused(words, tmp_path, capsys):
    from sample_data.generate import main

    with pytest.raises(SystemExit):
        main([*words, "--out", str(tmp_path)])
    assert "at least 200 customers and one year are needed" in capsys.readouterr().err


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_transactions_alone_are_drawn_in_blocks(file_format, tmp_path, monkeypatch):
    from sample_data import company as module
    from sample_data.generate import main

    monkeypatch.setattr(module, "BLOCK", 400)
    words = f"--only transactions --customers 1000 --format {file_format} --out {tmp_path}"
    assert main(words.split()) == 0
    path = tmp_path / f"transactions.{file_format}"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    rows = (
        pl.read_csv(path, schema_overrides={"customer_id": str})
        if file_format == "csv"
        else pl.read_parquet(path)
    )
    assert rows["customer_id"].min() == "000001"
    assert rows["customer_id"].max() > "000980"
    sales = rows.filter(pl.col("quantity") > 0)
    assert sales.group_by("order_id").agg(pl.col("customer_id").n_unique())["customer_id"].max() == 1


@pytest.fixture(scope="module")
def text(folder):
    return (folder / "README.md").read_text(encoding="utf-8")


def test_the_readme_counts_the_rows(text, files):
    rows = dict(re.findall(r"^\| (\w+)\.csv \| ([\d,]+) \|", text, flags=re.MULTILINE))
    assert rows == {name: f"{frame.height:,}" for name, frame in files.items()}


def test_the_readme_states_drivers_and_campaigns(text, truth):
    for d in truth.drivers:
        assert re.search(
            rf"^\| {d.name} \| {d.below} \| {d.above} \| {d.felt} \|.*\| {d.not_applicable:.0%} \|$",
            text,
            re.MULTILINE,
        )
    for c in truth.campaigns:
        said = f"| {c.name} | {c.begins_on} | {c.treated_share:.0%} | {c.uplift:+.0%} | {c.cost} |"
        assert said in text


def test_the_readme_tells_what_an_analyst_finds(text, company):
    lines = company.clean_transactions
    spend = lines.group_by("customer_id").agg(
        pl.col("amount").sum(), margin=(pl.col("amount") - pl.col("cost")).sum()
    )
    best = spend["amount"].sort(descending=True)
    peak = spend["margin"].sort(descending=True).cum_sum().max() / spend["margin"].sum()
    says = " ".join(text.split())
    assert f"revenue of £{round(spend['amount'].sum(), -3):,.0f} net of refunds" in says
    assert f"the best tenth bring {best.head(len(best) // 10).sum() / best.sum():.0%} of revenue" in says
    assert f"{(spend['margin'] < 0).mean():.0%} of customers cost more than they bring" in says
    assert f"the whale curve peaks at {peak:.0%} of the margin" in says
    counts = (
        lines.filter(pl.col("quantity") > 0)
        .group_by("customer_id")
        .agg(pl.col("order_id").n_unique())["order_id"]
    )
    assert f"{(counts > 1).mean():.0%} of buyers buy again, {counts.mean():.1f} orders each" in says
    nps = company.tables["surveys"]["nps"].drop_nulls()
    assert f"net promoter score of {100 * ((nps >= 9).mean() - (nps <= 6).mean()):+.0f}." in says
    newsletter = company.tables["contacts"].filter(pl.col("campaign_id").str.contains("Newsletter"))
    assert f"the newsletter's whole £{newsletter['revenue'].sum():,.0f}" in says


def test_the_readme_counts_who_changes(text, company):
    counted = dict(company.customers_truth.group_by("group").len().iter_rows())
    assert f"purchase rates ({counted['fading']} of them)" in text
    assert f"older customers ({counted['rising']} of them)" in text


def test_the_readme_states_the_parameters(text, truth):
    """Each row of the tables of parameters names a field and gives its value."""
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", text, flags=re.MULTILINE)
    assert len(rows) > 30
    for name, value in rows:
        stated = getattr(truth, name) if hasattr(truth, name) else getattr(truth.dirt, name)
        assert _as_written(stated) == value, name


def _as_written(value):
    if hasattr(value, "items"):
        return ", ".join(f"{key} {number}" for key, number in value.items())
    if isinstance(value, tuple):
        return ", ".join(str(number) for number in value)
    return str(value)
