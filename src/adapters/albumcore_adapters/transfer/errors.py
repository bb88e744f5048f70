"""How a transfer fails."""

from __future__ import annotations


class TransferRefused(Exception):
    """A copy, a backup or a restore cannot be made, or cannot continue, as requested.

    The message is a sentence that says why. It contains no address: that may hold a password.
    """


class BackupDamaged(Exception):
    """What is backed up or restored is damaged: a line for each problem. Nothing was changed."""
