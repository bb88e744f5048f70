"""Every route of the Kheops album API: one row each, and nothing else says what there is."""

from __future__ import annotations

from albumcore import Permission as P
from albumcore.albums import events as album
from albumcore.study_comments import StudyCommentPosted
from albumcore.user_tokens import UserTokenIssued, UserTokenRevoked
from albumcore_adapters.http.kheops import (
    albums,
    capability_tokens,
    comments,
    events,
    favorites,
    grants,
    inbox,
    members,
    oauth,
    probes,
    report_providers,
    reports,
    studies,
    study_list,
    user_search,
    webhooks,
)
from albumcore_adapters.http.kheops.errors import ADMIN, MEMBER
from albumcore_adapters.http.kheops.routing import DICOM_JSON, JSON, Callers, Route

ANYBODY, ANY_TOKEN = Callers.ANYBODY, Callers.ANY_TOKEN
USER, PERSON = Callers.USER, Callers.PERSON
DICOM = (DICOM_JSON, JSON)
HTML = "text/html"

ALBUM = "/albums/{album}"
STUDY = "/studies/{study}"
SERIES = "/studies/{study}/series/{series}"
PROVIDERS = "/albums/{album}/reportproviders"
PROVIDER = "/albums/{album}/reportproviders/{client}"
TOKEN = "/capabilities/{capability}"  # noqa: S105
WEBHOOKS = "/albums/{album}/webhooks"
WEBHOOK = "/albums/{album}/webhooks/{webhook}"

REVOKED = album.CapabilityTokenRevoked
"""Whoever stops being an admin loses the tokens he made."""

# What routes need that ask for no permission, or for more than one
NOTHING = "nothing"
LISTED = "nothing: it tells of what is the caller's to see"
SEEN = "the study is seen"
INBOX_OR_ALBUM = f"it is in the inbox; of a token of an album: `{P.DELETE_SERIES.value}` in it"
MAKER = "made the token, or is an admin of its album"

