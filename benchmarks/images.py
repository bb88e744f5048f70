"""Images over HTTP: shown, taken in, and searched for; and what a worker holds in memory after all of that."""

from __future__ import annotations

import random

import orjson

from benchmarks.bare import write_answers, write_uploads
from benchmarks.bench import Bench
from benchmarks.figures import Taken
from benchmarks.history import CLINICS, STATIONS, VIEWERS
from benchmarks.load import UNIQUE, ApiRequest, load
from benchmarks.pages import NEWEST, PAGES, READER, asks_for
from benchmarks.rates import against, anew, answer, latencies
from benchmarks.service import bare, serving
from benchmarks.stores import PHOTOS, Store, nurse, photo_base64

ROOT = "/tscharts/v1/image"
STATE = b'{"v":1,"at":"2026-01-01T00:00:00.000000+00:00","by":"tscharts-1","data":{}}' + b" " * 200
"""What the bare server writes into its row: about as much as an event of ours."""


def _headers(store: Store) -> dict[str, str]:
    with store.opened() as service:
        return {"Authorization": nurse(service)}


def shown(bench: Bench) -> Taken:
    """Five hundred images in turns, each 100 KB of random bytes."""
    store = bench.store(bench.scale.middle)
    asks = showing(store)
    with serving(store.path) as ours:
        known = {ask.path: answer(ours, ask) for ask in asks}
        with bare(write_answers(bench.directory(), f"{ROOT}/{{key}}", known)) as other:
            return against(bench, ours, asks, other)


def showing(store: Store) -> list[ApiRequest]:
    """The requests for the images that have bytes."""
    headers = _headers(store)
    return [ApiRequest(f"{ROOT}/{image_id}/", headers) for image_id in store.photos]


def uploads(store: Store, number: int = PHOTOS) -> list[ApiRequest]:
    """Requests that each bring an image never seen before; of patients who have some."""
    headers = _headers(store) | {"Content-Type": "application/json"}
    chance = random.Random(0)
    asks = []
    for one in range(number):
        data = photo_base64(one)
        body = {
            "patient": chance.randint(1, store.patients),
            "clinic": chance.randint(1, CLINICS),
            "station": chance.randint(1, STATIONS),
            "type": "Xray",
            "data": f"{data[:80]}{UNIQUE}{data[80 + len(UNIQUE) :]}",
        }
        asks.append(ApiRequest(f"{ROOT}/", headers, orjson.dumps(body), "POST"))
    return asks


def taken_in(bench: Bench) -> Taken:
    """Uploads of eight clients, and the bare keeping of the same requests: file, sync, rename, row, sync."""
    store = bench.store(bench.scale.middle)
    asks = uploads(store)
    directory = write_uploads(bench.directory(), ROOT, STATE)
    with serving(store.path) as ours, bare(directory) as other:
        return against(bench, ours, asks, other, connections=8)


def searched(bench: Bench) -> Taken:
    """The images of a patient, fifty of them, by the number of images there are."""
    sides = {}
    for size in bench.scale.sizes[1:]:
        store = bench.store(size)
        headers = _headers(store)
        chance = random.Random(1)
        patients = [chance.randint(1, store.patients) for _ in range(1000)]
        asks = [anew(ApiRequest(f"{ROOT}/?patient={patient}", headers)) for patient in patients]
        sides[size] = (store.path, asks)
    return latencies(bench, sides)


def at_rest(bench: Bench) -> Taken:
    """The greatest worker of a server that has just started, on an empty directory."""
    rounds = []
    for _ in range(bench.scale.rounds):
        with serving(bench.directory()) as ours:
            rounds.append(max(ours.resident()))
    return Taken(rounds)


def resident(bench: Bench) -> Taken:
    """The greatest worker of a server that did all of this on the largest store."""
    store = bench.store(bench.scale.greatest)
    headers = _headers(store)
    pages = asks_for(store, VIEWERS, PAGES)
    comments = [
        ApiRequest(
            page.path.partition("/events")[0] + "/comments",
            {**page.headers, "Content-Type": "application/x-www-form-urlencoded"},
            b"comment=Seen+it",
            "POST",
        )
        for page in asks_for(store, VIEWERS, [NEWEST])
    ]
    searches = [
        ApiRequest(f"{ROOT}/?patient={random.Random(one).randint(1, store.patients)}", headers)
        for one in range(5000)
    ]
    seconds = bench.scale.turns * bench.scale.seconds
    details: dict[str, float] = {}
    with serving(store.path) as ours:
        details["at_start"] = round(max(ours.resident()), 1)
        for name, asks in (
            ("pages", asks_for(store, [READER], [NEWEST])),
            ("pages_of_many", pages),
            ("comments", comments),
            ("images", showing(store)),
            ("uploads", uploads(store)),
            ("searches", searches),
        ):
            bench.say(f"memory: {name}")
            load(ours.address, asks, seconds=seconds, connections=8)
            details[f"after_{name}"] = round(max(ours.resident()), 1)
        return Taken([max(ours.resident())], details=details)
