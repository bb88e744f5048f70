"""Opening the blob storage that the settings name: a directory, or a bucket on S3."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from albumcore_adapters.base.data_directory import BLOBS_DIRECTORY
from albumcore_adapters.base.setting_declarations import SettingsError
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs.directory import DirectoryBlobs
from albumcore_adapters.blobs.port import Blobs


def open_blobs(settings: Settings, *, to_read: bool = False) -> Blobs:
    """Open the blob storage of the settings; by default, the folder ``blobs`` of the data directory.

    No request is sent to S3: the service starts while S3 is unavailable.

    Args:
        settings: The settings.
        to_read: Do not create a missing directory.

    Raises:
        SettingsError: the storage is on S3, and the extra ``s3`` is not installed or an ``AWS_*`` variable is invalid.
        OSError: the directory cannot be created.
    """
    if settings.blobs is None:
        return DirectoryBlobs(settings.data / BLOBS_DIRECTORY, makes=not to_read)
    address = urlsplit(settings.blobs)
    if address.scheme == "file":
        return DirectoryBlobs(Path(unquote(address.path)), makes=not to_read)
    try:
        from albumcore_adapters.blobs.s3 import open_s3
    except ModuleNotFoundError:
        raise SettingsError(
            "ALBUMCORE_BLOBS",
            "the extra `s3` to be installed for an `s3://` address: pip install 'albumcore[s3]'",
        ) from None
    drafts = settings.data if settings.data.is_dir() else None
    return open_s3(address.netloc, address.path.removeprefix("/"), drafts=drafts)
