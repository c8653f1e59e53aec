"""Storage of immutable artifacts and files that are whole or not there.

Stages hand each other immutable artifact folders (`artifact`), found by an id that follows from
what they were made from. Files reach their final name by rename only (`atomic`). Tables are
Parquet (`parquet`); SQL runs in DuckDB connections with limits (`database`).
"""

from mmpipeline.storage.artifact import ArtifactStore, Draft
from mmpipeline.storage.atomic import write_json_atomic, write_text_atomic
from mmpipeline.storage.database import connect_database
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import Artifact, Manifest, digest_file, open_artifact
from mmpipeline.storage.parquet import ParquetSink, read_parquet
from mmpipeline.storage.provenance import ArtifactKey, digest_sources

__all__ = [
    "Artifact",
    "ArtifactKey",
    "ArtifactStore",
    "DataLayout",
    "Draft",
    "Manifest",
    "ParquetSink",
    "connect_database",
    "digest_file",
    "digest_sources",
    "open_artifact",
    "read_parquet",
    "write_json_atomic",
    "write_text_atomic",
]
