"""``image/``: search, upload, and one image to show or delete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import falcon
import orjson

from albumcore import ImageAdded, add_image, remove_image
from albumcore.errors import ImageNotFound
from albumcore.ids import ImageId, PatientId
from albumcore.image_sets import Content, ImageType
from albumcore.image_sets.values import Encoding
from albumcore.index import ImageRow
from albumcore.kernel import RecordedEvent
from albumcore.streams import patient_stream
from albumcore_adapters.blobs import Blobs
from albumcore_adapters.blobs.media_types import sniff
from albumcore_adapters.blobs.text_encoding import decode_text, encode_json, is_base64_text
from albumcore_adapters.directory.ids import ids_exist
from albumcore_adapters.http.idempotency import IdempotencyKey
from albumcore_adapters.http.tscharts.records import id_in_path
from albumcore_adapters.http.tscharts.resource import Resource, not_found
from albumcore_adapters.http.tscharts.values import identifier
from albumcore_adapters.service import Service

_NEEDED = ("patient", "type", "data")
_NAMED = ("patient", "clinic", "station")
_FLAGS = {"": False, "false": False, "true": True}


def _bad(reason: str | None = None) -> falcon.HTTPBadRequest:
    # Where the documented API answers an empty body, there is no reason to give.
    return falcon.HTTPBadRequest(description=reason)


def _showing(service: Service, row: ImageRow, added: ImageAdded) -> Callable[[], bytes]:
    """What gives the answer that shows an image: its data char for char as they were sent."""
    shown = orjson.dumps(
        {
            "id": row.image_id,
            "patient": row.patient,
            "clinic": row.clinic,
            "station": row.station,
            "type": row.type,
        }
    )
    # Bytes may be long in coming, and nothing must be held meanwhile.
    return partial(_shown, service.blobs, shown[:-1] + b',"data":', added.content)


def _shown(blobs: Blobs, beginning: bytes, content: Content) -> bytes:
    data = encode_json(blobs.get(content.digest, content.length), content.encoding)
    # Nearly all of it is data: it is copied once, and not gone through again.
    return b"".join((beginning, *data, b"}"))


class Images(Resource):
    """``image/``: the search for images, and the upload of one."""

    def __init__(self, service: Service) -> None:
        super().__init__(
            service, {"GET": self._search, "POST": self._upload, "DELETE": self._refuse_delete}
        )
        self._documented = service.settings.compat == "documented"
        self.max_body = service.settings.max_upload

    # Search

    def _search(self, req: falcon.Request) -> Any:
        flags = {name: _FLAGS.get(req.get_param(name) or "") for name in ("sort", "newest")}
        if None in flags.values():
            raise _bad()
        given = {name: req.get_param(name) for name in _NAMED}
        ids = {name: _searched(name, value) for name, value in given.items() if value}
        if not ids_exist(self.service.database, ids):
            raise falcon.HTTPNotFound
        where: dict[str, Any] = {**ids}
        if kind := req.get_param("type"):
            where["type"] = _type(kind).value
        if self._documented and not ids:
            raise _bad("one of patient, clinic and station is needed")
        rows = self.service.albums.index.rows(ImageRow, where)
        if not rows:
            raise falcon.HTTPNotFound
        if flags["newest"]:
            newest = max(rows, key=_recency).image_id
            if self._documented:
                return [newest]
            return _showing(self.service, *self.service.albums.image(ImageId(newest)))
        if flags["sort"]:
            rows.sort(key=_recency, reverse=True)
        return [row.image_id for row in rows]

    # Upload

    def _upload(self, req: falcon.Request) -> Any:
        body, albums = self.body(req), self.service.albums
        key = IdempotencyKey.of(req, "tscharts", "POST image", req.context.source.user)
        command = None if key is None else key.command(body)
        if command is not None and (before := albums.done_before(command)):
            return _uploaded(before)
        if any(name not in body for name in _NEEDED):
            raise _bad()
        kind = _type(body["type"])
        try:
            ids = {name: identifier(body[name]) for name in _NAMED if name in body}
        except ValueError:
            raise _bad() from None
        data = body["data"]
        stored, encoding = self._decoded(data)
        if not ids_exist(self.service.database, ids):
            raise not_found()
        # The event refers to the bytes, so they are on the disk before it is recorded.
        digest = self.service.blobs.put(stored)
        content = Content(digest, len(stored), sniff(stored), encoding)
        added = albums.with_image_id(
            lambda image_id: albums.handle_once(
                command,
                patient_stream(PatientId(ids["patient"])),
                add_image,
                req.context.source,
                image_id,
                ids.get("clinic"),
                ids.get("station"),
                kind,
                content,
            )
        )
        return _uploaded(added)

    def _decoded(self, data: object) -> tuple[bytes, Encoding]:
        if not isinstance(data, str) or not data:
            raise _bad("data is not a text, or an empty one")
        stored, encoding = decode_text(data)
        if self._documented and encoding == "verbatim" and not is_base64_text(data):
            raise _bad("data is not base64")
        return stored, encoding

    def _refuse_delete(self, req: falcon.Request) -> Any:
        raise _bad()


class Image(Resource):
    """``image/<id>/``: one image."""

    def __init__(self, service: Service) -> None:
        super().__init__(service, {"GET": self._show, "DELETE": self._delete})

    def _show(self, req: falcon.Request, key: str) -> Callable[[], bytes]:
        image_id = ImageId(id_in_path(key))
        try:
            row, added = self.service.albums.image(image_id)
        except ImageNotFound:
            raise falcon.HTTPNotFound from None
        return _showing(self.service, row, added)

    def _delete(self, req: falcon.Request, key: str) -> Any:
        if not key:  # image//, which clients build from an empty id
            raise _bad()
        albums = self.service.albums
        row, _ = albums.image(ImageId(id_in_path(key)))
        albums.handle(
            patient_stream(PatientId(row.patient)),
            remove_image,
            req.context.source,
            ImageId(row.image_id),
        )
        return {}


def _uploaded(added: Sequence[RecordedEvent[Any]]) -> dict[str, int]:
    return {"id": added[0].event.image_id}


def _searched(name: str, value: str) -> int:
    try:
        return identifier(value)
    except ValueError:
        raise _bad(f"{name} is not an id") from None


def _type(value: object) -> ImageType:
    try:
        return ImageType(value)
    except ValueError:
        raise _bad() from None


def _recency(row: ImageRow) -> tuple[Any, ...]:
    # Two images of one moment: the one with the higher id was there later.
    return row.at, row.image_id
