"""The page of one webhook: its deliveries, and delivering by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from albumcore import WebhookEvent, add_member, remove_study
from support.browser import signed_in
from support.kheops import ALBUM, ALICE, BOB, CAROL, DAVE
from support.pictured import CT_STUDY, MR_STUDY, TWO_FRAMES, store_pictures
from support.webhooks import HOOK, hooked

BOB_AT = "bob@example.org"
HERE = f"/ui/albums/{ALBUM}/webhooks/{HOOK}"


def test_the_deliveries_of_a_webhook_are_shown_with_their_attempts(tmp_path: Path) -> None:
    """The newest first; what was not sent yet says so."""
    with hooked(tmp_path / "data") as one:
        one.hook(WebhookEvent.NEW_USER)
        browser = signed_in(one.world, ALICE)
        browser.get(f"/ui/albums/{ALBUM}/webhooks")
        assert f'href="{HERE}"' in browser.page
        browser.get(HERE)
        assert "Nothing was sent yet." in browser.words
        one.act(add_member, DAVE)
        browser.get(HERE)
        assert "1 notification new members Dave to be delivered" in browser.words
        one.run()
        browser.get(HERE)
        assert "new members Dave deliveredAttempt 1, today," in browser.words
        assert ": status 200" in browser.words
        plain = signed_in(one.world, BOB)
        plain.get(f"/ui/albums/{ALBUM}")
        for answer in (plain.get(HERE), plain.post(f"{HERE}/trigger", user=CAROL)):
            assert answer.status_code == 403
        assert browser.get(f"{HERE[:-1]}x").status_code == 404


def test_a_webhook_that_does_not_answer_is_said_to_fail(tmp_path: Path) -> None:
    """With each attempt."""
    with hooked(tmp_path / "data") as one:
        one.hook(WebhookEvent.NEW_USER, url="http://127.0.0.1:9/")
        one.act(add_member, DAVE)
        one.run()
        browser = signed_in(one.world, ALICE)
        browser.get(HERE)
        assert "Dave not deliveredAttempt 1, today," in browser.words
        assert ": no answer" in browser.words


def test_a_study_and_a_member_are_delivered_by_hand(tmp_path: Path) -> None:
    """As the API does it: the study with all its series in the album. What is not there is refused."""
    with hooked(tmp_path / "data") as one:
        store_pictures(one.world)
        one.hook(enabled=False)
        browser = signed_in(one.world, ALICE)
        browser.get(HERE)
        for study in (CT_STUDY, MR_STUDY, TWO_FRAMES):
            assert f'<option value="{study}">' in browser.page
        browser.post(f"{HERE}/trigger", StudyInstanceUID=CT_STUDY)
        assert "The notification will be sent." in browser.words
        browser.post(f"{HERE}/trigger", user=BOB)
        assert "new members by hand Bob" in browser.words
        assert "new series by hand e+1, 1 series" in browser.words
        browser.post(f"{HERE}/trigger", StudyInstanceUID=MR_STUDY)
        assert "by hand a study of 26 August 2004 (MR), 1 series" in browser.words
        one.act(remove_study, MR_STUDY)
        browser.get(HERE)
        assert "by hand a study of 26 August 2004 (MR), 1 series" in browser.words
        bodies = one.bodies()
        assert [body["new_user"]["email"] for body in bodies if "new_user" in body] == [BOB_AT]
        studies = [body["updated_study"]["study_uid"] for body in bodies if "new_user" not in body]
        assert studies == [CT_STUDY, MR_STUDY]
        for form, status in (
            ({"StudyInstanceUID": "1.2.3"}, 400),
            ({"StudyInstanceUID": "no uid"}, 400),
            ({"user": DAVE}, 404),
            ({}, 400),
        ):
            browser.get(HERE)
            assert browser.post(f"{HERE}/trigger", **form).status_code == status
        assert one.bodies() == []


def test_many_deliveries_are_on_several_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each leads to the next and back."""
    monkeypatch.setattr("albumcore_adapters.http.ui.webhook.SHOWN_TRIGGERS", 1)
    with hooked(tmp_path / "data") as one:
        one.hook()
        browser = signed_in(one.world, ALICE)
        browser.get(HERE)
        for user in (BOB, CAROL):
            browser.post(f"{HERE}/trigger", user=user)
            browser.get(HERE)
        assert f'href="{HERE}?offset=1">Older' in browser.page
        assert "by hand Carol" in browser.words
        browser.get(f"{HERE}?offset=1")
        assert "by hand Bob" in browser.words
        assert f'action="{HERE}/trigger"' in browser.page
        assert f'href="{HERE}">Newer' in browser.page
        assert "Older" not in browser.words
