"""The comments on a study by the documented rules alone (Kheops API 7.3, 7.4 and 14), in a plain list."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from support.naive_state import Fact


class NaiveStudyComments:
    """What was said of one study, newest first."""

    def __init__(self) -> None:
        self.said: list[Fact] = []

    def predict(self, decision: str, source: Any, at: datetime, args: tuple[Any, ...]) -> Any:
        """The code of the refusal, or how many events are recorded."""
        assert decision == "post_study_comment"
        viewers, comment, target = args
        if source.capability_token is not None or source.report_provider is not None:
            return "forbidden"
        if source.user not in viewers:
            return "study_not_found"
        if not 1 <= len(comment) <= 1024 or "\x00" in comment:
            return "invalid"
        if target is not None and target not in viewers:
            return "user_not_found"
        self.said.insert(0, {"author": source.user, "target": target, "comment": comment, "at": at})
        return 1

    def see(self, viewer: str, limit: int | None = None, offset: int = 0) -> tuple[list[Fact], int]:
        """The page that a viewer gets, and the number there is in all."""
        seen = [
            one
            for one in self.said
            if one["target"] is None or viewer in (one["author"], one["target"])
        ]
        page = seen[offset:]
        return (page if limit is None else page[:limit]), len(seen)
