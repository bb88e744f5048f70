"""Comments on studies in two stores side by side, beside a naive list of what was said."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import settings

from albumcore import EntryKind, FeedQuery, Stream, StudyComments, study_stream
from albumcore.feed import PUBLIC, Entry, scopes_of
from albumcore.testing import CAST, STUDIES, Command, StudyCommentsMachine
from support.naive_comments import NaiveStudyComments
from support.naive_state import Fact
from support.two_stores import TwoStores

PAGES = [(None, 0), (2, 1), (0, 0), (None, 3), (1, 100)]


def told_by(entry: Entry) -> Fact:
    """All that a comment says."""
    assert (entry.kind, entry.type.mutation, entry.study_uid) == (EntryKind.COMMENT, None, None)
    assert entry.is_private is (entry.target is not None)
    return {
        "author": entry.author,
        "target": entry.target,
        "comment": entry.comment,
        "at": entry.recorded.at,
    }


class StudyCommentsInTwoStores(TwoStores[StudyComments], StudyCommentsMachine):
    """What everybody gets to read is what the list says, and no index row is about anything else."""

    def __init__(self) -> None:
        self.naive = {study: NaiveStudyComments() for study in STUDIES}
        super().__init__()

    def predict(
        self, stream: Stream[StudyComments], command: Command[StudyComments], at: datetime
    ) -> str | int:
        """Ask the list of the study."""
        study = next(study for study in STUDIES if study_stream(study) == stream)
        predicted: Any = self.naive[study].predict(command.name, command.source, at, command.args)
        return predicted if isinstance(predicted, str) else int(predicted)

    def compare(self) -> None:
        """The comments on both studies as everybody sees them, and as nobody does."""
        store = self.stores[self.turn % 2]
        limit, offset = PAGES[self.turn % len(PAGES)]
        for study, naive in self.naive.items():
            self.check_state(study_stream(study))
            for viewer in (PUBLIC, *CAST.users):
                for query in (None, FeedQuery(limit=limit, offset=offset)):
                    found, total = store.study_comments(study, viewer, query)
                    seen = naive.see(viewer) if query is None else naive.see(viewer, limit, offset)
                    assert ([told_by(one) for one in found], total) == seen
                whole = naive.see(viewer)[1]
                names = [study_stream(study).name]
                counted = store.index.count_entries(names, scopes_of(EntryKind.COMMENT, viewer))
                assert counted.get(names[0], 0) == whole


TestStudyCommentsInTwoStores = StudyCommentsInTwoStores.TestCase
# There is one decision: a quarter of the profile's examples try it as often as the other machines try each of theirs.
TestStudyCommentsInTwoStores.settings = settings(max_examples=settings().max_examples // 4)
