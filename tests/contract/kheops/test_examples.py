"""Every example of the documentation's events page, and some of the upstream answers, field for field.

Each file of ``examples`` says what was given (people, studies, acts with their times), what is asked, and the
answer, with its fields in the order they must come in. ``is_admin`` and the like are as of the moment of asking,
so the acts go on until what an answer says of people is so.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from albumcore import Album
from albumcore.ids import AlbumId
from support.kheops import World, kwargs_of, open_world

COVERS = ("GET /albums/{album}/events",)

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.json"))
ALBUM = AlbumId("Q7bZ2mP0xT")


def _given(world: World, given: dict[str, Any]) -> None:
    for person in given["people"]:
        world.deployment.people.register(**person)
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
            getattr(Album, act["decide"]),
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
    world.deployment.close()
    expected = example["then"]
    assert json.dumps(answer.json, indent=1) == json.dumps(expected["body"], indent=1)
    assert answer.status_code == expected["status"]
    assert (
        expected["headers"].items()
        <= {name.title(): value for name, value in answer.headers.items()}.items()
    )


def test_examples_are_complete() -> None:
    """There is a file for each of the documentation's fifteen examples."""
    documented = [path for path in EXAMPLES if not path.stem.startswith("upstream")]
    assert len(documented) == 15
