"""Requests that wait for events of a patient's image set."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlencode

from support.tscharts import ROOT, Api

EVENTS = f"{ROOT}/patient/1/events"
SOON = 20.0


def ask(api: Api, **query: str) -> Any:
    """The answer to a GET."""
    return api.request("GET", f"{EVENTS}?{urlencode(query)}")


def test_waiting(api: Api) -> None:
    """A request waits until an image is added."""
    cursor = ask(api).headers["x-next-cursor"]
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, api, after=cursor, wait="60")
        until = monotonic() + SOON
        while not api.service.log_watch._waiting:
            assert monotonic() < until
            sleep(0.005)
        one = api.upload().json["id"]
        [event] = asked.result(SOON).json
        assert (event["event"], event["image"]) == ("image_added", one)


def test_the_patient_is_gone_meanwhile(api: Api) -> None:
    """404 at once."""
    cursor = ask(api).headers["x-next-cursor"]
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, api, after=cursor, wait="60")
        until = monotonic() + SOON
        while not api.service.log_watch._waiting:
            assert monotonic() < until
            sleep(0.005)
        assert api.request("DELETE", f"{ROOT}/patient/1/").status_code == 200
        assert asked.result(SOON).status_code == 404
