"""The settings of an album, and its tokens."""

from __future__ import annotations

import re

import pytest

from albumcore import create_report_provider
from albumcore.ids import ReportProviderId
from support.browser import signed_in
from support.kheops import ALBUM, ALICE, BOB, World

HERE = f"/ui/albums/{ALBUM}"


def test_an_admin_changes_name_description_and_rights(world: World) -> None:
    """A box that is not ticked is off."""
    browser = signed_in(world, ALICE)
    browser.get(f"{HERE}/settings")
    assert f'value="{world.state().name}"' in browser.page
    browser.post(
        f"{HERE}/settings",
        name="Second opinions",
        description="",
        addUser=["true", "false"],
        writeComments=["false"],
        notificationNewSeries=["true", "false"],
    )
    assert "Saved." in browser.words
    shown = world.get(ALICE, f"/albums/{ALBUM}")
    found = {name: shown[name] for name in ("name", "description", "add_user", "write_comments")}
    assert found == {
        "name": "Second opinions",
        "description": "",
        "add_user": True,
        "write_comments": False,
    }
    assert shown["notification_new_series"]
    assert re.search(r'name="addUser" value="true" checked', browser.page)
    assert re.search(r'name="writeComments" value="true">', browser.page)


def test_a_refused_name_is_shown_again_with_the_reason(world: World) -> None:
    """Nothing is recorded."""
    browser, before = signed_in(world, ALICE), world.state()
    browser.get(f"{HERE}/settings")
    answer = browser.post(f"{HERE}/settings", name="", description="kept")
    assert answer.status_code == 400
    assert 'aria-describedby="name-about"' in browser.page
    assert ">kept</textarea>" in browser.page
    assert world.state() == before


def test_a_plain_member_changes_their_notifications_only(world: World) -> None:
    """The other fields are not on the page, and refused."""
    browser = signed_in(world, BOB)
    browser.get(f"{HERE}/settings")
    for absent in ('name="name"', 'name="addUser"', f'"{HERE}/delete"', f'"{HERE}/tokens"'):
        assert absent not in browser.page
    browser.post(f"{HERE}/settings", notificationNewComment="true")
    assert world.get(BOB, f"/albums/{ALBUM}")["notification_new_comment"]
    assert browser.post(f"{HERE}/settings", name="Mine").status_code == 403
    browser.get(f"{HERE}/settings")
    assert browser.post(f"{HERE}/delete").status_code == 403
    assert browser.get(f"{HERE}/tokens").status_code == 403


def test_an_album_is_deleted(world: World) -> None:
    """And the list of albums is shown."""
    browser = signed_in(world, ALICE)
    browser.get(f"{HERE}/settings")
    browser.post(f"{HERE}/delete")
    assert "My albums" in browser.words
    assert browser.get(HERE).status_code == 404


def test_a_favorite_is_set_on_the_page_of_the_album(world: World) -> None:
    """Which is shown again."""
    browser = signed_in(world, BOB)
    browser.get(HERE)
    browser.post(f"{HERE}/favorite", favorite="true", **{"from": "album"})
    assert "Timeline" in browser.words
    assert 'value="false" aria-pressed="true"' in browser.page


def test_a_token_is_shown_once_and_can_be_revoked(world: World) -> None:
    """Until then it reads the album; its times are those of the reader's time zone."""
    browser = signed_in(world, ALICE)
    browser.cookies["tz"] = "Europe/Zurich"
    browser.get(f"{HERE}/tokens")
    assert "No link yet" in browser.words
    assert f'data-dialog href="{HERE}/tokens/new"' in browser.page
    browser.get(f"{HERE}/tokens/new")
    [starts] = re.findall(r'name="not_before_time"[^>]* value="([^"]*)"', browser.page)
    assert starts == "2026-03-01T13:00"
    browser.post(
        f"{HERE}/tokens",
        title="Second opinion",
        read_permission="true",
        not_before_time=starts,
        expiration_time="2026-03-02T13:00",
    )
    assert "Copy it now" in browser.words
    [secret] = re.findall(r'id="secret" readonly value="(\w+)"', browser.page)
    assert f"/link/{secret}" in browser.page

    def read() -> int:
        headers = {"Authorization": f"Bearer {secret}"}
        return world.client.simulate_get(f"/albums/{ALBUM}", headers=headers).status_code

    browser.get(f"{HERE}/tokens")
    assert "not used yet" in browser.words
    assert read() == 200
    browser.get(f"{HERE}/tokens")
    assert "used today" in browser.words
    assert secret not in browser.page
    assert "ends Monday 2 March, 13:00" in browser.words
    [token] = re.findall(r'name="token" value="(\w+)"', browser.page)
    browser.post(f"{HERE}/tokens/revoke", token=token)
    assert "Revoked" in browser.words
    assert read() == 401
    assert browser.post(f"{HERE}/tokens/revoke", token="nothing").status_code == 404


