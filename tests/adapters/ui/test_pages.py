"""The rules of every page: sessions, forged requests, the policy, escaping, languages, addresses."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import pytest

from albumcore import post_comment
from albumcore_adapters.base.data_directory import DEMO_FILE
from albumcore_adapters.directory.forgetting import forget_person
from albumcore_adapters.http.ui.page_api import POLICY
from albumcore_adapters.http.ui.static_files import MEDIA_TYPES, static_path
from albumcore_adapters.http.ui.texts import LANGUAGES, texts_in
from albumcore_adapters.identity.issuing import end_all
from albumcore_adapters.identity.service_tokens import sign_in_code
from support.browser import Browser, signed_in
from support.kheops import ALBUM, ALICE, BOB, DAVE, NOWHERE, World, open_world

HERE = f"/ui/albums/{ALBUM}"


def test_the_root_leads_a_browser_to_the_pages(world: World) -> None:
    """Every other client finds nothing there, as before."""
    browser = Browser(world.client)
    assert browser.get("/").status_code == 200
    assert "Access token" in browser.words
    answer = world.client.simulate_get("/")
    assert answer.status_code == 404
    assert answer.json["message"] == "Not Found"


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("text/html,*/*", 303),
        ("text/html, */*;q=0.8", 303),
        ("Text/HTML,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 303),
        ("*/*", 404),
        ("application/json, text/html", 404),
        ("application/json, text/html;q=0.9, */*", 404),
        ("text/html;q=0.5, */*", 404),
        ("text/html;q=0, */*", 404),
    ],
)
def test_a_client_that_names_html_alone_is_a_browser(
    world: World, accept: str, status: int
) -> None:
    """Of what it likes as well, JSON included by ``*/*``."""
    assert world.client.simulate_get("/", headers={"Accept": accept}).status_code == status


def test_without_a_session_a_page_leads_to_the_sign_in_page_and_back(world: World) -> None:
    """The address that was asked for comes after signing in."""
    browser = Browser(world.client)
    browser.get(f"{HERE}?show=comments")
    assert f'name="back" value="{HERE}?show=comments"' in browser.page
    browser.post("/ui/sign-in", token=world.token(ALICE), back=f"{HERE}?show=comments")
    assert 'value="comments" aria-pressed="true"' in browser.page


def test_signing_in_leads_to_no_other_service(world: World) -> None:
    """An address of elsewhere is left out."""
    for back in (
        *("//evil.example/ui", "https://evil.example/ui", "/albums", "/ui\\@evil", "/ui\n"),
        *("//[", "/ui/\u00e9", "/ui/\u65e5", "ui"),
    ):
        browser = Browser(world.client)
        assert browser.get(f"/ui/sign-in?back={quote(back)}").status_code == 200
        assert 'name="back"' not in browser.page
        browser.post("/ui/sign-in", token=world.token(ALICE), back=back)
        assert "My albums" in browser.words


def test_a_token_that_is_not_of_a_person_is_refused_with_the_reason(world: World) -> None:
    """The form is shown again."""
    browser = Browser(world.client)
    browser.get("/ui/sign-in")
    assert browser.post("/ui/sign-in", token="nonsense").status_code == 401
    assert "This token is not accepted: the token is not a JWT." in browser.words
    assert not browser.cookies


def test_a_token_that_has_expired_is_refused_with_the_reason(world: World) -> None:
    """Within the leeway as well: its session would be over."""
    token = world.token(ALICE, 30)
    for seconds, status in ((29, 200), (1, 401), (1, 401)):
        world.clock.tick(seconds)
        browser = Browser(world.client)
        browser.get("/ui/sign-in")
        assert browser.post("/ui/sign-in", token=token).status_code == status
    assert "This token is not accepted: it has expired." in browser.words


def test_a_session_ends(world: World) -> None:
    """By signing out, by the end of its time, and by the revocation of the user's tokens."""
    for end in (
        lambda one: one.post("/ui/sign-out"),
        lambda one: world.clock.tick(12 * 3600),
        lambda one: end_all(world.service.auth, ALICE, world.clock.now),
    ):
        world.clock.tick(2)
        browser = signed_in(world, ALICE)
        kept = dict(browser.cookies)
        end(browser)
        browser.cookies = kept
        browser.get(HERE)
        assert "Access token" in browser.words


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(world: World) -> None:
    """And the database does not have it."""
    browser = Browser(world.client)
    answer = browser.ask("POST", "/ui/sign-in", f"token={world.token(ALICE)}")
    cookie = answer.headers["set-cookie"]
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax")
    with world.service.database.transaction(commit=False) as cursor:
        cursor.execute("SELECT * FROM directory_session")
        [row] = cursor.fetchall()
    assert browser.cookies["albumcore_session"] not in tuple(row[name] for name in row.keys())  # noqa: SIM118


def test_a_form_without_the_token_of_the_session_is_refused(world: World) -> None:
    """Nothing is recorded, whatever is missing."""
    browser = signed_in(world, ALICE)
    other = signed_in(world, ALICE)
    other.get(HERE)
    before = world.state()
    assert browser.ask("POST", f"{HERE}/comments", "comment=x").status_code == 403
    browser.page = other.page
    assert browser.post(f"{HERE}/comments", comment="x").status_code == 403
    assert "of another session" in browser.words
    browser.get(HERE)
    for header in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
    ):
        browser.headers = header
        assert browser.post(f"{HERE}/comments", comment="x").status_code == 403
        browser.headers = {}
        browser.get(HERE)
    assert world.state() == before


def test_every_answer_has_the_policy(world: World) -> None:
    """Pages, errors, redirects and files alike; there is nothing inline in the pages."""
    browser = signed_in(world, ALICE)
    paths = ["/ui", "/ui/sign-in", "/ui/albums", HERE, f"/ui/albums/{NOWHERE}", "/ui/nothing"]
    for path in [*paths, *(static_path("", name) for name in MEDIA_TYPES)]:
        answer = browser.ask("GET", path)
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        if path in paths:
            assert answer.headers["cache-control"] == "no-store"
            for inline in ("style=", "<style", "javascript:", " onclick", " onload", "hx-on"):
                assert inline not in answer.text


def test_names_and_comments_are_text(world: World) -> None:
    """Whatever they contain, they make no markup."""
    hostile = "<script>alert(1)</script>\"'{{ 7*7 }}{who}"
    world.act(ALICE, post_comment, hostile)
    world.request(ALICE, "PATCH", f"/albums/{ALBUM}", form={"name": hostile})
    browser = signed_in(world, BOB)
    for path in ("/ui/albums", HERE):
        browser.get(path)
        assert "<script>alert" not in browser.page
        assert hostile in browser.words


def test_the_language_is_that_of_the_cookie_else_of_the_browser(world: World) -> None:
    """English for all others."""
    browser = Browser(world.client)
    for accepted, cookie, language in (
        (None, None, "en"),
        ("es-MX,es;q=0.9,en;q=0.8", None, "es"),
        ("de, en;q=0.4, es;q=0.6", None, "es"),
        ("de", None, "en"),
        ("es;q=0, fr;q=x", None, "en"),
        ("es", "en", "en"),
        ("en", "es", "es"),
        ("en", "xx", "en"),
    ):
        browser.cookies = {} if cookie is None else {"lang": cookie}
        browser.get("/ui/sign-in", **({} if accepted is None else {"Accept-Language": accepted}))
        assert f'<html lang="{language}">' in browser.page


def test_every_language_has_the_same_texts_with_the_same_places() -> None:
    """So that no page fails in one of them."""
    import string

    def places(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    english, *others = (texts_in(language) for language in LANGUAGES)
    for other in others:
        assert other.texts.keys() == english.texts.keys()
        for key, text in english.texts.items():
            assert places(other.texts[key]) == places(text), key


def test_an_album_of_others_is_as_one_that_does_not_exist(world: World) -> None:
    """The page, and every form on it."""
    browser = signed_in(world, DAVE)
    browser.get("/ui/albums")
    answers = []
    for album in (ALBUM, NOWHERE, "x"):
        page = browser.get(f"/ui/albums/{album}")
        assert page.status_code == 404
        answers.append(page.text)
    assert len(set(answers)) == 1
    for act in ("comments", "favorite"):
        browser.get("/ui/albums")
        assert browser.post(f"{HERE}/{act}", comment="x").status_code == 404


def test_a_form_of_the_past_is_refused(world: World) -> None:
    """What was cannot be changed."""
    browser = signed_in(world, ALICE)
    browser.get(HERE)
    answer = browser.post(f"{HERE}/comments", comment="x", at="2026-03-01T12:00:00Z")
    assert answer.status_code == 409
    for at in ("2026-03-01T12:00:00Z", "2026-03-01T12:00"):
        browser.get(HERE)
        assert browser.post(f"{HERE}/comments?at={at}", comment="x").status_code == 409


def test_a_form_of_a_dialog_says_where_it_leads(world: World) -> None:
    """Its script would follow a redirect out of sight; a refused form is answered as every other."""
    browser = signed_in(world, ALICE)
    browser.get("/ui/new-album")
    [csrf] = set(re.findall(r'name="_csrf" value="(\w+)"', browser.page))
    headers = {"UI-Dialog": "true"}
    answer = browser.ask("POST", "/ui/albums", f"_csrf={csrf}&name=Made", headers)
    assert answer.status_code == 204
    browser.get(answer.headers["location"])
    assert "<h1>Made</h1>" in browser.page
    assert browser.ask("POST", "/ui/albums", f"_csrf={csrf}&name=", headers).status_code == 400


def test_the_reading_routes_of_the_api_answer_a_session(world: World) -> None:
    """With the same as a token; nothing can be changed there, and errors are as of the API."""
    browser = signed_in(world, BOB)
    answer = browser.ask("GET", f"/ui/data/albums/{ALBUM}", headers={"Accept": "*/*"})
    assert answer.json == world.get(BOB, f"/albums/{ALBUM}")
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = Browser(world.client).ask("GET", f"/ui/data/albums/{ALBUM}", headers={"Accept": "*/*"})
    assert again.status_code == 401
    assert set(again.json) == {"message", "detail", "help"}
    assert browser.ask("POST", "/ui/data/albums", "name=x").status_code == 405


