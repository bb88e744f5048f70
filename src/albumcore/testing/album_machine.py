"""The state machine of albums: two of them, several users, capability tokens, report providers and webhooks."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, initialize, multiple, precondition, rule

from albumcore.albums import Album
from albumcore.albums.capability_tokens import issue_capability_token, revoke_capability_token
from albumcore.albums.comments import post_comment
from albumcore.albums.lifecycle import create_album, delete_album, edit_album
from albumcore.albums.members import (
    add_admin,
    add_member,
    demote_admin,
    leave_album,
    promote_member,
    remove_member,
)
from albumcore.albums.report_providers import (
    create_report_provider,
    delete_report_provider,
    edit_report_provider,
)
from albumcore.albums.studies import (
    add_favorite,
    add_report,
    import_series,
    import_study,
    remove_favorite,
    remove_series,
    remove_study,
)
from albumcore.albums.webhooks import create_webhook, delete_webhook, edit_webhook, trigger_webhook
from albumcore.ids import AlbumId, CapabilityTokenId, UserId, WebhookId
from albumcore.kernel import Decision, Source
from albumcore.streams import album_stream
from albumcore.testing.arguments import (
    ALBUMS,
    CAST,
    Series,
    album_arguments,
    digest_of,
    token_arguments,
)
from albumcore.testing.machines import StoreMachine
from albumcore.user_tokens import Grants

__all__ = [
    "AlbumMachine",
]


ARGUMENTS = album_arguments(CAST)
_Drawn = tuple[Any, ...]
_EARLY, _LATE = 10, 16
"""How many events come before anybody thinks of going, and of deleting an album: first there must be a life."""


# Most of it happens in the first album.
_album = st.sampled_from([ALBUMS[0]] * 6 + [ALBUMS[1]])
_user = st.sampled_from(CAST.users)
_series = ARGUMENTS[import_series]
_held = CAST.series[0]
_key = CapabilityTokenId(f"{ALBUMS[0]}{CAST.tokens[0]}")


def _decisions_without_rule() -> st.SearchStrategy[tuple[Decision, tuple[Any, ...]]]:
    """The decisions that no method of `AlbumMachine` is named after, each with arguments."""
    return st.one_of(
        [
            st.tuples(st.just(decision), arguments)
            for decision, arguments in ARGUMENTS.items()
            if not hasattr(AlbumMachine, decision.__name__)
        ]
    )


_without_rule = st.deferred(_decisions_without_rule)


class AlbumMachine(StoreMachine[Album]):
    """Tries every decision of an album, in any order, by anybody who could think of it.

    There are two of `ALBUMS`, because what belongs to one must mean nothing in the other.
    """

    sources: Bundle[Source] = Bundle("sources")
    admins: Bundle[Source] = Bundle("admins")
    keys: Bundle[Source] = Bundle("keys")
    reporters: Bundle[Source] = Bundle("reporters")
    anybody = admins | sources
    held: Bundle[Series] = Bundle("held")
    hooks: Bundle[WebhookId] = Bundle("hooks")
    somebody = sources.map(lambda source: source.user)

    def on(self, album: AlbumId, source: Source, decision: Decision, *args: Any) -> bool:
        """Try something on an album, and tell whether it was recorded."""
        return self.attempt(album_stream(album), source, decision, *args)

    # The albums themselves

    def begin(self) -> None:
        """The first album has two admins, a plain member, and one of everything else, before anything is tried.

        Hypothesis asks for those one after the other, in any order; whichever is asked for first makes them all.
        """
        if self.tries:
            return
        creator, admin, member, _ = CAST.users
        everything: list[tuple[Decision, tuple[Any, ...]]] = [
            (create_album, ("Album",)),
            (add_admin, (admin,)),
            (add_member, (member,)),
            (import_study, (_held[0], [_held[1]])),
            (create_report_provider, (CAST.providers[0], "Scribe", "https://scribe.example")),
            (create_webhook, (CAST.webhooks[0], "Bell", "https://bell.example")),
            (issue_capability_token, (_key, digest_of(_key), "Key", Grants(True, True))),
        ]
        for decision, args in everything:
            self.on(ALBUMS[0], Source(creator), decision, *args)

    @initialize(targets=(sources, admins))
    def have_admins(self) -> MultipleResults[Source]:
        """Two of them."""
        self.begin()
        return multiple(*map(Source, CAST.users[:2]))

    @initialize(target=sources)
    def have_others(self) -> MultipleResults[Source]:
        """A plain member, and a stranger."""
        self.begin()
        return multiple(*map(Source, CAST.users[2:]))

    @initialize(target=held)
    def have_a_study(self) -> Series:
        """With one series in it."""
        self.begin()
        return _held

    @initialize(targets=(sources, reporters))
    def have_a_report_provider(self) -> Source:
        """It reports for its maker."""
        self.begin()
        return Source(CAST.users[0], report_provider=CAST.providers[0])

    @initialize(targets=(sources, keys))
    def have_a_capability_token(self) -> Source:
        """It may do all that one can."""
        self.begin()
        return Source(CAST.users[0], capability_token=_key)

    @initialize(target=hooks)
    def have_a_webhook(self) -> WebhookId:
        """It is told of nothing by itself yet."""
        self.begin()
        return CAST.webhooks[0]

    @rule(album=_album, source=anybody, tried=_without_rule)
    def decide(
        self, album: AlbumId, source: Source, tried: tuple[Decision, tuple[Any, ...]]
    ) -> None:
        """Try a decision that has no rule of its own. Only the second album can still be created, and once."""
        decision, args = tried
        self.on(album, source, decision, *args)

    @rule(album=_album, source=anybody, args=ARGUMENTS[edit_album])
    def edit_album(self, album: AlbumId, source: Source, args: _Drawn) -> None:
        """Change name, description, member flags, or one's own notifications."""
        self.on(album, source, edit_album, *args)

    @precondition(lambda self: len(self.history) > _LATE)
    @rule(album=_album, source=anybody)
    def delete_album(self, album: AlbumId, source: Source) -> None:
        """End an album, late enough for a life before it."""
        self.on(album, source, delete_album)

    # Members

    @rule(target=sources, album=_album, source=anybody, user=_user)
    def add_member(self, album: AlbumId, source: Source, user: UserId) -> Any:
        """Add anybody."""
        added = self.on(album, source, add_member, user)
        return Source(user) if added else multiple()

    @rule(targets=(sources, admins), album=_album, source=anybody, user=_user)
    def add_admin(self, album: AlbumId, source: Source, user: UserId) -> Any:
        """Add anybody as an admin, or promote a member."""
        added = self.on(album, source, add_admin, user)
        return Source(user) if added else multiple()

    @rule(album=_album, source=anybody, user=somebody)
    def promote_member(self, album: AlbumId, source: Source, user: UserId) -> None:
        """Promote somebody seen before."""
        self.on(album, source, promote_member, user)

    @precondition(lambda self: len(self.history) > _EARLY)
    @rule(album=_album, source=anybody, user=somebody)
    def demote_admin(self, album: AlbumId, source: Source, user: UserId) -> None:
        """Demote somebody seen before."""
        self.on(album, source, demote_admin, user)

    @precondition(lambda self: len(self.history) > _EARLY)
    @rule(album=_album, source=anybody, user=somebody)
    def remove_member(self, album: AlbumId, source: Source, user: UserId) -> None:
        """Remove somebody seen before, or oneself."""
        self.on(album, source, remove_member, user)

    @precondition(lambda self: len(self.history) > _EARLY)
    @rule(album=_album, source=anybody)
    def leave_album(self, album: AlbumId, source: Source) -> None:
        """Leave; the last member's leaving ends the album."""
        self.on(album, source, leave_album)

    # Studies and series

    @rule(target=held, album=_album, source=anybody, args=ARGUMENTS[import_study])
    def import_study(self, album: AlbumId, source: Source, args: _Drawn) -> Any:
        """Bring in some series of a study, there already or not."""
        self.on(album, source, import_study, *args)
        study_uid, series_uids = args
        return multiple(*((study_uid, uid) for uid in series_uids))

    @rule(target=held, album=_album, source=anybody, series=_series)
    def import_series(self, album: AlbumId, source: Source, series: Series) -> Series:
        """Bring in one series, there already or not."""
        self.on(album, source, import_series, *series)
        return series

    @rule(target=held, album=_album, source=reporters | anybody, series=_series)
    def add_report(self, album: AlbumId, source: Source, series: Series) -> Series:
        """Bring in a report, mostly through a report provider."""
        self.on(album, source, add_report, *series)
        return series

    @rule(album=_album, source=anybody, series=held)
    def remove_study(self, album: AlbumId, source: Source, series: Series) -> None:
        """Take out a study that somebody tried to bring in."""
        self.on(album, source, remove_study, series[0])

    @rule(album=_album, source=anybody, series=held)
    def remove_series(self, album: AlbumId, source: Source, series: Series) -> None:
        """Take out a series that somebody tried to bring in."""
        self.on(album, source, remove_series, *series)

    @rule(album=_album, source=anybody, series=held, whole=st.booleans())
    def add_favorite(self, album: AlbumId, source: Source, series: Series, whole: bool) -> None:
        """Make a series that somebody tried to bring in a favourite, or its whole study."""
        self.on(album, source, add_favorite, *(series[:1] if whole else series))

    @rule(album=_album, source=anybody, series=held, whole=st.booleans())
    def remove_favorite(self, album: AlbumId, source: Source, series: Series, whole: bool) -> None:
        """Make it a favourite no more, whether or not it was one."""
        self.on(album, source, remove_favorite, *(series[:1] if whole else series))

    # Comments

    @rule(album=_album, source=anybody, args=ARGUMENTS[post_comment])
    def post_comment(self, album: AlbumId, source: Source, args: _Drawn) -> None:
        """Say something to all, or to anybody in private."""
        self.on(album, source, post_comment, *args)

    @rule(album=_album, source=anybody, user=somebody)
    def whisper(self, album: AlbumId, source: Source, user: UserId) -> None:
        """Say something in private to somebody seen before."""
        self.on(album, source, post_comment, "Between us", user)

    # Report providers

    @rule(
        targets=(sources, reporters),
        album=_album,
        source=anybody,
        args=ARGUMENTS[create_report_provider],
    )
    def create_report_provider(self, album: AlbumId, source: Source, args: _Drawn) -> Any:
        """Let a report provider in; its maker starts the first report."""
        made = self.on(album, source, create_report_provider, *args)
        return Source(source.user, report_provider=args[0]) if made else multiple()

    @rule(target=sources, user=somebody, reporter=reporters)
    def start_report(self, user: UserId, reporter: Source) -> Source:
        """Another user starts a report: from here on the provider acts in that name too."""
        return Source(user, report_provider=reporter.report_provider)

    @rule(
        album=_album,
        source=anybody,
        reporter=reporters,
        args=ARGUMENTS[edit_report_provider],
    )
    def edit_report_provider(
        self, album: AlbumId, source: Source, reporter: Source, args: _Drawn
    ) -> None:
        """Rename a report provider or move its address, of this album or of the other."""
        _, name, url = args
        self.on(album, source, edit_report_provider, reporter.report_provider, name, url)

    @rule(album=_album, source=anybody, reporter=reporters)
    def delete_report_provider(self, album: AlbumId, source: Source, reporter: Source) -> None:
        """Turn a report provider away, of this album or of the other."""
        self.on(album, source, delete_report_provider, reporter.report_provider)

    # Webhooks

    @rule(target=hooks, album=_album, source=anybody, args=ARGUMENTS[create_webhook])
    def create_webhook(self, album: AlbumId, source: Source, args: _Drawn) -> Any:
        """Have an address told of what happens."""
        made = self.on(album, source, create_webhook, *args)
        return args[0] if made else multiple()

    @rule(album=_album, source=anybody, hook=hooks, args=ARGUMENTS[edit_webhook])
    def edit_webhook(self, album: AlbumId, source: Source, hook: WebhookId, args: _Drawn) -> None:
        """Change a webhook, of this album or of the other."""
        self.on(album, source, edit_webhook, hook, *args[1:])

    @rule(album=_album, source=anybody, hook=hooks)
    def delete_webhook(self, album: AlbumId, source: Source, hook: WebhookId) -> None:
        """Take a webhook away, of this album or of the other."""
        self.on(album, source, delete_webhook, hook)

    @rule(album=_album, source=anybody, hook=hooks, args=ARGUMENTS[trigger_webhook])
    def trigger_webhook(
        self, album: AlbumId, source: Source, hook: WebhookId, args: _Drawn
    ) -> None:
        """Tell an address of series or of a member by hand."""
        self.on(album, source, trigger_webhook, hook, *args[1:])

    # Capability tokens

    @rule(
        targets=(sources, keys),
        album=_album,
        source=anybody,
        args=token_arguments(st.sampled_from(CAST.tokens)),
    )
    def issue_capability_token(self, album: AlbumId, source: Source, args: _Drawn) -> Any:
        """Make a token; from here on it acts too. Its digest is unique in the store."""
        token_id = CapabilityTokenId(f"{album}{args[0]}")
        made = self.on(
            album,
            source,
            issue_capability_token,
            token_id,
            digest_of(token_id),
            *args[2:],
        )
        return Source(source.user, capability_token=token_id) if made else multiple()

    @rule(album=_album, source=anybody, key=keys)
    def revoke_capability_token(self, album: AlbumId, source: Source, key: Source) -> None:
        """Take a token back, of this album or of the other."""
        self.on(album, source, revoke_capability_token, key.capability_token)
