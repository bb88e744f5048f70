"""How entries of a feed are shown, by the ``compat`` setting: as documented, or as the deployed servers do."""

from __future__ import annotations

from collections.abc import Mapping

from albumcore.feed import DOCUMENTED, UPSTREAM, FeedForm
from albumcore_adapters.base.settings import Compat

FORMS: Mapping[Compat, FeedForm] = {"documented": DOCUMENTED, "upstream": UPSTREAM}
