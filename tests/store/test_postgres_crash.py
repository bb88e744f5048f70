"""What a crash of PostgreSQL loses: the last numbers assigned, which are not synced."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import psycopg
import pytest

from albumcore import Albumcore, Content, ImageType, add_image
from albumcore.errors import IdTaken
from albumcore.ids import ImageId, PatientId
from albumcore.streams import patient_stream
from albumcore_adapters.store import open_postgres
from support.given import ALICE
from support.postgres import PostgresServer, new_server

TIMES = 10
CONTENT = Content("0f" * 32, 1, "image/png")


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of this test's own, which is in no hurry to write its log."""
    started = new_server()
    started.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
    started.execute("SELECT pg_reload_conf()")
    yield started
    started.stop()


def crash(server: PostgresServer) -> None:
    """Kill a process of the server, which has all of them start again from what is on the disk."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        os.kill(connection.info.backend_pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    server.wait_until_it_answers()


def test_an_image_id_that_a_crash_forgot(server: PostgresServer) -> None:
    """It is given again; the first who uses it has it, and the other takes the next."""
    with open_postgres(server.url(server.create())) as app:
        for _ in range(TIMES):
            under_way = app.next_image_id()
            crash(server)
            if app.next_image_id() <= under_way:
                break
        else:
            pytest.fail(f"none of {TIMES} crashes forgot a number")
        _add(app, 1, under_way)
        with pytest.raises(IdTaken):
            _add(app, 2, under_way)
        added = app.with_image_id(lambda image_id: _add(app, 2, image_id))
        assert added > under_way
        assert app.verify() == []


def _add(app: Albumcore, patient: int, image_id: ImageId) -> ImageId:
    stream = patient_stream(PatientId(patient))
    app.handle(stream, add_image, ALICE, image_id, 1, 1, ImageType.XRAY, CONTENT)
    return image_id
