"""The table of all measures: what is measured, against what, and the limit it is to keep."""

from __future__ import annotations

from benchmarks import commands, crowds, filters, images, pages, postgres, sealed
from benchmarks.figures import Measure, at_most, ratio_at_least, ratio_at_most

_BARE = "bare Falcon answering the same bytes"
_RATE = "requests/s"

MEASURES: tuple[Measure, ...] = (
    Measure(
        "page",
        "events page over HTTP, 20 newest, one member, album of {middle:,} events",
        _RATE,
        pages.repeated,
        ratio_at_least(0.60, aim=0.75),
        _BARE,
    ),
    Measure(
        "page-many",
        "the same page, 50 members in turns, 50 comments a second coming in",
        _RATE,
        pages.many,
        ratio_at_least(0.60, aim=0.75),
        _BARE,
    ),
    Measure(
        "page-mixed",
        "ten pages of 50 members each, filters among them, 50 comments a second coming in",
        _RATE,
        pages.mixed,
        None,
        _BARE,
    ),
    Measure(
        "page-unlogged",
        "the first, with the log level at warning",
        _RATE,
        pages.quiet,
        None,
        _BARE,
    ),
    Measure(
        "page-growth",
        "the first, one client, nothing kept, album of {greatest:,} events, half private to others",
        "ms",
        pages.growth,
        ratio_at_most(1.25),
        "album of {least:,} events",
    ),
    Measure(
        "page-totals",
        "X-Total-Count that is not what was counted otherwise, {greatest:,} events",
        "wrong",
        pages.wrong_totals,
        at_most(0),
    ),
    Measure(
        "page-far",
        "events page over HTTP at offset {far:,} of {greatest:,}",
        "ms",
        pages.far,
        at_most(50),
    ),
    Measure(
        "page-past",
        "events page over HTTP as of any moment, each time another, {greatest:,} events",
        "ms",
        pages.past,
        ratio_at_most(3),
        "the page of the present",
    ),
    Measure(
        "state-past",
        "state of the album as of any moment, each time another, {greatest:,} events",
        "ms",
        pages.past_state,
    ),
    Measure(
        "page-first",
        "first page of a new process, opening included, {greatest:,} events",
        "ms",
        pages.first,
        at_most(25),
    ),
    *(
        Measure(
            f"filter-{case.name}-{'few' if case.is_selective else 'much'}",
            f"page of 20 filtered by {case.name.replace('-', ' and ').replace('_', ' ')}, "
            f"which leaves {'little' if case.is_selective else 'much'}, {{greatest:,}} events",
            "ms",
            filters.filtered(case),
            ratio_at_most(3) if case.is_selective else None,
            "the page without a filter",
        )
        for case in filters.CASES
    ),
    Measure(
        "command",
        "comments through the library, each durable",
        "commands/s",
        commands.durable_whole,
        ratio_at_least(0.60),
        "sqlite3 alone, the same bytes: the event and its index rows",
    ),
    Measure(
        "command-event",
        "the first, against the row of the event alone",
        "commands/s",
        commands.durable,
        ratio_at_least(0.60),
        "sqlite3 alone, without index rows",
    ),
    Measure(
        "command-growth",
        "a comment on an album of {long:,} events that is in memory",
        "ms",
        commands.growth,
        ratio_at_most(1.25),
        "album of {least:,} events",
    ),
    Measure(
        "command-cold",
        "first comment after opening, album of {long:,} events",
        "ms",
        commands.cold,
        at_most(100),
    ),
    Measure(
        "replay",
        "replay from SQLite without snapshots, {middle:,} events",
        "events/s",
        commands.replay_faster,
        ratio_at_least(5),
        "the eventsourcing library's defaults",
    ),
    Measure("replay-event", "the same, by event", "us", commands.replay_alone, at_most(6)),
    Measure(
        "image-get",
        "500 images of 100 KB over HTTP",
        _RATE,
        images.shown,
        ratio_at_least(0.70),
        _BARE,
    ),
    Measure(
        "image-post",
        "images of 100 KB taken in over HTTP, 8 clients, each durable",
        _RATE,
        images.taken_in,
        ratio_at_least(0.50),
        "bare Falcon keeping the same requests",
    ),
    *(
        Measure(
            f"sealed-{name}",
            f"{what} of a sealed store",
            sealed.UNIT,
            sealed.cost(name),
            reach,
            "the same in clear",
        )
        for name, what, reach in (
            ("comment", "a comment", ratio_at_most(1.25)),
            ("page", "a page of 20", ratio_at_most(1.15)),
            ("page-first", "a page of 20 that is read for the first time", ratio_at_most(1.15)),
            ("page-cached", "a page of 20 from the response cache", ratio_at_most(1.15)),
            ("image", "an image of 100 KB that is shown again", ratio_at_most(1.10)),
            ("image-first", "an image of 100 KB for the first time", ratio_at_most(1.10)),
            ("image-large", "an image of 1 MB that is shown again", ratio_at_most(1.10)),
            ("image-large-first", "an image of 1 MB for the first time", ratio_at_most(1.10)),
            ("replay", f"replay of {sealed.EVENTS:,} events", ratio_at_most(1.5)),
        )
    ),
    Measure(
        "sealed-image-http",
        "an image of 100 KB of a sealed store over HTTP, the processor's time",
        "us",
        sealed.shown,
        ratio_at_most(1.10),
        "the same in clear",
    ),
    Measure(
        "search-growth",
        "search by patient over HTTP, 50 images among {greatest:,}",
        "ms",
        images.searched,
        ratio_at_most(1.25),
        "among {second:,} images",
    ),
    Measure(
        "slow-clients",
        f"longest wait of a new client beside {crowds.IDLE} idle and {crowds.DRIPPING} dripping connections",
        "ms",
        crowds.beside_slow_clients,
        at_most(200),
    ),
    Measure(
        "memory-at-rest",
        "resident memory of a worker that has answered one request",
        "MB",
        images.at_rest,
        at_most(80),
    ),
    Measure(
        "memory",
        "resident memory of a worker after all of it",
        "MB",
        images.resident,
        at_most(150),
    ),
    Measure(
        "postgres-command",
        "comments through the library into PostgreSQL, each durable",
        "commands/s",
        postgres.commands,
        None,
        "psycopg alone, the same bytes",
    ),
    Measure(
        "postgres-writers",
        "comments of 8 processes into PostgreSQL, an album each",
        "events/s",
        postgres.writers,
        None,
        "the same into SQLite",
    ),
    Measure(
        "postgres-page",
        "events page over HTTP out of PostgreSQL, 20 newest, one member",
        _RATE,
        postgres.page,
        None,
        "the same out of SQLite",
    ),
)
