"""Backups of a whole store, and restoring them."""

from adapters.transfer.backup import back_up
from adapters.transfer.errors import BackupDamaged, TransferRefused
from adapters.transfer.manifest import Manifest
from adapters.transfer.restore import Restored, restore

__all__ = [
    "BackupDamaged",
    "Manifest",
    "Restored",
    "TransferRefused",
    "back_up",
    "restore",
]