def test_a_token_may_be_valid_to_the_end_of_the_calendar(world: World) -> None:
    """In every time zone, its page can be opened, and the token be revoked."""
    form = {
        "scope_type": "album",
        "album": ALBUM,
        "title": "For ever",
        "read_permission": "true",
        "not_before_time": "0001-01-01T00:00:00Z",
        "expiration_time": "9999-12-31T23:59:59Z",
    }
    assert world.request(ALICE, "POST", "/capabilities", form=form).status_code == 201
    browser = signed_in(world, ALICE)
    for zone in ("Pacific/Kiritimati", "America/New_York"):
        browser.cookies["tz"] = zone
        assert browser.get(f"{HERE}/tokens").status_code == 200
        assert "For ever" in browser.words


@pytest.mark.parametrize(
    ("form", "about"),
    [
        ({"title": ""}, "title-about"),
        ({"expiration_time": "soon"}, "expiration_time-about"),
        ({"expiration_time": "0001-01-01T00:00+14:00"}, "expiration_time-about"),
        ({"read_permission": "false", "download_permission": "true"}, "Not made"),
    ],
)
def test_a_refused_token_is_shown_again_with_the_reason(
    world: World, form: dict[str, str], about: str
) -> None:
    """Nothing is recorded."""
    browser, before = signed_in(world, ALICE), world.state()
    browser.get(f"{HERE}/tokens")
    given = {
        "title": "T",
        "read_permission": "true",
        "not_before_time": "",
        "expiration_time": "2026-03-08T12:00",
        **form,
    }
    assert browser.post(f"{HERE}/tokens", **given).status_code == 400
    assert about in browser.page
    assert f'name="title" required maxlength="255" value="{given["title"]}"' in browser.page
    assert world.state() == before


def test_a_webhook_is_made_changed_turned_off_and_deleted(world: World) -> None:
    """An empty secret leaves the one there is; a box removes it."""
    browser = signed_in(world, ALICE)
    browser.get(f"{HERE}/webhooks")
    browser.post(
        f"{HERE}/webhooks",
        name="PACS",
        url="https://pacs.example/hook",
        events="all",
        event=["new_series", "new_user"],
        secret="s",
    )
    assert "new series, new members" in browser.words
    [made] = set(re.findall(r'name="webhook" value="(\w+)"', browser.page))

    def shown() -> tuple[object, ...]:
        one = world.get(ALICE, f"/albums/{ALBUM}/webhooks/{made}")
        return one["name"], one["events"], one["enabled"], one["use_secret"]

    both = ["new_series", "new_user"]
    changed = {"webhook": made, "name": "PACS 2", "url": "https://pacs.example/2"}
    for form, expected in (
        ({"webhook": made, "enabled": "false"}, ("PACS", both, False, True)),
        ({**changed, "secret": "", "events": "all"}, ("PACS 2", [], False, True)),
        ({**changed, "without_secret": "true"}, ("PACS 2", [], False, False)),
    ):
        browser.post(f"{HERE}/webhooks/edit", **form)
        assert shown() == expected
    assert "Turn on" in browser.words
    assert browser.post(f"{HERE}/webhooks/edit", webhook=made, url="no").status_code == 400
    assert "The webhook was not saved." in browser.words
    browser.post(f"{HERE}/webhooks/delete", webhook=made)
    assert "PACS" not in browser.words
    assert browser.post(f"{HERE}/webhooks/delete", webhook=made).status_code == 404


