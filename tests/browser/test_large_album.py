"""A large album in the browser: a tenth of 500 studies and 100,000 events, and all of them in the deep run.

This is no measurement, which the rows `ui-first-paint` and `ui-slider` of the benchmarks are: on a busy machine too, it
finds what grows with the album.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from albumcore import Source, album_stream, create_album, import_study, post_comment, utc_now
from albumcore.ids import AlbumId, SeriesUID, StudyUID
from albumcore_adapters.directory.instances import InstanceRecord
from albumcore_adapters.identity.jwt import issue_token
from support.chromium import Chromium, signed_in_by_token
from support.deep import at_length
from support.server import opened, serving, user_of

STUDIES = at_length(500, 50)
EVENTS = at_length(100_000, 10_000)
FIRST_PAINT = 10_000  # milliseconds
SLIDER = 10_000  # milliseconds

_ALBUM = AlbumId("LargeAlbum")
_UID = "1.2.826.0.1.3680043.10.779"
_PAINTED = """() => new Promise((done) => {
  const seen = (list) => list.getEntriesByName("first-contentful-paint").forEach((one) => done(one.startTime));
  new PerformanceObserver(seen).observe({type: "paint", buffered: true});
})"""


@pytest.fixture(scope="module")
def large(engine: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """An album with that many studies and events, and Ann, who made it."""
    data = tmp_path_factory.mktemp("large") / "data"
    with opened(data) as service:
        service.people.register("ann", "ann@clinic.example", "Ann")
        ann, stream = Source(user_of(service, "ann")), album_stream(_ALBUM)
        service.albums.handle(stream, create_album, ann, "Knees")
        for number in range(STUDIES):
            study, series = StudyUID(f"{_UID}.{number}"), SeriesUID(f"{_UID}.{number}.1")
            about = {"00081030": {"vr": "LO", "Value": [f"Knee {number}"]}}
            record = InstanceRecord(study, series, f"{series}.1", about, {}, {})
            service.catalogue.store([record])
            service.albums.handle(stream, import_study, ann, study, [series])
        for number in range(EVENTS - STUDIES - 1):
            service.albums.handle(stream, post_comment, ann, f"Comment {number}")
        token = issue_token(service.secret, "ann", "ann@clinic.example", "Ann", 3600, utc_now())
    with serving(data, workers=1) as server:
        yield signed_in_by_token(engine, server.address, token, {"album": _ALBUM})


def test_it_is_shown_soon(large: Chromium) -> None:
    """And moved to any moment soon, of which it has a bounded number of stops."""
    with large.window() as window:
        page = window.open("/ui/albums/{album}")
        assert page.evaluate(_PAINTED) < FIRST_PAINT
        assert page.locator("#stops option").count() <= 500
        slider = page.get_by_role("slider")
        slider.focus()
        for _ in range(3):
            before = page.url
            with page.expect_response("**/ui/albums/*at=*", timeout=SLIDER):
                page.keyboard.press("PageDown")
            page.wait_for_selector("#past-then:not([inert])", timeout=SLIDER)
            expect(page).not_to_have_url(before)
