"use strict";
// What comes after the page was read: by a stream of events where the server has them, else by a long poll. In the present
// the page is read again when there is something new; in the past it is counted.
(() => {
  // What is followed: the timeline, the gallery, or the count in the band of the past. It is looked up each time, since
  // moving in time puts another one in its place; its cursor goes on once what has arrived is shown.
  const followed = () => document.querySelector("[data-cursor]");
  const isCount = (shown) => shown.dataset.since !== undefined;
  const LONGEST_PAUSE = 30; // seconds
  const TOP = 200; // pixels: above this, the reader looks at the newest entries
  const TOGETHER = 50; // milliseconds within which entries of a stream are put in together
  const SOFT = 4000; // milliseconds in which a new entry has a ground of its own
  const BESIDE = ["aside", ".feed-filters", "#past-head > div:first-child", ".tile-filters"];
  let current = null;
  let waiting = 0;
  let failures = 0;
  let poll = null;
  let lostAt = null;

  const sleep = (seconds) => new Promise((done) => { setTimeout(done, seconds * 1000); });
  const clock = (at) => at.toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });

  function say(node) {
    document.getElementById("live")?.replaceChildren(...(node ? [node] : []));
  }

  function showPill() {
    const texts = followed().dataset;
    const button = document.createElement("button");
    button.className = "primary";
    button.dataset.newEntries = "";
    button.textContent = waiting === 1 ? texts.newOne : texts.newOther.replace("{n}", waiting);
    button.addEventListener("click", () => { window.scrollTo(0, 0); putIn().catch(() => {}); });
    say(button);
  }

  function showLost(shown) {
    if (isCount(shown)) return;
    lostAt ??= new Date();
    const line = document.createElement("p");
    line.className = "note bad";
    line.textContent = shown.dataset.lost.replace("{at}", clock(lostAt));
    say(line);
  }

  // Why nothing comes any more, which the past says as well.
  function showEnd(id) {
    const line = document.createElement("p");
    line.className = "note bad";
    line.append(document.getElementById(id).content.cloneNode(true));
    say(line);
  }

  function count(shown, number) {
    const texts = shown.dataset;
    texts.since = Number(texts.since) + number;
    shown.textContent = texts.since === "1" ? texts.sinceOne : texts.sinceOther.replace("{n}", texts.since);
  }

  // A line of the new page takes the place of those that it has. What else was in a run with them follows it, unfolded:
  // a run says how many it has.
  function takeOver(line) {
    const shown = ids(line).map((id) => document.getElementById(id)).filter(Boolean);
    const runs = new Set(shown.map((one) => one.closest("li.run")).filter(Boolean));
    for (const one of shown) one.remove();
    for (const run of runs) {
      if (run.querySelector("details").open) line.querySelector("details")?.setAttribute("open", "");
      run.replaceWith(...run.querySelectorAll(".entry"));
    }
  }

  // A day of the new page into the shown one: lines that are not shown yet go to its top.
  function mergeDay(feed, title, list) {
    const shown = feed.querySelector(`h3[data-day="${title.dataset.day}"]`);
    if (!shown) return [[title, list], [...list.children]];
    shown.textContent = title.textContent; // which is not that of today any more after midnight
    const added = [...list.children].filter((line) => ids(line).some((id) => !document.getElementById(id)));
    added.forEach(takeOver);
    shown.nextElementSibling.prepend(...added);
    return [[], added];
  }

  const ids = (line) => [line, ...line.querySelectorAll("[id]")].map((one) => one.id).filter(Boolean);

  // The lines of a new page that are not shown yet, put into the timeline.
  function mergeFeed(feed, fresh) {
    const meets = [...fresh.querySelectorAll("[id^=entry-]")].some((one) => document.getElementById(one.id));
    if (!meets && fresh.querySelector("#older")) {
      // It has new entries alone, and there are more between them and those shown: its link leads on to them.
      feed.replaceChildren(...fresh.childNodes);
      return [...feed.querySelectorAll("li.entry")];
    }
    const days = [...fresh.querySelectorAll(":scope > h3.day")].map((one) => [one, one.nextElementSibling]);
    const added = [];
    for (const [title, list] of days.reverse()) {
      const [missing, lines] = mergeDay(feed, title, list);
      // A day that is older than the shown ones is not new: it was beyond the shown page.
      if (missing.length && !isNewer(feed, lines)) continue;
      feed.prepend(...missing);
      added.push(...lines);
    }
    if (added.length) feed.querySelector(":scope > .empty")?.remove();
    return added;
  }

  // The gallery of a new page in the place of the shown one. A tile that is the same stays, and so does the focus.
  function mergeGallery(gallery, fresh) {
    const chosen = document.activeElement.closest("#gallery [id]")?.id;
    document.adoptNode(fresh); // first, or a tile that stays would leave the document, and load its picture anew
    const added = [...fresh.querySelectorAll("[id^=picture-]")].filter((tile) => {
      const old = document.getElementById(tile.id);
      const isSame = Boolean(old?.isEqualNode(tile));
      if (isSame) tile.replaceWith(old);
      return !isSame;
    });
    gallery.replaceChildren(...fresh.childNodes);
    if (chosen) document.getElementById(chosen)?.querySelector("a, button")?.focus({ preventScroll: true });
    return added;
  }

  const isTyped = (part) =>
    [...part.querySelectorAll("input, textarea")].some((one) => one.value !== one.defaultValue)
    || [...part.querySelectorAll("select")].some((one) => !(one.querySelector("[selected]") ?? one.options[0])?.selected);

  // The address of the page, also where it is the answer to a form.
  const here = () => new URL(location.search, document.querySelector(".feed-filters, .tile-filters")?.action ?? location.href);

  async function putIn() {
    const answer = await fetch(here(), { headers: { Accept: "text/html" } });
    if (answer.redirected) return;
    if (!answer.ok) throw new Error(`status ${answer.status}`); // what has arrived is asked for again
    merge(new DOMParser().parseFromString(await answer.text(), "text/html"));
  }

  function merge(page) {
    const shown = followed();
    const fresh = shown && page.getElementById(shown.id);
    if (!fresh) return;
    waiting = 0;
    const added = (shown.id === "feed" ? mergeFeed : mergeGallery)(shown, fresh);
    for (const one of added) one.classList.add("fresh");
    setTimeout(() => { for (const one of added) one.classList.remove("fresh"); }, SOFT);
    for (const part of BESIDE) {
      const now = page.querySelector(`main ${part}`);
      const then = document.querySelector(`main ${part}`);
      if (now && then && !then.contains(document.activeElement) && !isTyped(then)) then.replaceWith(now);
    }
    window.htmx?.process(document.querySelector("main"));
    document.dispatchEvent(new CustomEvent("ui:put-in", { detail: page }));
    say(null);
  }

  const version = (line) => Math.max(0, ...ids(line).map((id) => Number(id.replace("entry-", "")) || 0));
  function isNewer(feed, lines) {
    const newest = Math.max(0, ...[...feed.querySelectorAll("li.entry")].map(version));
    return lines.some((line) => version(line) > newest);
  }

  const isWriting = () =>
    [...document.querySelectorAll(".composer textarea, [data-drop] input[type=file]")].some((one) => one.value);

  // Whether the filter of the timeline shows an entry.
  const isSelected = (shown, { mutation_type: mutation, event_type: type }) =>
    shown.dataset.shows?.split(" ").includes(mutation ?? type) ?? true;

  // What has arrived goes into the count of the past; of the present, into the page if the reader is at its top, else onto
  // the pill, which counts what the filter shows: what it hides can change the parts beside the timeline alone. An entry
  // that is shown already is no news: a comment of one's own.
  function arrived(shown, entries) {
    if (isCount(shown)) return count(shown, entries.length);
    const news = entries.filter((one) => !document.getElementById(`entry-${one.version}`));
    if (!news.length) return null;
    if (window.scrollY < TOP && !isWriting()) return putIn();
    const selected = news.filter((one) => isSelected(shown, one)).length;
    if (!selected) return null;
    waiting += selected;
    return showPill();
  }

  const query = (shown) => `after=${encodeURIComponent(shown.dataset.cursor)}&with=version`;

  function reached() {
    if (lostAt && waiting) showPill();
    else if (lostAt) say(null);
    lostAt = null;
    failures = 0;
  }

  // A stream of events, until it breaks or ends: then a poll finds out why.
  function listen(shown) {
    return new Promise((_, broken) => {
      const stream = new EventSource(`${shown.dataset.events}?${query(shown)}`);
      const entries = [];
      let timer;
      const end = (why) => { stream.close(); clearTimeout(timer); broken(why); };
      poll = { abort: () => end(new DOMException("", "AbortError")) };
      stream.addEventListener("open", reached);
      stream.addEventListener("message", ({ data, lastEventId }) => {
        entries.push(JSON.parse(data));
        clearTimeout(timer);
        timer = setTimeout(async () => {
          try {
            await arrived(shown, entries.splice(0));
            shown.dataset.cursor = lastEventId;
          } catch (error) {
            end(error);
          }
        }, TOGETHER);
      });
      for (const name of ["end", "error"]) stream.addEventListener(name, () => end(new Error(`stream: ${name}`)));
    });
  }

  // One request. Returns the seconds to wait before the next; null for none any more.
  async function ask(shown) {
    if (shown.dataset.stream !== undefined && !failures) return listen(shown);
    poll = new AbortController();
    const headers = { Accept: "application/json" };
    const wait = failures ? 0 : 25; // seconds: whether the connection is there again is told at once
    const answer = await fetch(`${shown.dataset.events}?${query(shown)}&wait=${wait}`, { signal: poll.signal, headers });
    if (answer.status === 503) return Number(answer.headers.get("Retry-After")) || 1;
    if (answer.status === 410) { location.reload(); return null; }
    const ended = { 401: "signed-out", 404: "gone" }[answer.status];
    if (ended) {
      showEnd(ended);
      return null;
    }
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const entries = await answer.json();
    // Another one is shown by now, which knows of them, or asks for them itself.
    if (shown !== followed()) return 0;
    reached();
    if (entries.length) await arrived(shown, entries);
    shown.dataset.cursor = answer.headers.get("X-Next-Cursor") ?? shown.dataset.cursor;
    return 0;
  }

  async function follow() {
    while (!document.hidden) {
      current = followed();
      if (!current) return;
      try {
        const pause = await ask(current);
        if (pause === null) return;
        if (pause) await sleep(pause);
      } catch (error) {
        if (error.name === "AbortError") return;
        failures += 1;
        if (failures >= 2 && followed()) showLost(followed());
        await sleep(Math.min(2 ** (failures - 1), LONGEST_PAUSE));
      }
    }
  }

  // At midnight the day of today is another.
  function awaitMidnight() {
    setTimeout(() => {
      if (followed() && !isCount(followed())) putIn().catch(() => {});
      awaitMidnight();
    }, new Date().setHours(24, 0, 1, 0) - Date.now());
  }
  awaitMidnight();

  let following = null;
  const start = () => { following ??= follow().finally(() => { following = null; }); };
  const again = () => { if (following) following.then(start); else start(); };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) poll?.abort();
    else again();
  });
  // Another part of the page, or another moment, is shown: what is followed may be another.
  const turn = () => {
    if (following && followed() === current) return;
    waiting = 0;
    poll?.abort();
    again();
  };
  document.addEventListener("htmx:after:swap", turn);
  document.addEventListener("ui:moved", turn);
  // The page after a comment was sent: that of all entries, which has the comment whatever is shown here.
  document.addEventListener("ui:page", ({ detail: page }) => {
    const chosen = document.querySelector(".feed-filters [aria-pressed=true]")?.value;
    if (chosen === "all" && followed()) merge(page);
    else location.assign(document.querySelector("main .feed-filters").action);
  });
  window.addEventListener("pagehide", () => poll?.abort());
  start();
})();
