"""The service with its images on S3, as gunicorn runs it."""

from __future__ import annotations

import base64
import os
import threading
from pathlib import Path

import httpx
import pytest

from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.instance_blobs import instance_blobs
from albumcore_adapters.service import open_service
from support.s3 import reached, serving_s3
from support.server import serving
from support.tscharts import ROOT, opened

CLIENTS = 8


def test_workers_keep_images_on_s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers serve and verify the images of the demo, which were stored before the fork."""
    data = tmp_path / "data"
    with opened(data, {"patients": [1], "clinics": [1], "stations": [1]}) as api:
        headers = {"Authorization": f"Token {api.token}"}
    with serving_s3() as s3, reached(s3.address):
        bucket = s3.bucket()
        monkeypatch.setenv("ALBUMCORE_BLOBS", f"s3://{bucket}/albums")
        came_back: list[bool] = []
        with serving(data, "--demo", workers=2) as server:

            def upload_and_look(number: int) -> None:
                body = {"type": "Xray", "clinic": 1, "station": 1, "patient": 1}
                sent = base64.b64encode(b"image %d" % number).decode()
                with httpx.Client(base_url=server.address, headers=headers, timeout=60) as client:
                    posted = client.post(f"{ROOT}/image/", json={**body, "data": sent})
                    shown = client.get(f"{ROOT}/image/{posted.json()['id']}/")
                came_back.append(shown.json()["data"] == sent)

            threads = [
                threading.Thread(target=upload_and_look, args=(number,))
                for number in range(CLIENTS)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert came_back == [True] * CLIENTS
        service = open_service(Settings.from_environment(os.environ, data=data))
        try:
            instances = len(list(instance_blobs(service.database)))
            assert instances
            assert len(s3.keys(bucket)) == CLIENTS + 4 + instances  # the demo has four images
            assert service.albums.verify(service.image_bytes.check) == []
        finally:
            service.close()
