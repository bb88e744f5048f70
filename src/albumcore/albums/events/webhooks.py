"""Events of the webhooks of an album."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from albumcore.albums.values import Webhook, WebhookEvent
from albumcore.ids import SeriesUID, StudyUID, UserId, WebhookId
from albumcore.kernel import Act, assoc, changed, dissoc, stored

if TYPE_CHECKING:
    from albumcore.albums.album import Album


@stored("album.webhook_created")
@frozen
class WebhookCreated:
    """An admin had an address told of what happens in the album."""

    webhook_id: WebhookId
    webhook: Webhook

    def evolve(self, state: Album, act: Act) -> Album:
        """The album has this webhook."""
        return changed(state, webhooks=assoc(state.webhooks, self.webhook_id, self.webhook))


@stored("album.webhook_edited")
@frozen
class WebhookEdited:
    """An admin changed a webhook; ``webhook`` is the whole of it after that."""

    webhook_id: WebhookId
    webhook: Webhook

    def evolve(self, state: Album, act: Act) -> Album:
        """The webhook is as told."""
        return changed(state, webhooks=assoc(state.webhooks, self.webhook_id, self.webhook))


@stored("album.webhook_deleted")
@frozen
class WebhookDeleted:
    """An admin took a webhook away."""

    webhook_id: WebhookId

    def evolve(self, state: Album, act: Act) -> Album:
        """Nobody is told by it any more."""
        return changed(state, webhooks=dissoc(state.webhooks, self.webhook_id))


@stored("album.webhook_triggered")
@frozen
class WebhookTriggered:
    """An admin had a webhook tell of series of a study, or of a member, by hand."""

    webhook_id: WebhookId
    event: WebhookEvent
    study_uid: StudyUID | None = None
    series_uids: tuple[SeriesUID, ...] = ()
    user: UserId | None = None

    def evolve(self, state: Album, act: Act) -> Album:
        """The album's rules do not depend on who was told."""
        return state
