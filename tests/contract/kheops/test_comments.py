"""Posting comments: what the route answers and records, case by case (Kheops API 7.2)."""

from __future__ import annotations

import pytest

from albumcore import CommentPosted
from support.kheops import ALBUM, BOB, CAROL, DAVE, NOBODY, World, email_of
from support.kheops_cases import BAD_FORM, FORBIDDEN, NO_ALBUM, NO_USER, Case, check, each, flags

COVERS = ("POST /albums/{album}/comments",)

COMMENTS = f"/albums/{ALBUM}/comments"

COMMENTING = [
    Case(
        "public",
        BOB,
        f"POST {COMMENTS}",
        204,
        form={"comment": " a\nb "},
        events=[CommentPosted(" a\nb ")],
    ),
    Case(
        "private",
        BOB,
        f"POST {COMMENTS}",
        204,
        form={"comment": "x", "to_user": email_of(CAROL)},
        events=[CommentPosted("x", CAROL)],
    ),
    Case(
        "to oneself",
        BOB,
        f"POST {COMMENTS}",
        204,
        form={"comment": "x", "to_user": BOB},
        events=[CommentPosted("x", BOB)],
    ),
    Case(
        "longest",
        BOB,
        f"POST {COMMENTS}",
        204,
        form={"comment": "é" * 1024},
        events=[CommentPosted("é" * 1024)],
    ),
    Case("too long", BOB, f"POST {COMMENTS}", 400, BAD_FORM, form={"comment": "x" * 1025}),
    Case("empty", BOB, f"POST {COMMENTS}", 400, BAD_FORM, form={"comment": ""}),
    Case("missing", BOB, f"POST {COMMENTS}", 400, BAD_FORM, form={"comments": "x"}),
    Case("no body", BOB, f"POST {COMMENTS}", 400, BAD_FORM),
    Case("NUL", BOB, f"POST {COMMENTS}", 400, BAD_FORM, form={"comment": "\0"}),
    Case(
        "to unknown user",
        BOB,
        f"POST {COMMENTS}",
        404,
        NO_USER,
        form={"comment": "x", "to_user": NOBODY},
    ),
    Case("to nobody", BOB, f"POST {COMMENTS}", 404, NO_USER, form={"comment": "x", "to_user": ""}),
    Case(
        "to stranger",
        BOB,
        f"POST {COMMENTS}",
        404,
        "Not a member",
        form={"comment": "x", "to_user": DAVE},
    ),
    Case(
        "empty comes before unknown user",
        BOB,
        f"POST {COMMENTS}",
        400,
        BAD_FORM,
        form={"comment": "", "to_user": NOBODY},
    ),
    Case(
        "no right comes before empty",
        BOB,
        f"POST {COMMENTS}",
        403,
        FORBIDDEN,
        form={"comment": ""},
        given=flags(write_comments=False),
    ),
    Case("no member comes before empty", DAVE, f"POST {COMMENTS}", 404, NO_ALBUM),
]


@pytest.mark.parametrize("case", each(COMMENTING))
def test_post_comment(case: Case, world: World) -> None:
    """A comment is 204; text, right and target must be sound."""
    check(case, world)
