"""What differs between the two ways of answering, ``documented`` and ``upstream``: one row each, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from albumcore.errors import UserNotFound
from albumcore.feed import DOCUMENTED, UPSTREAM, FeedForm
from albumcore_adapters.base.settings import Compat
from albumcore_adapters.identity.jwt import Unauthorized


@frozen
class Mode:
    """One way of answering.

    Attributes:
        form: How entries of a feed are shown.
        unknown_subject: How a sound JWT of somebody nobody knows is refused.
    """

    form: FeedForm
    unknown_subject: type[UserNotFound | Unauthorized]


MODES: Mapping[Compat, Mode] = {
    "documented": Mode(DOCUMENTED, UserNotFound),
    "upstream": Mode(UPSTREAM, Unauthorized),
}
"""By the value of the ``compat`` setting."""
