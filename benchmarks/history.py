"""The histories that are measured: an album of any number of events, and image sets of any number of images.

Whatever its size, an album ends in the same newest events, to the byte, so that a page of it is the same page.
Half of its events are private comments among a few members, the whisperers; one of them, the insider, has a part
in nine of ten of those. The number of studies is bounded: series come and go.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from attrs import define, field

from albumcore import (
    AdminDemoted,
    Album,
    AlbumCreated,
    AlbumEdited,
    CapabilityTokenIssued,
    CommentPosted,
    Event,
    FavoriteAdded,
    FavoriteRemoved,
    ImageAdded,
    MemberAdded,
    MemberPromoted,
    ReportAdded,
    ReportProviderCreated,
    ReportProviderEdited,
    SeriesImported,
    SeriesRemoved,
    StudyImported,
    StudyRemoved,
)
from albumcore.albums import MemberFlags
from albumcore.ids import (
    AlbumId,
    CapabilityTokenId,
    ImageId,
    ReportProviderId,
    SeriesUID,
    StudyUID,
    UserId,
)
from albumcore.image_sets import Content, ImageType
from albumcore.kernel import Act, Source
from albumcore.user_tokens import Grants

ALBUM = AlbumId("BenchAlbum")
END = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(seconds=30)
NEWEST = 60
"""Events at the end that are the same in an album of any size."""
LEAST = 100
"""Events of the smallest album there is."""


def _sub(number: int) -> UserId:
    return UserId(str(UUID(int=0x6B1F_0000_4000_8000_0000_0000_0000_0000 + number)))


VIEWERS = tuple(_sub(number) for number in range(50))
"""Members who see nothing private. The first made the album; the last does what is rare, and nothing else."""
WHISPERERS = tuple(_sub(100 + number) for number in range(10))
INSIDER = WHISPERERS[0]
OWNER, RARE_USER, BUSY_USER, TURNING = VIEWERS[0], VIEWERS[9], VIEWERS[1], VIEWERS[2]
SERIES_OF_A_STUDY = 12
STUDIES = 300
RARE_TIMES = 40
"""How often what is rare happens, at most."""

_UID = "1.2.826.0.1.3680043.10.777"
RARE_PROVIDER, BUSY_PROVIDER = ReportProviderId("provRare01"), ReportProviderId("provBusy01")
RARE_TOKEN, BUSY_TOKEN = CapabilityTokenId("tokenRare1"), CapabilityTokenId("tokenBusy1")

_WORDS = re.findall(
    r"\w+",
    "the lesion of the left upper lobe looks stable compare with the series of last spring please have a look at "
    "slice forty two before the meeting no change since the first study contrast was given late thank you",
)


def study(number: int) -> StudyUID:
    """One of the studies that come and go; 0 is the rare one."""
    return StudyUID(f"{_UID}.{number}")


def series(number: int, part: int) -> SeriesUID:
    """One of the series of a study."""
    return SeriesUID(f"{_UID}.{number}.{part}")


BUSY_STUDY, RARE_STUDY, RARE_SERIES, BUSY_SERIES = study(10), study(0), series(0, 0), series(10, 0)


@define
class Tally:
    """Our own count of what members see, kept beside the events as they are made."""

    public: Counter[str] = field(factory=Counter)
    private: Counter[UserId] = field(factory=Counter)

    def note(self, act: Act, event: Event[Album]) -> None:
        """Count one event: what is private for those it is between, tokens for nobody."""
        match event:
            case CommentPosted(target=None):
                self.public["comments"] += 1
            case CommentPosted(target=target) if target is not None:
                self.private.update({act.user, target})
            case CapabilityTokenIssued():
                pass
            case _:
                self.public["mutations"] += 1

    def seen_by(self, member: UserId) -> int:
        """How much a member sees in all."""
        return self.public.total() + self.private[member]


@define
class _Maker:
    """Makes one event after another, each possible after those before."""

    random: random.Random
    viewers: tuple[UserId, ...]
    whisperers: tuple[UserId, ...]
    first_study: int
    last_study: int
    there: dict[int, list[int]] = field(factory=dict)
    flip: bool = False

    def one(self) -> tuple[Source, Event[Album]]:
        [make] = self.random.choices(_MAKES, _WEIGHTS)
        return make(self)

    def text(self) -> str:
        return " ".join(self.random.choices(_WORDS, k=self.random.randint(5, 20)))

    def source(self) -> Source:
        user = self.random.choice(self.viewers)
        return Source(user, BUSY_TOKEN if self.random.random() < 0.1 else None)

    def whisper(self) -> tuple[Source, Event[Album]]:
        author, target = self.random.sample(self.whisperers[1:], 2)
        if self.random.random() < 0.9:
            author, target = self.random.sample((self.whisperers[0], author), 2)
        return Source(author), CommentPosted(self.text(), target)

    def say(self) -> tuple[Source, Event[Album]]:
        return Source(self.random.choice(self.viewers)), CommentPosted(self.text())

    def turn_series(self) -> tuple[Source, Event[Album]]:
        """Bring a series in, or take it out where it is in."""
        number = self._study()
        part = self.random.randrange(SERIES_OF_A_STUDY)
        parts = self.there.setdefault(number, [])
        if part in parts:
            parts.remove(part)
            return self.source(), SeriesRemoved(study(number), series(number, part))
        parts.append(part)
        return self.source(), SeriesImported(study(number), series(number, part))

    def turn_study(self) -> tuple[Source, Event[Album]]:
        """Bring series of a study in, or take the study out where it is in."""
        number = self._study()
        parts = self.there.setdefault(number, [])
        if parts:
            gone = tuple(series(number, part) for part in parts)
            parts.clear()
            return self.source(), StudyRemoved(study(number), gone)
        parts.extend((0, 1, 2))
        came = tuple(series(number, part) for part in parts)
        return self.source(), StudyImported(study(number), came)

    def favor(self) -> tuple[Source, Event[Album]]:
        """Choose a favourite, or choose it no more."""
        number = self._study()
        if not (parts := self.there.get(number)):
            return self.say()
        self.flip = not self.flip
        kind = FavoriteAdded if self.flip else FavoriteRemoved
        return self.source(), kind(study(number), (series(number, parts[0]),))

    def edit(self) -> tuple[Source, Event[Album]]:
        return Source(OWNER), AlbumEdited(description=self.text())

    def turn_right(self) -> tuple[Source, Event[Album]]:
        """Promote a member, or demote him where he is promoted."""
        self.flip = not self.flip
        kind = MemberPromoted if self.flip else AdminDemoted
        return Source(OWNER), kind(TURNING)

    def rename_provider(self) -> tuple[Source, Event[Album]]:
        url = "https://busy.example/config"
        return Source(OWNER), ReportProviderEdited(BUSY_PROVIDER, self.text()[:60], url)

    def _study(self) -> int:
        if self.random.random() < 0.1:
            return self.first_study
        return self.random.randint(self.first_study, self.last_study)


_MIX: tuple[tuple[float, Callable[[_Maker], tuple[Source, Event[Album]]]], ...] = (
    (50, _Maker.whisper),
    (22, _Maker.say),
    (18, _Maker.turn_series),
    (3, _Maker.turn_study),
    (2.5, _Maker.favor),
    (1, _Maker.edit),
    (0.5, _Maker.turn_right),
    (3, _Maker.rename_provider),
)
"""What happens in an album, and how often, in percent."""
_WEIGHTS = [weight for weight, _ in _MIX]
_MAKES = [make for _, make in _MIX]


def album_history(size: int) -> Iterator[tuple[Act, Event[Album]]]:
    """The events of an album of that many, oldest first, one every half minute until the end of 2025."""
    for number, (source, event) in enumerate(_album_history(size), 1):
        yield Act(source, END - (size - number) * STEP), event


def _album_history(size: int) -> Iterator[tuple[Source, Event[Album]]]:
    assert size >= LEAST
    is_small = size < 1000
    viewers = VIEWERS[:10] if is_small else VIEWERS
    whisperers = WHISPERERS[:3] if is_small else WHISPERERS
    opening = list(_opening((*viewers, *whisperers)))
    yield from opening
    busy = tuple(one for one in viewers if one != RARE_USER)
    middle = _Maker(random.Random(size), busy, whisperers, 10, 10 + STUDIES - 1)
    left = size - len(opening) - NEWEST
    rare = max(1, left // RARE_TIMES)
    times = 0
    for number in range(left):
        if number % rare == 0 and times < RARE_TIMES:
            yield _rare(times)
            times += 1
        else:
            yield middle.one()
    newest = _Maker(random.Random(1), busy[:9], whisperers[:3], 1, 4)
    for _ in range(NEWEST):
        yield newest.one()


def _opening(members: tuple[UserId, ...]) -> Iterator[tuple[Source, Event[Album]]]:
    owner = Source(OWNER)
    yield owner, AlbumCreated("A trial", "What it is about", MemberFlags())
    for member in members[1:]:
        yield owner, MemberAdded(member)
    for provider in (RARE_PROVIDER, BUSY_PROVIDER):
        url = "https://provider.example/config"
        yield owner, ReportProviderCreated(provider, provider, url)
    for token in (RARE_TOKEN, BUSY_TOKEN):
        digest = hashlib.sha256(token.encode()).hexdigest()
        grants = Grants(read=True, write=True)
        until = END + timedelta(days=3650)
        yield owner, CapabilityTokenIssued(token, digest, token, END, until, grants)


def _rare(times: int) -> tuple[Source, Event[Album]]:
    """A report comes in through the rare provider, or goes again through the rare token."""
    if times % 2:
        return Source(RARE_USER, RARE_TOKEN), SeriesRemoved(RARE_STUDY, RARE_SERIES)
    source = Source(RARE_USER, report_provider=RARE_PROVIDER)
    return source, ReportAdded(RARE_STUDY, RARE_SERIES)


IMAGES_OF_A_PATIENT = 50
CLINICS, STATIONS = 20, 10
NURSE = Source(UserId("tscharts-1"))


def image_history(size: int) -> Iterator[tuple[int, int, Act, ImageAdded]]:
    """That many images, fifty of each patient, taken in turns: patient, version, act and event of each."""
    patients = size // IMAGES_OF_A_PATIENT
    kinds = list(ImageType)
    for number in range(patients * IMAGES_OF_A_PATIENT):
        digest = hashlib.sha256(b"%d" % number).hexdigest()
        added = ImageAdded(
            ImageId(number + 1),
            number % CLINICS + 1,
            number % STATIONS + 1,
            kinds[number % len(kinds)],
            Content(digest, 100_000, "image/jpeg"),
        )
        patient, version = number % patients + 1, number // patients + 1
        yield patient, version, Act(NURSE, END - (size - number) * STEP), added
