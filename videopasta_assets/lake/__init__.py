"""The lake: Parquet tables partitioned by recipe and shard, and the rules that keep them incremental."""

from videopasta_assets.lake.address import COMMON, Address
from videopasta_assets.lake.reconcile import Derivation, Reconciliation, reconcile
from videopasta_assets.lake.schema import Row, TableSchema
from videopasta_assets.lake.sql import connect
from videopasta_assets.lake.store import Lake, Manifest
from videopasta_assets.lake.tables import TABLES

__all__ = [
    "COMMON",
    "TABLES",
    "Address",
    "Derivation",
    "Lake",
    "Manifest",
    "Reconciliation",
    "Row",
    "TableSchema",
    "connect",
    "reconcile",
]
