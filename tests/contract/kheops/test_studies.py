"""Studies and series of an album: what each route answers and records, case by case (Kheops API 4)."""

from __future__ import annotations

import pytest

from albumcore import (
    SeriesImported,
    SeriesRemoved,
    StudyImported,
    StudyRemoved,
    add_member,
    create_album,
    edit_album,
    import_study,
)
from support.kheops import ALBUM, ALICE, BOB, CT, DAVE, MR, NOWHERE, OTHER, SR, STUDY, World
from support.kheops_cases import (
    BAD_QUERY,
    FORBIDDEN,
    NO_ALBUM,
    NO_SERIES,
    NO_STUDY,
    Acts,
    Case,
    check,
    each,
    flags,
    held,
    of_other,
)

COVERS = (
    "PUT /studies/{study}/albums/{album}",
    "DELETE /studies/{study}/albums/{album}",
    "PUT /studies/{study}/series/{series}/albums/{album}",
    "DELETE /studies/{study}/series/{series}/albums/{album}",
)

STUDY_THERE = f"/studies/{STUDY}/albums/{ALBUM}"
CT_THERE = f"/studies/{STUDY}/series/{CT}/albums/{ALBUM}"

FROM_INBOX = {"inbox": "True"}
FROM_OTHER = {"album": OTHER}
IN_OTHER: Acts = (
    of_other(create_album, name="Other"),
    of_other(add_member, target=BOB),
    of_other(import_study, study_uid=STUDY, series_uids=[MR, SR]),
)
IMPORTED = [StudyImported(STUDY, (MR, SR))]

ADDING_STUDIES = [
    Case(
        "from the inbox",
        BOB,
        f"PUT {STUDY_THERE}",
        201,
        query=FROM_INBOX,
        events=[StudyImported(STUDY, (CT,))],
    ),
    Case(
        "from an album",
        BOB,
        f"PUT {STUDY_THERE}",
        201,
        query=FROM_OTHER,
        given=IN_OTHER,
        events=IMPORTED,
    ),
    Case(
        "only what is new",
        BOB,
        f"PUT {STUDY_THERE}",
        201,
        query={"album": OTHER, "inbox": "false"},
        given=[*IN_OTHER, *held(SR)],
        events=[StudyImported(STUDY, (MR,))],
    ),
    Case("nothing new", BOB, f"PUT {STUDY_THERE}", 201, query=FROM_INBOX, given=held(CT)),
    Case("no source", BOB, f"PUT {STUDY_THERE}", 400, BAD_QUERY),
    Case("inbox is false", BOB, f"PUT {STUDY_THERE}", 400, BAD_QUERY, query={"inbox": "false"}),
    Case(
        "two sources",
        BOB,
        f"PUT {STUDY_THERE}",
        400,
        BAD_QUERY,
        query={"album": OTHER, "inbox": "true"},
        given=IN_OTHER,
    ),
    Case("not in the inbox", ALICE, f"PUT {STUDY_THERE}", 404, NO_STUDY, query=FROM_INBOX),
    Case(
        "not in the album",
        BOB,
        f"PUT /studies/9.9/albums/{ALBUM}",
        404,
        NO_STUDY,
        query=FROM_OTHER,
        given=IN_OTHER,
    ),
    Case(
        "source album of others",
        ALICE,
        f"PUT {STUDY_THERE}",
        404,
        NO_ALBUM,
        query=FROM_OTHER,
        given=IN_OTHER,
    ),
    Case(
        "no right to send",
        BOB,
        f"PUT {STUDY_THERE}",
        403,
        FORBIDDEN,
        query=FROM_OTHER,
        given=[*IN_OTHER, of_other(edit_album, flags={"send_series": False})],
    ),
    Case(
        "no right to add",
        BOB,
        f"PUT {STUDY_THERE}",
        403,
        FORBIDDEN,
        query=FROM_INBOX,
        given=flags(add_series=False),
    ),
    Case(
        "a source that is not there comes before no right to add",
        BOB,
        f"PUT {STUDY_THERE}",
        404,
        NO_ALBUM,
        query={"album": NOWHERE},
        given=flags(add_series=False),
    ),
    Case("no member", DAVE, f"PUT {STUDY_THERE}", 404, NO_ALBUM, query=FROM_INBOX),
    Case("no UID", BOB, f"PUT /studies/1.2.x/albums/{NOWHERE}", 400, BAD_QUERY, query=FROM_INBOX),
]

