"""Webhooks (Kheops API 11): a transactional outbox that is filled from the event store.

A projection reads the recorded events in order and inserts the deliveries that they lead to, in one transaction
with its position. Workers claim due deliveries under a lease and send them, at least once each. `Outbox` is the
context that every function here takes first; it starts no thread, `Runner` does.
"""

from albumcore_adapters.webhooks.history import (
    Trigger,
    TriggerSummary,
    list_triggers,
    summarize_triggers,
    triggers_json,
    webhook_json,
)
from albumcore_adapters.webhooks.outbox import Outbox, open_outbox
from albumcore_adapters.webhooks.projection import catch_up, purge_secrets
from albumcore_adapters.webhooks.queue import Attempt
from albumcore_adapters.webhooks.secrets import delete_secret, store_secret
from albumcore_adapters.webhooks.threads import Runner
from albumcore_adapters.webhooks.uploads import note_upload
from albumcore_adapters.webhooks.worker import deliver_due

__all__ = [
    "Attempt",
    "Outbox",
    "Runner",
    "Trigger",
    "TriggerSummary",
    "catch_up",
    "delete_secret",
    "deliver_due",
    "list_triggers",
    "note_upload",
    "open_outbox",
    "purge_secrets",
    "store_secret",
    "summarize_triggers",
    "triggers_json",
    "webhook_json",
]
