"""Every example of the documentation's events page, and some of the upstream answers, field for field.

Each file of ``examples`` says what was given (people, studies, acts with their times), what is asked, and the
answer, with its fields in the order they must come in. ``is_admin`` and the like are as of the moment of asking,
so the acts go on until what an answer says of people is so.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

import albumcore
from albumcore import (
    DOCUMENTED,
    UPSTREAM,
    AlbumId,
    EntryKind,
    FeedQuery,
    Person,
    Source,
    album_stream,
    open_memory,
    render_feed,
)
from support.clock import Clock
from support.kheops import World, kwargs_of, open_world

COVERS = ("GET /albums/{album}/events",)

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.json"))
ALBUM = AlbumId("Q7bZ2mP0xT")
FORMS = {"documented": DOCUMENTED, "upstream": UPSTREAM}


def decision_named(word: str) -> Any:
    """The decision that an example calls by this word."""
    own = {"create", "delete", "edit", "leave"}
    return getattr(albumcore, f"{word}_album" if word in own else word)


def _given(world: World, given: dict[str, Any]) -> None:
    for person in given["people"]:
        world.service.people.register(**person)
    for study in given["studies"]:
        for series in study["series"]:
            world.store(
                {series["series_uid"]: None},
                study["study_uid"],
                description=study["description"],
                series_description=series.get("description"),
            )
    for act in given["acts"]:
        world.clock.now = datetime.fromisoformat(act["at"]).replace(tzinfo=UTC)
        world.clock.tick(-1)
        world.act(
            act["by"],
            decision_named(act["decide"]),
            album=ALBUM,
            capability_token=act.get("capability_token"),
            report_provider=act.get("report_provider"),
            **kwargs_of(act["with"]),
        )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(path: Path, tmp_path: Path) -> None:
    """The answer has every field of the example and no other, in its order, and its status and headers."""
    example = json.loads(path.read_text())
    world = open_world(tmp_path, example["compat"])
    _given(world, example["given"])
    address, _, query = example["when"]["get"].partition("?")
    token = world.token(example["when"]["viewer"])
    answer = world.client.simulate_get(
        address, query_string=query, headers={"Authorization": f"Bearer {token}"}
    )
    world.service.close()
    expected = example["then"]
    assert json.dumps(answer.json, indent=1) == json.dumps(expected["body"], indent=1)
    assert answer.status_code == expected["status"]
    assert (
        expected["headers"].items()
        <= {name.title(): value for name, value in answer.headers.items()}.items()
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_from_the_library_alone(path: Path) -> None:
    """The same entries come from a store and the names that an application has, without HTTP, as the same JSON."""
    example = json.loads(path.read_text())
    given, form = example["given"], FORMS[example["compat"]]
    people = {one["sub"]: Person(**one) for one in given["people"]}
    studies = {one["study_uid"]: one["description"] for one in given["studies"]}
    series = {
        one["series_uid"]: one.get("description")
        for study in given["studies"]
        for one in study["series"]
    }
    clock = Clock(step=timedelta(0))
    with open_memory(clock=clock) as store:
        for act in given["acts"]:
            clock.now = datetime.fromisoformat(act["at"]).replace(tzinfo=UTC)
            source = Source(act["by"], act.get("capability_token"), act.get("report_provider"))
            decision = decision_named(act["decide"])
            store.handle(album_stream(ALBUM), decision, source, **kwargs_of(act["with"]))
        address = urlsplit(example["when"]["get"])
        asked = dict(parse_qsl(address.query))
        kinds = frozenset({EntryKind(asked["types"])} if "types" in asked else EntryKind)
        query = FeedQuery(kinds, int(asked.get("limit", 100)), int(asked.get("offset", 0)))
        page = store.feed(ALBUM, example["when"]["viewer"], query)
        assert page.users <= people.keys()
        assert page.studies <= studies.keys()
        shown = render_feed(
            page,
            people,
            lambda study_uid, series_uids: studies.get(study_uid),
            lambda study_uid, series_uid: series.get(series_uid),
            form,
        )
    assert json.dumps(shown, indent=1) == json.dumps(example["then"]["body"], indent=1)


def test_examples_are_complete() -> None:
    """There is a file for each of the documentation's fifteen examples."""
    documented = [path for path in EXAMPLES if not path.stem.startswith("upstream")]
    assert len(documented) == 15