def test_a_refused_webhook_is_shown_again_with_the_reason(world: World) -> None:
    """With what was written."""
    browser, before = signed_in(world, ALICE), world.state()
    browser.get(f"{HERE}/webhooks")
    browser.post(f"{HERE}/webhooks", name="PACS", url="no address", event="new_user", secret="")
    assert 'value="no address" aria-invalid="true"' in browser.page
    assert world.state() == before


def test_report_providers_are_listed_and_those_who_may_add_and_delete(world: World) -> None:
    """An address that is none is refused, with what was written; no request is sent to it."""
    provider = ReportProviderId("Reader0000000000000001")
    world.act(ALICE, create_report_provider, provider, "Second reader", "https://reader.example/m")
    plain = signed_in(world, BOB)
    plain.get(f"{HERE}/report-providers")
    assert "Second reader" in plain.words
    assert "<form" not in plain.page.split("<main")[1]
    assert plain.post(f"{HERE}/report-providers/delete", provider=provider).status_code == 403
    browser = signed_in(world, ALICE)
    browser.get(f"{HERE}/report-providers")
    answer = browser.post(f"{HERE}/report-providers", name="Third", url="no address")
    assert answer.status_code == 400
    assert 'value="no address" aria-invalid="true"' in browser.page
    form = {"provider": provider, "name": "Reader 2", "url": "https://reader.example/m"}
    browser.post(f"{HERE}/report-providers/edit", **form)  # the address is not fetched again
    assert "Reader 2" in browser.words
    answer = browser.post(f"{HERE}/report-providers/edit", **{**form, "url": "no address"})
    assert answer.status_code == 400
    assert "The report provider was not changed." in browser.words
    assert 'value="no address" aria-invalid="true"' in browser.page
    assert plain.post(f"{HERE}/report-providers/edit", **form).status_code == 403
    browser.get(f"{HERE}/report-providers")
    browser.post(f"{HERE}/report-providers/delete", provider=provider)
    assert browser.post(f"{HERE}/report-providers/edit", **form).status_code == 404
    browser.get(f"{HERE}/report-providers")
    assert "No report provider is connected." in browser.words


MINE = "/ui/settings/tokens"


def test_a_program_acts_as_the_reader_until_its_token_is_revoked(world: World) -> None:
    """The token is shown once, and is listed at the settings, not in an album."""
    browser = signed_in(world, BOB)
    browser.get("/ui/settings")
    assert "Bob" in browser.words
    assert f'href="{MINE}"' in browser.page
    browser.get(MINE)
    assert "No program acts as you" in browser.words
    browser.get(f"{MINE}/new")
    assert f'action="{MINE}"' in browser.page
    browser.post(MINE, title="My script", not_before_time="", expiration_time="2026-03-02T13:00")
    [secret] = re.findall(r'id="secret" readonly value="(\w+)"', browser.page)
    assert "/link/" not in browser.page

    def read() -> int:
        headers = {"Authorization": f"Bearer {secret}"}
        return world.client.simulate_get("/albums", headers=headers).status_code

    assert read() == 200
    assert f'href="{MINE}">I have copied it' in browser.page
    browser.get(MINE)
    assert f'href="{MINE}/new"' in browser.page
    assert f'action="{MINE}/revoke"' in browser.page
    assert "My script" in browser.words
    assert secret not in browser.page
    for other, path in ((ALICE, MINE), (ALICE, f"{HERE}/tokens")):
        elsewhere = signed_in(world, other)
        elsewhere.get(path)
        assert "My script" not in elsewhere.words
        [token] = re.findall(r'name="token" value="(\w+)"', browser.page)
        assert elsewhere.post(f"{MINE}/revoke", token=token).status_code == 404
    browser.get(MINE)
    browser.post(f"{MINE}/revoke", token=token)
    assert "Revoked" in browser.words
    assert read() == 401
    browser.post(MINE, title="", expiration_time="2026-03-02T13:00")
    assert "title-about" in browser.page


def test_the_settings_say_what_is_remembered_of_whom(world: World) -> None:
    """To those who are signed in; the others have settings of their browser."""
    about = ("Your account", "What is remembered of you", "How to be forgotten")
    browser = signed_in(world, BOB)
    browser.get("/ui/settings")
    assert all(one in browser.words for one in about)
    browser.cookies.clear()
    browser.get("/ui/settings")
    assert not any(one in browser.words for one in about)
