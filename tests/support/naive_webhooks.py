"""The webhooks of the naive album (Kheops API 11 and 14, rules 71 and 72)."""

from __future__ import annotations

from typing import Any

from support.naive_state import Fact, NaiveState, Refused, Said

ORDER = ["new_series", "remove_series", "new_user", "delete_album"]
"""The order in which the events of a webhook are listed."""


class NaiveWebhooks(NaiveState):
    """What can be decided about webhooks."""

    def hook(self, webhook: str) -> dict[str, Any]:
        """Go on only if there is such a webhook."""
        if webhook not in self.webhooks:
            raise Refused("webhook_not_found")
        return self.webhooks[webhook]

    def hook_text(self, name: str | None, url: str | None) -> dict[str, Said]:
        """Go on only if those given are sound."""
        about = {}
        if name is not None:
            about["name"] = self.text(name.strip(), 1, 255)
        if url is not None:
            about["url"] = self.text(url, 1, 1024)
            if not url.startswith(("http://", "https://")) or "@" in url:
                raise Refused("invalid")
        return about

    def create_webhook(
        self,
        webhook: str,
        name: str,
        url: str,
        events: Any = (),
        enabled: bool = True,
        secret: str | None = None,
    ) -> list[Fact]:
        """An id of its own, and each event once."""
        self.need("manage webhooks")
        about = self.hook_text(name, url)
        if webhook in self.webhooks:
            raise Refused("id_taken")
        self.webhooks[webhook] = {
            **about,
            "events": listed(events),
            "enabled": enabled,
            "secret": secret,
        }
        return [self.shown("CREATE_WEBHOOK")]

    def edit_webhook(
        self,
        webhook: str,
        name: Any = None,
        url: Any = None,
        events: Any = None,
        add: Any = (),
        remove: Any = (),
        enabled: Any = None,
        secret: Any = None,
    ) -> list[Fact]:
        """What is given, and recorded whatever changed; an empty secret is none."""
        self.need("manage webhooks")
        about = self.hook_text(name, url)
        if events is not None and (add or remove):
            raise Refused("invalid")
        hook = self.hook(webhook)
        self.say_again(hook, about)
        if events is None:
            gone = [event.value for event in remove]
            events = [word for word in hook["events"] if word not in gone]
            hook["events"] = [
                word for word in ORDER if word in events or word in [one.value for one in add]
            ]
        else:
            hook["events"] = listed(events)
        if enabled is not None:
            hook["enabled"] = enabled
        if secret is not None:
            hook["secret"] = secret if secret != "" else None
        return [self.shown("EDIT_WEBHOOK")]

    def delete_webhook(self, webhook: str) -> list[Fact]:
        """Gone, and its id is free again."""
        self.need("manage webhooks")
        self.hook(webhook)
        del self.webhooks[webhook]
        return [self.shown("DELETE_WEBHOOK")]

    def trigger_webhook(
        self,
        webhook: str,
        event: Any,
        study: str | None = None,
        series: Any = (),
        user: str | None = None,
    ) -> list[Fact]:
        """Rule 72: whether it is enabled does not matter."""
        self.need("manage webhooks")
        if event.value == "new_series":
            sound = study is not None and len(series) > 0 and user is None
        elif event.value == "new_user":
            sound = study is None and len(series) == 0 and user is not None
        else:
            sound = False
        if not sound:
            raise Refused("invalid")
        self.hook(webhook)
        if study is not None and any(uid not in self.studies.get(study, []) for uid in series):
            raise Refused("series_not_found")
        if user is not None and user not in self.members:
            raise Refused("member_not_found")
        return [self.shown("TRIGGER_WEBHOOK")]


def listed(events: Any) -> list[str]:
    """Each once, in the order they are listed."""
    words = [event.value for event in events]
    return [word for word in ORDER if word in words]
