"""Prefect's SQLite database, without transactions that can neither wait nor finish.

A transaction of Prefect's server that reads first and writes then fails at once with "database is
locked" when another one wrote in between: SQLite cannot let it wait, since what it read is old. The
heartbeat of a worker is one of them. Begun as writers, such transactions wait for each other (up to
a minute). PostgreSQL has no such problem and is left alone.
"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager

from prefect.server.database.configurations import AioSqliteConfiguration
from prefect.server.database.dependencies import temporary_database_config
from prefect.settings import get_current_settings
from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction


class WaitingSqlite(AioSqliteConfiguration):
    """Prefect's configuration for SQLite, in which every transaction begins as a writer."""

    @asynccontextmanager
    async def begin_transaction(
        self, session: AsyncSession, with_for_update: bool = False
    ) -> AsyncGenerator[AsyncSessionTransaction, None]:
        """Begin a transaction that no other can overtake.

        Parameters
        ----------
        session
            Of this configuration's engine.
        with_for_update
            Whether it says that it will write; all are taken to.

        Yields
        ------
        AsyncSessionTransaction
        """
        del with_for_update
        async with super().begin_transaction(session, with_for_update=True) as transaction:
            yield transaction


@contextmanager
def waiting_database() -> Iterator[None]:
    """Let a server that runs within a block use `WaitingSqlite`, if its database is SQLite.

    Yields
    ------
    None
    """
    address = get_current_settings().server.database.connection_url
    url = address.get_secret_value() if address is not None else ""
    if not url.startswith("sqlite"):
        yield
        return
    with temporary_database_config(WaitingSqlite(connection_url=url)):
        yield