def test_static_files_are_cached_by_their_content(world: World) -> None:
    """An address with another digest leads nowhere."""
    for name, media_type in MEDIA_TYPES.items():
        path = static_path("", name)
        answer = world.client.simulate_get(path)
        assert answer.headers["content-type"] == media_type
        assert "immutable" in answer.headers["cache-control"]
        packed = world.client.simulate_get(path, headers={"Accept-Encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert len(packed.content) < len(answer.content)
        assert world.client.simulate_get(f"/ui/static/0/{name}").status_code == 404
    assert world.client.simulate_get("/ui/static/0/other.js").status_code == 404


def test_the_footer_leads_to_the_reference_under_the_prefix_that_was_asked_under(
    tmp_path: Path,
) -> None:
    """A proxy may pass on that prefix alone: the page and what it loads are there as well."""
    world = open_world(tmp_path, kheops_prefix="/api")
    for prefix in ("", "/api"):
        browser = Browser(world.client)
        browser.get(f"{prefix}/ui/sign-in")
        assert f'<a href="{prefix}/docs">API</a>' in browser.page
        assert browser.get(f"{prefix}/docs").status_code == 200
        led = re.findall(r'(?:src|href)="(/[^"]*)"', browser.page)
        assert [path.startswith(f"{prefix}/docs/") for path in led] == [True, True, False]
        assert led[2] == f"{prefix}/openapi.json"
        assert [world.client.simulate_get(path).status_code for path in led] == [200] * 3
    world.service.close()


def test_a_link_signs_in_once_within_five_minutes(world: World) -> None:
    """As a user, and as the account that its code names."""
    service = world.service
    account = service.accounts.add("front-desk", "secret")

    def link(sub: str = ALICE, name: str | None = "front-desk") -> str:
        number = service.make_id(22)
        code = sign_in_code(service.auth.issuer, sub, name, number, world.clock.now)
        return f"/ui/sign-in?code={code}"

    first, late = link(), link()
    browser = Browser(world.client)
    browser.get(first)
    assert "My albums" in browser.words
    assert "Patients" in browser.words
    for path in (first, link("sub-unknown"), "/ui/sign-in?code=x"):
        other = Browser(world.client)
        assert other.get(path).status_code == 401
        assert "This link was used before" in other.words
        assert not other.cookies
    world.clock.tick(301)
    assert Browser(world.client).get(late).status_code == 401
    service.accounts.disable("front-desk")
    browser.get("/ui/albums")
    assert "Patients" not in browser.words
    browser = Browser(world.client)
    browser.get(link())
    assert browser.cookies.keys() == {"albumcore_session"}
    assert account.user not in browser.page


def test_the_link_of_the_demo_is_told_of_where_the_demo_is(world: World) -> None:
    """Any other service prints none."""
    browser = Browser(world.client)
    browser.get("/ui/sign-in")
    assert "--demo" not in browser.words
    (world.service.settings.data / DEMO_FILE).touch()
    browser.get("/ui/sign-in")
    assert "The link that albumcore serve --demo prints signs you in" in browser.words


def test_forgetting_a_person_ends_their_sessions(world: World) -> None:
    """And what they looked at is forgotten."""
    browser = signed_in(world, BOB)
    browser.get(HERE)
    with world.service.database.transaction(commit=True) as cursor:
        forget_person(cursor, world.user(BOB))
    with world.service.database.transaction(commit=False) as cursor:
        for table in ("directory_session", "directory_album_look"):
            cursor.execute(f"SELECT count(*) AS number FROM {table}")
            assert cursor.fetchall()[0]["number"] == 0
    browser.get(HERE)
    assert "Access token" in browser.words