# fmt: off
ROUTES: tuple[Route, ...] = (
    # Tokens (1)
    Route("POST", "/register", oauth.register, ANYBODY, answers=(JSON,), needs="a token in the form"),
    Route("GET", "/userinfo", oauth.userinfo, ANY_TOKEN, answers=(JSON,),
          needs="the token is a report provider's"),
    Route("POST", "/token", grants.token, ANYBODY, answers=(JSON,),
          needs="a code that is the client's, or a token in the form"),
    Route("POST", "/token/introspect", oauth.introspect, ANYBODY, answers=(JSON,), needs=NOTHING),
    # Albums (3)
    Route("GET", "/albums", albums.list_all, answers=(JSON,), needs=LISTED, from_store=True),
    Route("POST", "/albums", albums.create, records=(album.AlbumCreated,), answers=(JSON,),
          needs=NOTHING, again=albums.answer_created),
    Route("GET", ALBUM, albums.get, ANY_TOKEN, answers=(JSON,), from_store=True),
    Route("PATCH", ALBUM, albums.edit, USER, P.EDIT_ALBUM,
          records=(album.AlbumEdited, album.NotificationsSet), answers=(JSON,),
          needs="of a plain member: his own notifications alone"),
    Route("DELETE", ALBUM, albums.delete, ANY_TOKEN, P.DELETE_ALBUM, records=(album.AlbumDeleted,)),
    # Studies and series in albums (4.1 to 4.4)
    Route("PUT", f"{STUDY}{ALBUM}", studies.add_study, USER, P.ADD_SERIES, P.SEND_SERIES,
          records=(album.StudyImported,), needs="the study is where it is taken from"),
    Route("DELETE", f"{STUDY}{ALBUM}", studies.remove_study, ANY_TOKEN, P.DELETE_SERIES,
          records=(album.StudyRemoved,)),
    Route("PUT", f"{SERIES}{ALBUM}", studies.add_series, USER, P.ADD_SERIES,
          records=(album.SeriesImported,), needs="the series may be claimed, or is lent"),
    Route("DELETE", f"{SERIES}{ALBUM}", studies.remove_series, ANY_TOKEN, P.DELETE_SERIES,
          records=(album.SeriesRemoved,)),
    # Members (5)
    Route("GET", f"{ALBUM}/users", members.list_all, USER, P.LIST_USERS, answers=(JSON,), from_store=True),
    Route("PUT", MEMBER, members.add, USER, P.ADD_USER, records=(album.MemberAdded,)),
    Route("DELETE", MEMBER, members.remove, USER, P.REMOVE_USER,
          records=(album.MemberRemoved, album.MemberLeft, album.AlbumDeleted, REVOKED),
          needs="of a plain member: himself alone"),
    Route("PUT", ADMIN, members.add_admin, USER, P.ADD_ADMIN,
          records=(album.AdminAdded, album.MemberPromoted)),
    Route("DELETE", ADMIN, members.remove_admin, USER, P.REMOVE_ADMIN,
          records=(album.AdminDemoted, REVOKED)),
    # Favourites: one's own albums; studies and series, of an album or of one's inbox (6)
    Route("PUT", f"{ALBUM}/favorites", albums.set_favorite, records=(album.FavoriteSet,)),
    Route("DELETE", f"{ALBUM}/favorites", albums.unset_favorite, records=(album.FavoriteSet,)),
    Route("PUT", f"{STUDY}/favorites", favorites.add, USER, None, P.EDIT_FAVORITES,
          records=(album.FavoriteAdded,), needs=SEEN),
    Route("DELETE", f"{STUDY}/favorites", favorites.remove, USER, None, P.EDIT_FAVORITES,
          records=(album.FavoriteRemoved,), needs=SEEN),
    Route("PUT", f"{SERIES}/favorites", favorites.add, USER, None, P.EDIT_FAVORITES,
          records=(album.FavoriteAdded,), needs=SEEN),
    Route("DELETE", f"{SERIES}/favorites", favorites.remove, USER, None, P.EDIT_FAVORITES,
          records=(album.FavoriteRemoved,), needs=SEEN),
    # Events and comments (7)
    Route("GET", f"{ALBUM}/events", events.list_all, ANY_TOKEN, P.READ_COMMENT, answers=(JSON,),
          from_store=True),
    Route("POST", f"{ALBUM}/comments", comments.post_to_album, USER, P.WRITE_COMMENT,
          records=(album.CommentPosted,), again=comments.answer_posted),
    Route("GET", f"{STUDY}/comments", comments.list_of_study, ANY_TOKEN, answers=(JSON,),
          needs=SEEN, from_store=True),
    Route("POST", f"{STUDY}/comments", comments.post_to_study, records=(StudyCommentPosted,),
          needs=SEEN, again=comments.answer_posted),
    # Report providers (8)
    Route("POST", PROVIDERS, report_providers.create, USER, P.MANAGE_REPORT_PROVIDERS,
          records=(album.ReportProviderCreated,), answers=(JSON,)),
    Route("GET", PROVIDERS, report_providers.list_all, USER, P.GET_REPORT_PROVIDERS,
          answers=(JSON,), from_store=True),
    Route("GET", PROVIDER, report_providers.get, USER, P.GET_REPORT_PROVIDERS, answers=(JSON,),
          from_store=True),
    Route("PATCH", PROVIDER, report_providers.edit, USER, P.MANAGE_REPORT_PROVIDERS,
          records=(album.ReportProviderEdited,), answers=(JSON,)),
    Route("DELETE", PROVIDER, report_providers.delete, USER, P.MANAGE_REPORT_PROVIDERS,
          records=(album.ReportProviderDeleted,)),
    Route("POST", "/reportproviders/metadata", report_providers.metadata, ANY_TOKEN,
          answers=(JSON,), needs=NOTHING),
    Route("POST", "/report", reports.start, ANYBODY, answers=(HTML,),
          needs="a token in the form, of a member of the provider's album"),
    Route("GET", oauth.CONFIGURATION, oauth.configuration, ANYBODY, answers=(JSON,), needs=NOTHING),
    # Inboxes, sending, and uploads through tokens (4.5 and 9)
    Route("GET", "/inboxinfo", inbox.info, answers=(JSON,), needs=LISTED, from_store=True),
    Route("PUT", STUDY, inbox.take_study, ANY_TOKEN, None, P.SEND_SERIES,
          records=(album.StudyImported,),
          needs=f"the study is seen, or lent; of a token of an album: `{P.ADD_SERIES.value}` in it"),
    Route("DELETE", STUDY, inbox.leave_study, ANY_TOKEN, records=(album.StudyRemoved,),
          needs=INBOX_OR_ALBUM),
    Route("PUT", SERIES, inbox.take_series, ANY_TOKEN,
          records=(album.SeriesImported, album.ReportAdded),
          needs=f"the series may be claimed, or is lent; of a token of an album: `{P.ADD_SERIES.value}` in it"),
    Route("DELETE", SERIES, inbox.leave_series, ANY_TOKEN, records=(album.SeriesRemoved,),
          needs=INBOX_OR_ALBUM),
    Route("PUT", f"{STUDY}/users/{{user}}", inbox.send_study, ANY_TOKEN, None, P.SEND_SERIES,
          needs=f"of a token of an album: `{P.SEND_SERIES.value}` in it"),
    Route("PUT", f"{SERIES}/users/{{user}}", inbox.send_series, ANY_TOKEN,
          needs=f"the series may be claimed; of a token of an album: `{P.SEND_SERIES.value}` in it"),
    # Capability tokens (10)
    Route("POST", "/capabilities", capability_tokens.create, PERSON,
          records=(album.CapabilityTokenIssued, UserTokenIssued), answers=(JSON,),
          needs=f"for an album: `{P.MANAGE_CAPABILITY_TOKENS.value}` in it"),
    Route("GET", "/capabilities", capability_tokens.list_all, PERSON, None, P.MANAGE_CAPABILITY_TOKENS,
          answers=(JSON,), needs="otherwise it tells of the caller's own"),
    Route("GET", TOKEN, capability_tokens.get, answers=(JSON,), needs=MAKER),
    Route("POST", f"{TOKEN}/revoke", capability_tokens.revoke, PERSON,
          records=(album.CapabilityTokenRevoked, UserTokenRevoked), answers=(JSON,), needs=MAKER),
    # Webhooks (11)
    Route("POST", WEBHOOKS, webhooks.create, USER, P.MANAGE_WEBHOOKS,
          records=(album.WebhookCreated,), answers=(JSON,)),
    Route("GET", WEBHOOKS, webhooks.list_all, USER, P.MANAGE_WEBHOOKS, answers=(JSON,)),
    Route("GET", WEBHOOK, webhooks.get, USER, P.MANAGE_WEBHOOKS, answers=(JSON,)),
    Route("PATCH", WEBHOOK, webhooks.edit, USER, P.MANAGE_WEBHOOKS,
          records=(album.WebhookEdited,), answers=(JSON,)),
    Route("DELETE", WEBHOOK, webhooks.delete, USER, P.MANAGE_WEBHOOKS,
          records=(album.WebhookDeleted,)),
    Route("POST", f"{WEBHOOK}/trigger", webhooks.trigger, USER, P.MANAGE_WEBHOOKS,
          records=(album.WebhookTriggered,)),
    # The study list (12)
    Route("GET", "/studies", study_list.list_studies, ANY_TOKEN, None, P.READ_SERIES, answers=DICOM,
          needs="it tells of what is the caller's to see", from_store=True),
    Route("GET", f"{STUDY}/series", study_list.list_series, ANY_TOKEN, None, P.READ_SERIES, answers=DICOM,
          needs=SEEN, from_store=True),
    Route("GET", f"{STUDY}/metadata", study_list.metadata, ANY_TOKEN, None, P.READ_SERIES, answers=DICOM,
          needs=SEEN, from_store=True),
    Route("POST", f"{STUDY}/fetch", study_list.fetch, ANY_TOKEN, needs=SEEN),
    Route("POST", f"{STUDY}/series/fetch", study_list.fetch_series, ANY_TOKEN, needs=SEEN),
    # Finding people, probes, numbers (13)
    Route("GET", "/users", user_search.find, USER, None, P.LIST_USERS, answers=(JSON,),
          needs="among those who see a study: the study is seen", from_store=True),
    Route("GET", "/liveness", probes.liveness, ANYBODY, needs=NOTHING),
    Route("GET", "/readiness", probes.readiness, ANYBODY, needs=NOTHING),
    Route("GET", "/metrics", probes.metrics, ANYBODY, answers=probes.METRICS, needs=NOTHING),
)
# fmt: on
