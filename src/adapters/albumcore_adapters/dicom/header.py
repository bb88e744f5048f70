"""What the header of an instance says, for the catalogue and for retrieval."""

from __future__ import annotations

from attrs import field, frozen

from albumcore_adapters.dicom.pixel_places import PixelPlaces
from albumcore_adapters.directory.instances import InstanceRecord


@frozen
class Header:
    """What the header of an instance says.

    Attributes:
        record: The attributes that the catalogue stores.
        json: The whole data set as one object of the DICOM JSON Model, UTF-8; its links begin with
            `albumcore_adapters.dicom.links.LINK_ROOT` and then ``/studies/...``.
        transfer_syntax: TransferSyntaxUID, (0002,0010).
        pixels: The places of frames and bulk data; None if they have to be decoded.
    """

    record: InstanceRecord
    json: bytes = field(repr=False)
    transfer_syntax: str
    pixels: PixelPlaces | None
