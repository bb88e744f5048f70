"""Strategies by type: with them ``st.from_type`` gives ids and events, and ``st.builds`` what is made of them.

Importing this module registers them. The entry point of Hypothesis does, so no project has to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from albumcore import ids
from albumcore.albums import MemberFlags, Webhook
from albumcore.image_sets import Content
from albumcore.kernel import STORED, Act, CommandKey, Source
from albumcore.testing import values
from albumcore.testing.events import events
from albumcore.user_tokens import Grants

BY_TYPE: Mapping[Any, Callable[[], st.SearchStrategy[Any]]] = {
    ids.AlbumId: values.album_ids,
    ids.CapabilityTokenId: values.capability_token_ids,
    ids.ImageId: values.image_ids,
    ids.PatientId: values.patient_ids,
    ids.ReportProviderId: values.report_provider_ids,
    ids.SeriesUID: values.series_uids,
    ids.StudyUID: values.study_uids,
    ids.UserId: values.user_ids,
    ids.WebhookId: values.webhook_ids,
    Act: values.acts,
    CommandKey: values.command_keys,
    Content: values.contents,
    Grants: values.grants,
    MemberFlags: values.member_flags,
    Source: values.sources,
    Webhook: values.webhooks,
}
"""The types of ids and values, and the strategy of each."""


def _strategy(type_: Any) -> st.SearchStrategy[Any]:
    return BY_TYPE[type_]() if type_ in BY_TYPE else events(type_)


for _type in (*BY_TYPE, *STORED.values()):
    st.register_type_strategy(_type, _strategy)
