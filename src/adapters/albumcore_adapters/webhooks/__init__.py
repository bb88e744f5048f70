"""Webhooks: what happens in albums is told to addresses that their admins name (Kheops API 11).

Nothing is told twice on purpose, and nothing that can be read is lost: deliveries are taken from the recorded
history, in the order of recording, and kept in tables of the same database until they were made or given up.
"""

from albumcore_adapters.webhooks.outbox import Outbox, open_outbox
from albumcore_adapters.webhooks.render import triggers_json, webhook_json
from albumcore_adapters.webhooks.threads import Runner
from albumcore_adapters.webhooks.triggers import Attempt, Summary, Trigger

__all__ = [
    "Attempt",
    "Outbox",
    "Runner",
    "Summary",
    "Trigger",
    "open_outbox",
    "triggers_json",
    "webhook_json",
]
