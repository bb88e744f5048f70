"""Adding studies: DICOM files that are chosen or dropped, stored as those of STOW-RS are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import falcon
from attrs import asdict, frozen

from albumcore import Permission
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.access.images import upload_to
from albumcore_adapters.base.multipart import MalformedBody
from albumcore_adapters.http.accept import HTML, JSON, preferred
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.pages import form_with_files, page
from albumcore_adapters.http.ui.study_cards import Shelf
from albumcore_adapters.http.ui.templates import show
from albumcore_adapters.instances.outcomes import FailureReason, InstanceStored, Outcome
from albumcore_adapters.instances.received import InstanceStore
from albumcore_adapters.instances.storing import Storing

_LONGEST_NAME = 255  # characters
_MOST_FILES = 1000  # of one form; script sends each file by itself

_REASONS: Mapping[int, str] = {
    FailureReason.CONTRADICTS: "contradicts",
    FailureReason.PROCESSING_FAILURE: "unreadable",
    FailureReason.DUPLICATE: "duplicate",
    FailureReason.NOT_AUTHORIZED: "not_yours",
    FailureReason.OUT_OF_RESOURCES: "too_large",
    FailureReason.CANNOT_UNDERSTAND: "unreadable",
}
"""The key of the sentence for each reason; any other has that of an archive that refuses."""


@frozen
class UploadedFile:
    """What became of a file.

    Attributes:
        name: What the sender calls it.
        outcome: ``refused``, ``here`` (its bytes were stored before) or ``added``.
        text: What became of it, in one sentence; as text, not as HTML.
        url: The address of its study; None if it is refused.
    """

    name: str
    outcome: str
    text: str
    url: str | None


def upload_page(request: PageRequest, holdings: Holdings, store: InstanceStore) -> Response:
    """Show the form to add studies to an album, or to the inbox."""
    return _show(request, Shelf.of(request, holdings), store, ())


def upload_files(request: PageRequest, holdings: Holdings, store: InstanceStore) -> Response:
    """Store files in an album, or in the inbox, and say what became of each: as a page, or as JSON for script.

    Raises:
        falcon.HTTPBadRequest: the form is malformed, or breaks off; files before that are stored.
        falcon.HTTPContentTooLarge: it has too many files; those before are stored.
    """
    shelf = Shelf.of(request, holdings)
    upload = upload_to(store.access, request.signed_in.caller, shelf.album)
    names: list[str] = []
    with Storing(store, upload) as storing:
        try:
            for part in request.parts:
                if len(names) == _MOST_FILES:
                    storing.finish()
                    raise falcon.HTTPContentTooLarge(
                        description=f"a form has at most {_MOST_FILES} files"
                    )
                if part.file_name:
                    names.append(part.file_name[:_LONGEST_NAME])
                    storing.add(part.pieces(), names[-1])
        except MalformedBody as error:
            storing.finish()
            raise falcon.HTTPBadRequest(description=error.reason) from None
        outcomes = storing.finish()
    found = [_uploaded(shelf, *one) for one in zip(names, outcomes, strict=True)]
    if preferred(request.req, (HTML, JSON)) == JSON:
        return Response.json({"files": [asdict(one) for one in found]})
    return _show(request, shelf, store, found)


def _uploaded(shelf: Shelf, name: str, outcome: Outcome) -> UploadedFile:
    say = shelf.request.say
    if isinstance(outcome, InstanceStored):
        key = "added" if outcome.is_new else "here"
        url = shelf.url(f"/studies/{outcome.study_uid}")
        return UploadedFile(name, key, say(f"upload.file.{key}").unescape(), url)
    reason = _REASONS.get(outcome.reason, "archive")
    text = say(f"upload.reason.{reason}", detail=outcome.detail)
    return UploadedFile(name, "refused", text.unescape(), None)


_ORDER = ("refused", "here", "added")


def _show(
    request: PageRequest, shelf: Shelf, store: InstanceStore, files: Sequence[UploadedFile]
) -> Response:
    groups = {name: [one for one in files if one.outcome == name] for name in _ORDER}
    return show(
        request,
        "upload.html",
        shelf=shelf,
        groups=groups,
        total=len(files),
        largest=_size(store.max_instance),
    )


def _size(length: int) -> str:
    """A number of bytes in the largest unit that it is one or more of."""
    size, units = float(length), ["B", "kB", "MB", "GB"]
    while size >= 1024 and len(units) > 1:
        size, units = size / 1024, units[1:]
    return f"{size:g} {units[0]}" if size == int(size) else f"{size:.1f} {units[0]}"


ROUTES = (
    page(
        "/ui/albums/{album}/upload",
        upload_page,
        "Show the form to add studies to an album.",
        permission=Permission.ADD_SERIES,
    ),
    form_with_files(
        "/ui/albums/{album}/upload",
        upload_files,
        "Store DICOM files in an album.",
        permission=Permission.ADD_SERIES,
    ),
    page("/ui/inbox/upload", upload_page, "Show the form to add studies to the inbox."),
    form_with_files("/ui/inbox/upload", upload_files, "Store DICOM files in the inbox."),
)
