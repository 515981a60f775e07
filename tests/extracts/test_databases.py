from __future__ import annotations

import sqlite3
import time
from datetime import UTC, date, datetime

import duckdb
import polars as pl
import pytest

from crm_analytics.errors import ConfigError, OptionError, QueryError, SourceError, UnknownNameError
from crm_analytics.extracts.raw import ROW
from crm_analytics.extracts.sources.databases import _place, read_database


@pytest.fixture
def sqlite_url(tmp_path):
    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE orders (id TEXT, day TEXT, amount NUMERIC, units)")
    connection.executemany(
        "INSERT INTO orders VALUES (?, ?, ?, ?)",
        [("007", "2024-01-05", 9.5, 1), ("008", "2024-01-06", 12, "two"), ("009", None, None, None)],
    )
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


@pytest.fixture
def duckdb_url(tmp_path):
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE orders AS SELECT '007' AS id, DATE '2024-01-05' AS day, 9.50::DECIMAL(9, 2) AS amount, "
            "TIMESTAMPTZ '2024-01-05 10:00:00+02' AS at"
        )
    return f"duckdb:///{path}"


@pytest.fixture(scope="session")
def postgres_url(postgres):
    postgres.psql(
        "CREATE TABLE orders (id text, day date, amount numeric(9, 2), at timestamptz, local timestamp, units int, "
        "paid boolean, more jsonb);"
        "INSERT INTO orders VALUES ('007', '2024-01-05', 9.50, '2024-01-05 10:00:00+02', '2024-01-05 10:00', 3, true, "
        "'{\"a\": 1}'), ('008', NULL, NULL, NULL, NULL, NULL, NULL, NULL);"
    )
    return postgres.get_uri()


@pytest.fixture(params=["sqlite", "duckdb", "postgres"])
def url(request):
    return request.getfixturevalue(f"{request.param}_url")


def rows(raw):
    return raw.frame.collect().drop(ROW).rows()


# --- reading ------------------------------------------------------------------------------------------------------


def test_sqlite(sqlite_url):
    raw = read_database(sqlite_url)
    assert rows(raw) == [
        ("007", "2024-01-05", 9.5, "1"),
        ("008", "2024-01-06", 12.0, "two"),
        ("009", None, None, None),
    ]
    assert raw.source == "shop.db"
    assert raw.kind == "database"


def test_duckdb(duckdb_url):
    frame = read_database(duckdb_url).frame.collect()
    assert frame.rows() == [(1, "007", date(2024, 1, 5), 9.5, datetime(2024, 1, 5, 8, tzinfo=UTC))]
    assert frame.schema["amount"] == pl.Float64


def test_postgres(postgres_url):
    frame = read_database(postgres_url, table="orders").frame.collect()
    first = (
        1,
        "007",
        date(2024, 1, 5),
        9.5,
        datetime(2024, 1, 5, 8, tzinfo=UTC),
        datetime(2024, 1, 5, 10),
        3,
        True,
    )
    assert frame.drop("more").rows() == [first, (2, "008", *[None] * 6)]
    assert frame.schema["at"] == pl.Datetime("us", "UTC")
    assert read_database(postgres_url).source == "postgresql://local/postgres"


def test_a_query(url):
    raw = read_database(
        url, query="WITH x AS (SELECT id, amount FROM orders) SELECT id, amount FROM x WHERE id = '007';"
    )
    assert rows(raw) == [("007", 9.5)]


def test_a_query_without_rows_keeps_its_headings(url):
    raw = read_database(url, query="SELECT id, amount FROM orders WHERE 1 = 0")
    assert raw.headings == ["id", "amount"]
    assert rows(raw) == []


def test_many_rows_come_in_batches(postgres_url):
    raw = read_database(
        postgres_url, query="SELECT g AS id, g / 2.0 AS half FROM generate_series(1, 120000) AS g"
    )
    frame = raw.frame.collect()
    assert frame.height == 120_000
    assert frame["half"].sum() == pytest.approx(120_000 * 120_001 / 4)


def test_batches_of_different_types_are_stacked(tmp_path, monkeypatch):
    monkeypatch.setattr("crm_analytics.extracts.sources.database_engines._BATCH", 2)
    path = tmp_path / "odd.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a, b, c)")
    connection.executemany(
        "INSERT INTO t VALUES (?, ?, ?)", [(1, 1, None), (2, 2, None), ("x", 2.5, None), (4, 3, 9)]
    )
    connection.commit()
    connection.close()
    found = rows(read_database(f"sqlite:///{path}"))
    assert found == [("1", 1.0, None), ("2", 2.0, None), ("x", 2.5, None), ("4", 3.0, 9)]


def test_a_name_in_any_case(url):
    assert rows(read_database(url, table="ORDERS"))[0][0] == "007"


def test_an_unknown_table_is_named_with_a_hint(url):
    with pytest.raises(UnknownNameError, match=r"There is no table 'order'.*Did you mean 'orders'"):
        read_database(url, table="order")


def test_a_table_is_never_sql(url):
    with pytest.raises(UnknownNameError, match="There is no table"):
        read_database(url, table='orders"; DROP TABLE orders; --')


