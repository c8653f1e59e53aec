"""What reads and then writes is not overtaken; Prefect's own configuration lets it fail."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from prefect.server.database.configurations import AioSqliteConfiguration
from prefect.server.database.dependencies import MODELS_DEPENDENCIES
from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL, temporary_settings
from sqlalchemy.exc import OperationalError

from tasks.servers.database import WaitingSqlite, waiting_database


def overtake(configuration: AioSqliteConfiguration, path: Path) -> bool:
    """Read, let another connection try to write, then write; return whether the other could."""
    with sqlite3.connect(path) as store:
        store.execute("PRAGMA journal_mode = WAL")
        store.execute("CREATE TABLE beats (at INTEGER)")

    async def beat() -> bool:
        engine = await configuration.engine()
        session = await configuration.session(engine)
        try:
            async with configuration.begin_transaction(session):
                await session.execute(sa.text("SELECT count(*) FROM beats"))
                is_overtaken = write(path)
                await session.execute(sa.text("INSERT INTO beats VALUES (1)"))
        finally:
            await session.close()
            await engine.dispose()
        return is_overtaken

    return asyncio.run(beat())


def write(path: Path) -> bool:
    other = sqlite3.connect(path, timeout=0.1, isolation_level=None)
    try:
        other.execute("INSERT INTO beats VALUES (2)")
    except sqlite3.OperationalError:
        return False
    finally:
        other.close()
    return True


def test_a_transaction_that_reads_first_is_not_overtaken(tmp_path: Path) -> None:
    path = tmp_path / "prefect.db"
    assert not overtake(WaitingSqlite(f"sqlite+aiosqlite:///{path}"), path)


def test_this_is_what_it_is_for(tmp_path: Path) -> None:
    path = tmp_path / "prefect.db"
    with pytest.raises(OperationalError, match="database is locked"):
        overtake(AioSqliteConfiguration(f"sqlite+aiosqlite:///{path}"), path)


@pytest.mark.parametrize(
    ("url", "is_ours"),
    [("sqlite+aiosqlite:///{}/x.db", True), ("postgresql+asyncpg://me@127.0.0.1/x", False)],
)
def test_a_server_takes_it_for_sqlite_alone(tmp_path: Path, url: str, is_ours: bool) -> None:
    address = {PREFECT_API_DATABASE_CONNECTION_URL: url.format(tmp_path)}
    with temporary_settings(address), waiting_database():
        assert isinstance(MODELS_DEPENDENCIES["database_config"], WaitingSqlite) is is_ours
