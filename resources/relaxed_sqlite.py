"""Dagster's SQLite records without a wait for the disk at each of their many small commits.

Dagster opens a connection for each event and closes it again. Each commit then waits for the disk, and each close, as
the last one of its file, empties the write-ahead log, which waits again: about three times for each of the hundreds of
events of a run. Here a commit only reaches the system (`synchronous = NORMAL`, which keeps a file with a write-ahead
log whole through a power cut and may lose its last commits), and a second connection stays open on the files that were
used last. The records are for looking at; what was made is in the lake, which waits for the disk by itself.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.engine import Engine

_HELD_FILES: Final = 8


@contextmanager
def relaxed_sqlite(home: Path) -> Iterator[None]:
    """For a while, this process waits for the disk only when it lets go of one of the SQLite files under `home`."""
    home = home.resolve()
    held: OrderedDict[str, sqlite3.Connection] = OrderedDict()

    def relax(connection: Any, _: Any) -> None:
        driver = getattr(connection, "driver_connection", connection)
        if not isinstance(driver, sqlite3.Connection):
            return
        ((_, _, file), *_) = driver.execute("PRAGMA database_list").fetchall()
        if not (file and Path(file).is_relative_to(home)):  # none is in memory
            return
        driver.execute("PRAGMA synchronous = NORMAL")
        if file not in held:
            held[file] = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        held.move_to_end(file)
        # Only who has read holds the log, and a new file gets its log after the first connection to it.
        held[file].execute("SELECT count(*) FROM sqlite_master").fetchall()
        if len(held) > _HELD_FILES:
            held.popitem(last=False)[1].close()

    event.listen(Engine, "connect", relax)
    try:
        yield
    finally:
        event.remove(Engine, "connect", relax)
        for connection in held.values():
            connection.close()