ADDING_SERIES = [
    Case("in the inbox", BOB, f"PUT {CT_THERE}", 201, events=[SeriesImported(STUDY, CT)]),
    Case("there already", ALICE, f"PUT {CT_THERE}", 201, given=held(CT)),
    Case("in the inbox of others", ALICE, f"PUT {CT_THERE}", 404, NO_SERIES),
    Case(
        "no right to add",
        BOB,
        f"PUT {CT_THERE}",
        403,
        FORBIDDEN,
        given=flags(add_series=False),
    ),
    Case("no member", DAVE, f"PUT {CT_THERE}", 404, NO_ALBUM),
    Case("query album of others", BOB, f"PUT {CT_THERE}", 404, NO_ALBUM, query={"album": NOWHERE}),
    Case(
        "query album of one's own",
        BOB,
        f"PUT {CT_THERE}",
        201,
        query={"album": ALBUM},
        events=[SeriesImported(STUDY, CT)],
    ),
    Case("no study UID", BOB, f"PUT /studies/x/series/{CT}/albums/{ALBUM}", 400, BAD_QUERY),
    Case("no series UID", BOB, f"PUT /studies/{STUDY}/series/01/albums/{ALBUM}", 400, BAD_QUERY),
]

REMOVING = [
    Case(
        "study",
        ALICE,
        f"DELETE {STUDY_THERE}",
        204,
        given=held(SR, CT),
        events=[StudyRemoved(STUDY, (CT, SR))],
    ),
    Case(
        "series",
        ALICE,
        f"DELETE {CT_THERE}",
        204,
        given=held(SR, CT),
        events=[SeriesRemoved(STUDY, CT)],
    ),
    Case(
        "plain member, allowed",
        BOB,
        f"DELETE {CT_THERE}",
        204,
        given=[*held(CT), *flags(delete_series=True)],
        events=[SeriesRemoved(STUDY, CT)],
    ),
    Case("study not there", ALICE, f"DELETE {STUDY_THERE}", 404, NO_SERIES),
    Case("series not there", ALICE, f"DELETE {CT_THERE}", 404, NO_SERIES, given=held(SR)),
    Case("no right to the study", BOB, f"DELETE {STUDY_THERE}", 403, FORBIDDEN, given=held(CT)),
    Case("no right to the series", BOB, f"DELETE {CT_THERE}", 403, FORBIDDEN, given=held(CT)),
    Case("no member, study", DAVE, f"DELETE {STUDY_THERE}", 404, NO_ALBUM, given=held(CT)),
    Case("no member, series", DAVE, f"DELETE {CT_THERE}", 404, NO_ALBUM, given=held(CT)),
    Case("no study UID", ALICE, f"DELETE /studies/1..2/albums/{NOWHERE}", 400, BAD_QUERY),
    Case(
        "no series UID",
        ALICE,
        f"DELETE /studies/{STUDY}/series/x/albums/{NOWHERE}",
        400,
        BAD_QUERY,
    ),
    Case(
        "study for good",
        ALICE,
        f"DELETE {STUDY_THERE}",
        403,
        FORBIDDEN,
        given=held(CT),
        headers={"Admin-Action": "permanent"},
    ),
    Case(
        "series for good",
        ALICE,
        f"DELETE {CT_THERE}",
        403,
        FORBIDDEN,
        given=held(CT),
        headers={"Admin-Action": "permanent"},
    ),
]


@pytest.mark.parametrize("case", each(ADDING_STUDIES))
def test_add_study(case: Case, world: World) -> None:
    """Adding a study is 201; it comes from one source, and takes rights at both ends."""
    check(case, world)


@pytest.mark.parametrize("case", each(ADDING_SERIES))
def test_add_series(case: Case, world: World) -> None:
    """Adding a series is 201; it takes the right to add, and a series that one may claim."""
    check(case, world)


@pytest.mark.parametrize("case", each(REMOVING))
def test_remove(case: Case, world: World) -> None:
    """Removing a study or a series is 204; it must be there, and takes the right."""
    check(case, world)
