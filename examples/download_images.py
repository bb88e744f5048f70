"""A study is stored, found and downloaded over HTTP, with a public client of DICOMweb."""

from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from threading import Thread
from urllib.request import Request, urlopen
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from zipfile import ZipFile

import numpy as np
import pydicom
from dicomweb_client import DICOMwebClient
from pydicom.data import get_testdata_file
from requests import Session

from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.app import create_app
from albumcore_adapters.identity.issuing import issue
from albumcore_adapters.service import open_service


def studies_of(client: DICOMwebClient, patient: str) -> list[str]:
    """The UIDs of a patient's studies that the token may see."""
    found = client.search_for_studies(search_filters={"PatientID": patient}, get_remaining=True)
    return [study["0020000D"]["Value"][0] for study in found]


def save_files(client: DICOMwebClient, study: str, folder: Path) -> None:
    """Save the files of a study; one at a time is in memory."""
    for dataset in client.iter_study(study):
        dataset.save_as(folder / f"{dataset.SOPInstanceUID}.dcm")


def save_archive(root: str, token: str, study: str, archive: Path) -> None:
    """Save the files of a study as one ZIP archive, with a DICOMDIR."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/zip"}
    request = Request(f"{root}/studies/{study}", headers=headers)
    with urlopen(request) as response, archive.open("wb") as file:
        copyfileobj(response, file)


def pixels_of(client: DICOMwebClient, study: str) -> np.ndarray:
    """The first frame of the first instance of a study, without its file."""
    header = client.retrieve_study_metadata(study)[0]
    instance = pydicom.Dataset.from_json(header, bulk_data_uri_handler=lambda _: b"")
    decoded = ("application/octet-stream", "1.2.840.10008.1.2.1")
    [frame] = client.retrieve_instance_frames(
        *(study, instance.SeriesInstanceUID, instance.SOPInstanceUID),
        frame_numbers=[1],
        media_types=(decoded,),
    )
    kind = "i" if instance.PixelRepresentation else "u"
    pixels = np.frombuffer(frame, f"<{kind}{instance.BitsAllocated // 8}")
    return pixels.reshape(instance.Rows, instance.Columns)


class Quiet(WSGIRequestHandler):
    """Logs no requests."""

    def log_message(self, *_: object) -> None:
        """Write nothing."""


if __name__ == "__main__":
    with TemporaryDirectory() as folder, WSGIServer(("127.0.0.1", 0), Quiet) as server:
        root = f"http://127.0.0.1:{server.server_port}"
        service = open_service(Settings(data=Path(folder), public_url=root, log_level="warning"))
        server.set_app(create_app(service))
        Thread(target=server.serve_forever).start()
        token = issue(service.auth, "alice", "alice@clinic.example", "Alice", 60)

        with Session() as session:
            session.headers["Authorization"] = f"Bearer {token}"
            client = DICOMwebClient(root, session=session)
            client.store_instances([pydicom.dcmread(str(get_testdata_file("CT_small.dcm")))])
            [study] = studies_of(client, "1CT1")
            save_files(client, study, Path(folder))
            save_archive(root, token, study, Path(folder) / "study.zip")
            print(len(list(Path(folder).glob("*.dcm"))), "file")
            with ZipFile(Path(folder) / "study.zip") as archive:
                print(archive.namelist())
            print(pixels_of(client, study).max())

        server.shutdown()
        service.close()
