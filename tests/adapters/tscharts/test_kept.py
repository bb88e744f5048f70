"""Answers that are kept: given again to whoever asks the same, until anything is written."""

from __future__ import annotations

import pytest

from albumcore import Albumcore
from albumcore.ids import ImageId
from albumcore_adapters.service import open_service
from support.tscharts import ROOT, Api

SHOWN = (f"{ROOT}/image/1/", f"{ROOT}/image/?patient=1", f"{ROOT}/patient/1/")


@pytest.fixture
def asked(api: Api) -> Api:
    """The API after all that is shown was asked for."""
    api.upload()
    assert [api.request("GET", path).status_code for path in SHOWN] == [200, 200, 200]
    return api


@pytest.mark.on_sqlite
def test_the_same_question_is_not_looked_up_again(
    asked: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes of an image are read, and nothing else."""
    before = [asked.request("GET", path).text for path in SHOWN]

    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(Albumcore, "image", fail)
    monkeypatch.setattr(type(asked.service.accounts), "by_token", fail)
    assert [asked.request("GET", path).text for path in SHOWN] == before


@pytest.mark.parametrize("path", SHOWN)
def test_nobody_is_given_what_another_may_see(asked: Api, path: str) -> None:
    """Whose token it is, is part of the question."""
    for headers in ({}, {"Authorization": f"Token {'0' * 40}"}):
        assert asked.request("GET", path, headers=headers).status_code == 401


@pytest.mark.parametrize("path", SHOWN)
def test_an_account_that_is_disabled_by_another_process(asked: Api, path: str) -> None:
    """It sees nothing any more, from that moment on."""
    other = open_service(asked.service.settings)
    other.accounts.disable("nurse")
    assert asked.request("GET", path).status_code == 401
    other.close()


def test_what_was_written_shows(asked: Api) -> None:
    """In searches, in what is deleted, and as soon as it is acknowledged."""
    assert asked.upload().json == {"id": 2}
    assert asked.request("GET", SHOWN[1]).json == [1, 2]
    asked.request("DELETE", SHOWN[0])
    assert asked.request("GET", SHOWN[0]).status_code == 404
    assert asked.request("GET", SHOWN[1]).json == [2]


def test_what_is_written_while_it_is_looked_up(asked: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is not kept: the next one who asks is told of it."""
    find = Albumcore.image

    def find_and_delete(albums: Albumcore, image_id: ImageId) -> object:
        found = find(albums, image_id)
        monkeypatch.undo()
        asked.request("DELETE", SHOWN[0])
        return found

    asked.upload()  # so that nothing is kept
    monkeypatch.setattr(Albumcore, "image", find_and_delete)
    assert asked.request("GET", SHOWN[0]).status_code == 200
    assert asked.request("GET", SHOWN[0]).status_code == 404
