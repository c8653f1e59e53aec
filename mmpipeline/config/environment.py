"""The settings of a machine: variables named ``MMPIPELINE_*``; no artifact's id covers them."""

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, HttpUrl, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from mmpipeline.config.base import describe_problems
from mmpipeline.errors import ConfigError

DeviceName = Literal["auto", "cpu", "cuda"]


MAX_PORT = 65535


HOST_PATTERN = (
    r"(?P<name>\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?)"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
)
"""A host in small letters, as in a Host header: name or address, IPv6 in brackets, and port."""


class EnvironmentSettings(BaseSettings):
    """What the machine decides, from variables named ``MMPIPELINE_*``.

    Attributes
    ----------
    data_root
        Folder of everything that runs leave behind.
    contact
        Mail address or URL that the scraper names in its User-Agent; the live site requires it.
    prefect_port, mlflow_port
        Loopback ports of `make ui`.
    mlflow_uri
        MLflow server that runs are logged to; none means the embedded store.
    checkpoint_s
        Seconds of training between two checkpoints; no result depends on it.
    train_processes
        That train together; the last bits of a model depend on how many they are.
    device
        Where models are trained and recipes embedded: ``cpu``, ``cuda``, or ``auto`` for GPUs
        where there are enough; the last bits depend on it.
    duckdb_memory
        Memory limit of one DuckDB connection.
    threads
        Threads of DuckDB and torch; 0 means all cores.
    webhook
        Gets a POST with JSON whenever a flow run that was started ends; unset: nobody is told.
    dask
        Cluster for the map stages: the address of a scheduler (``tcp://10.0.0.5:8786``), or
        ``local:4`` for a temporary one of 4 processes; unset: processes of this machine.
    allowed_hosts
        Further names, with or without a port, that the servers of `make ui` and `make run` are
        asked by, separated by commas (``prefect.example.org,10.0.0.5:8080``): those of a proxy
        with logins in front of them. Pages under these names may ask and write.
    shared
        URL of a storage that machines share artifacts in (``s3://bucket/prefix``,
        ``file:///mnt/shared``), credentials from its own variables; unset: none.
    """

    model_config = SettingsConfigDict(env_prefix="MMPIPELINE_", frozen=True, extra="ignore")

    data_root: Path = Path("data")
    contact: str | None = None
    prefect_port: int = Field(4200, ge=1024, le=65535)
    mlflow_port: int = Field(5000, ge=1024, le=65535)
    mlflow_uri: str | None = Field(None, pattern=r"^https?://")
    checkpoint_s: float = Field(60, ge=0)
    train_processes: int = Field(1, ge=1, le=64)
    device: DeviceName = "auto"
    duckdb_memory: str = Field("1GB", pattern=r"^[1-9]\d*(\.\d+)? ?[KMGT]i?B$")
    threads: int = Field(0, ge=0)
    webhook: HttpUrl | None = None
    dask: str | None = Field(None, pattern=r"^(local(:[1-9]\d{0,3})?|(tcp|tls|ucx|wss?)://\S+)$")
    shared: str | None = None
    allowed_hosts: str = Field("", max_length=2000)

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, listed: str) -> str:
        for entry in filter(None, map(str.strip, listed.split(","))):
            found = re.fullmatch(HOST_PATTERN, entry.lower())
            if found is None or int(found["port"] or 1) > MAX_PORT:
                raise ValueError(
                    f"{entry!r} is no host; expected names such as prefect.example.org or "
                    "10.0.0.5:8080, without scheme, path or wildcard"
                )
        return listed.lower()


def load_settings() -> EnvironmentSettings:
    """Read the environment.

    Returns
    -------
    EnvironmentSettings
        Validated settings.

    Raises
    ------
    ConfigError
        If a variable has a value that cannot be used.
    """
    try:
        return EnvironmentSettings()
    except ValidationError as error:
        raise ConfigError(
            f"environment: {describe_problems(error, EnvironmentSettings, 'MMPIPELINE_')}"
        ) from error
