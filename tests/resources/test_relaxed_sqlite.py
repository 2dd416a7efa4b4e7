"""What relaxed records are, on real files."""

from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from resources.relaxed_sqlite import relaxed_sqlite


def commit(file: Path) -> int:
    """Commit a row as Dagster does: a connection of its own, closed at once; returns how it waits (2: for the disk)."""
    engine = create_engine(f"sqlite:///{file}", poolclass=NullPool)
    with engine.connect() as connection, connection.begin():
        connection.execute(text("PRAGMA journal_mode = WAL"))
        connection.execute(text("CREATE TABLE IF NOT EXISTS events (x)"))
        connection.execute(text("INSERT INTO events VALUES (1)"))
        waits = int(connection.execute(text("PRAGMA synchronous")).scalar_one())
    engine.dispose()
    return waits


def test_commits_wait_for_the_disk_when_the_file_is_let_go(tmp_path: Path) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    home.mkdir()
    other.mkdir()
    with relaxed_sqlite(home):
        assert [commit(home / "runs.db") for _ in range(2)] == [1, 1]
        assert (home / "runs.db-wal").stat().st_size
        assert commit(other / "mine.db") == 2
        assert not (other / "mine.db-wal").exists()
        for number in range(9):
            commit(home / f"{number}.db")
            commit(home / f"{number}.db")  # now the file has a log
        assert not (home / "runs.db-wal").exists()  # let go for files that were used later
        assert (home / "8.db-wal").exists()
    assert not list(home.glob("*-wal"))
    assert commit(home / "runs.db") == 2
    engine = create_engine(f"sqlite:///{home / 'runs.db'}")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM events")).scalar_one() == 3
    engine.dispose()
