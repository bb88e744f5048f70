"""How a backup or a restore ends that cannot be made."""

from __future__ import annotations


class TransferRefused(Exception):
    """A backup or a restore cannot be made as it was asked for: a sentence that says why. Nothing was changed."""


class BackupDamaged(Exception):
    """What is to be backed up or restored is not whole: a line for each thing that is wrong. Nothing was changed."""