def test_of_several_tables_one_must_be_named(duckdb_url):
    with duckdb.connect(duckdb_url.removeprefix("duckdb:///")) as connection:
        connection.execute("CREATE SCHEMA crm; CREATE TABLE crm.people AS SELECT 1 AS id")
    with pytest.raises(QueryError, match=r"holds 2 tables: crm\.people, orders"):
        read_database(duckdb_url)
    assert rows(read_database(duckdb_url, table="crm.people")) == [(1,)]


def test_a_database_without_tables(tmp_path):
    duckdb.connect(str(tmp_path / "none.duckdb")).close()
    with pytest.raises(SourceError, match="holds no table that may be read"):
        read_database(f"duckdb:///{tmp_path}/none.duckdb")


def test_query_and_table_exclude_each_other(sqlite_url):
    with pytest.raises(OptionError, match="Both query= and table="):
        read_database(sqlite_url, query="SELECT 1", table="orders")


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), 1e9])
def test_timeout_out_of_range(sqlite_url, seconds):
    with pytest.raises(OptionError, match="timeout_seconds"):
        read_database(sqlite_url, timeout_seconds=seconds)


def test_a_file_that_is_not_there(tmp_path):
    for kind in ("sqlite", "duckdb"):
        with pytest.raises(SourceError, match="There is no file"):
            read_database(f"{kind}:///{tmp_path}/none.db")
        assert not (tmp_path / "none.db").exists()


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "x.db").write_text("id,day\n" * 100, encoding="utf-8")
    for kind in ("sqlite", "duckdb"):
        with pytest.raises(SourceError, match=r"x\.db"):
            read_database(f"{kind}:///{tmp_path}/x.db", table="t")


def test_a_kind_not_known():
    with pytest.raises(ConfigError, match="'mysql' is no kind of database known here"):
        read_database("mysql://host/shop")


# --- only reading -------------------------------------------------------------------------------------------------

HOSTILE = [
    "DELETE FROM orders",
    "UPDATE orders SET amount = 0",
    "INSERT INTO orders SELECT * FROM orders",
    "DROP TABLE orders",
    "TRUNCATE orders",
    "CREATE TABLE x AS SELECT 1",
    "ALTER TABLE orders ADD COLUMN x int",
    "SELECT 1; DROP TABLE orders",
    "SELECT 1; SELECT 2",
    "SELECT 1 /* ; */ ; -- \n DELETE FROM orders",
    "WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone",
    "WITH new AS (INSERT INTO orders (id) VALUES ('x') RETURNING *) SELECT * FROM new",
    "WITH new AS (UPDATE orders SET amount = 1 RETURNING *) SELECT * FROM new",
    "SELECT * INTO stolen FROM orders",
    "SELECT * FROM orders FOR UPDATE",
    "COPY orders TO '{folder}/stolen.csv'",
    "COPY (SELECT 1) TO PROGRAM 'touch {folder}/stolen.csv'",
    "EXPORT DATABASE '{folder}/stolen'",
    "ATTACH '{folder}/new.db' AS new",
    "ATTACH DATABASE '{folder}/new.db' AS new",
    "DETACH main",
    "PRAGMA writable_schema = 1",
    "PRAGMA database_list",
    "VACUUM INTO '{folder}/stolen.db'",
    "VACUUM",
    "ANALYZE",
    "REINDEX",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "RESET ALL",
    "CALL pragma_version()",
    "EXPLAIN ANALYZE DELETE FROM orders",
    "DO $$ BEGIN DELETE FROM orders; END $$",
    "BEGIN",
    "COMMIT",
    "LOCK TABLE orders",
    "GRANT ALL ON orders TO public",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "NOTIFY x",
    "LISTEN x",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_csv_auto('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM '/etc/*.csv'",
    "SELECT * FROM parquet_metadata('/etc/passwd')",
    "SELECT * FROM query('DROP TABLE orders')",
    "SELECT getenv('HOME')",
    "SELECT load_extension('x.so')",
    "SELECT readfile('/etc/passwd')",
    "SELECT writefile('{folder}/stolen.txt', 'x')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_catalog.pg_read_binary_file('/etc/passwd')",
    "SELECT \"pg_read_file\"('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '{folder}/stolen.txt')",
    "SELECT set_config('default_transaction_read_only', 'off', false)",
    "SELECT pg_terminate_backend(1)",
    "SELECT dblink_exec('x', 'DROP TABLE orders')",
    "SELECT query_to_xml('DELETE FROM orders', true, true, '')",
    "SELECT nextval('s')",
    "",
    ";",
    "-- nothing",
    "SELEC 1",
    "SELECT \x00",
    "SELECT " + "(" * 5_000 + "1" + ")" * 5_000,
]


def attempted(url, query, folder):
    """Try a statement: what it gave, or None where it was refused."""
    try:
        return rows(read_database(url, query=query.replace("{folder}", str(folder)), timeout_seconds=10))
    except QueryError:
        return None


def test_nothing_but_reading(url, tmp_path):
    before, files = rows(read_database(url, table="orders")), sorted(tmp_path.iterdir())
    assert [query for query in HOSTILE if attempted(url, query, tmp_path) is not None] == []
    assert rows(read_database(url, table="orders")) == before
    assert sorted(tmp_path.iterdir()) == files


def test_the_engine_refuses_too_where_the_proof_is_passed(url, tmp_path, monkeypatch):
    """The second wall stands alone: read-only connections, the authorizer, no access to anything outside."""
    before, files = rows(read_database(url, table="orders")), sorted(tmp_path.iterdir())
    monkeypatch.setattr("crm_analytics.extracts.sources.databases.checked_query", lambda text, _: text)
    # a superuser of PostgreSQL may read the server's files, so there the proof alone keeps them
    queries = [q for q in HOSTILE if "postgres" not in url or "pg_" not in q.partition("(")[0]]
    found = {query: attempted(url, query, tmp_path) for query in queries}
    assert [query for query, gave in found.items() if "root:" in str(gave)] == []
    monkeypatch.undo()
    assert rows(read_database(url, table="orders")) == before
    assert sorted(tmp_path.iterdir()) == files


RUNAWAYS = {
    "sqlite": "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
    "duckdb": "SELECT count(*) FROM range(1000000) AS a, range(1000000) AS b, range(1000) AS c WHERE hash(a, b, c) = 7",
    "postgres": "SELECT pg_sleep(60)",
}


@pytest.mark.parametrize("engine", RUNAWAYS)
def test_runaway_queries_are_stopped(request, engine):
    where = request.getfixturevalue(f"{engine}_url")
    start = time.perf_counter()
    with pytest.raises(QueryError, match=r"took longer than 0\.5 seconds and was stopped"):
        read_database(where, query=RUNAWAYS[engine], timeout_seconds=0.5)
    assert time.perf_counter() - start < 5


def test_a_mistake_in_a_query_is_worded(url):
    with pytest.raises(QueryError, match=r"answered: .*nowhere"):
        read_database(url, query="SELECT * FROM nowhere")


# --- credentials --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "postgresql://jo:s3cret@db.example/shop",
        "postgres://jo:s3cret@db.example/shop",
        "postgresql+psycopg://jo:s3cret@db.example/shop",
        "postgresql://db.example/shop?user=jo&password=s3cret",
        "postgresql://jo:${PART}s3cret@db.example/shop",
    ],
)
def test_a_password_in_the_url_is_refused_and_not_shown(written):
    with pytest.raises(
        ConfigError, match=r"A password is written in the database URL.*CRM_DB_PASSWORD"
    ) as caught:
        read_database(written)
    assert "s3cret" not in str(caught.value)


def test_a_password_from_the_environment_is_used_and_not_shown(monkeypatch):
    monkeypatch.setenv("SHOP_PASSWORD", "p@ss/w:rd?${x}")
    place = _place("postgresql://jo:${SHOP_PASSWORD}@db.example:5433/shop?sslmode=require")
    assert dict(place.words) == {
        "user": "jo",
        "password": "p@ss/w:rd?${x}",
        "host": "db.example",
        "port": "5433",
        "dbname": "shop",
        "sslmode": "require",
    }
    assert place.label == "postgresql://db.example/shop"
    assert "p@ss" not in repr(place)


def test_a_variable_that_is_not_set(monkeypatch):
    monkeypatch.delenv("SHOP_PASSWORD", raising=False)
    with pytest.raises(ConfigError, match="names the variable SHOP_PASSWORD, which is not set"):
        read_database("postgresql://jo:${SHOP_PASSWORD}@db.example/shop")


def test_settings_that_would_undo_the_protection_are_refused():
    with pytest.raises(ConfigError, match="The database URL sets options"):
        read_database("postgresql://db.example/shop?options=-c%20default_transaction_read_only%3Doff")


def test_a_server_that_is_not_there(monkeypatch):
    monkeypatch.setenv("SHOP_PASSWORD", "s3cret")
    with pytest.raises(SourceError, match=r"postgresql://127\.0\.0\.1/shop cannot be reached") as caught:
        read_database("postgresql://jo:${SHOP_PASSWORD}@127.0.0.1:1/shop")
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("postgresql://db/shop", {"host": "db", "dbname": "shop"}),
        ("postgresql:///shop", {"dbname": "shop"}),
        ("postgresql://[::1]:5432/shop", {"host": "::1", "port": "5432", "dbname": "shop"}),
        (
            "postgresql://postgres:@/postgres?host=/run/x",
            {"user": "postgres", "dbname": "postgres", "host": "/run/x"},
        ),
        ("POSTGRESQL://jo%40x@db/my%20shop", {"user": "jo@x", "host": "db", "dbname": "my shop"}),
    ],
)
def test_urls(written, words):
    assert dict(_place(written).words) == words


def test_a_url_that_cannot_be_read():
    with pytest.raises(ConfigError, match="cannot be read"):
        read_database("postgresql://db:port:more/shop")


def test_a_url_without_a_file():
    with pytest.raises(ConfigError, match="names no file"):
        read_database("sqlite://shop.db")
