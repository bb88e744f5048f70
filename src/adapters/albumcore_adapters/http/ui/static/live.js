"use strict";
// New entries of an album by themselves: by a stream of events where the server has them, else by a long poll. The page
// is read again when there is something new.
(() => {
  // Looked up each time: moving in the past replaces them, and a page of the past has no cursor.
  const shownFeed = () => document.querySelector("#feed[data-cursor]");
  const LONGEST_PAUSE = 30; // seconds
  const TOP = 200; // pixels: above this, the reader looks at the newest entries
  const TOGETHER = 50; // milliseconds within which entries of a stream are put in together
  const SOFT = 4000; // milliseconds in which a new entry has a ground of its own
  let cursor = null;
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
    const texts = shownFeed().dataset;
    const button = document.createElement("button");
    button.className = "primary";
    button.dataset.newEntries = "";
    button.textContent = waiting === 1 ? texts.newOne : texts.newOther.replace("{n}", waiting);
    button.addEventListener("click", () => { window.scrollTo(0, 0); putIn(); });
    say(button);
  }

  function showLost() {
    lostAt ??= new Date();
    const line = document.createElement("p");
    line.className = "note bad";
    line.textContent = shownFeed().dataset.lost.replace("{at}", clock(lostAt));
    say(line);
  }

  // A day of the new page into the shown one: lines that are not shown yet go to its top. A run takes over its lines.
  function mergeDay(feed, title, list) {
    const shown = feed.querySelector(`h3[data-day="${title.dataset.day}"]`);
    if (!shown) return [[title, list], [...list.children]];
    shown.textContent = title.textContent; // which is not that of today any more after midnight
    const added = [...list.children].filter((line) => ids(line).some((id) => !document.getElementById(id)));
    for (const id of added.flatMap(ids)) {
      const old = document.getElementById(id);
      (old?.closest("li.run") ?? old)?.remove();
    }
    shown.nextElementSibling.prepend(...added);
    return [[], added];
  }

  const ids = (line) => [line, ...line.querySelectorAll("[id]")].map((one) => one.id).filter(Boolean);

  const isTyped = (part) => [...part.querySelectorAll("input, textarea")].some((one) => one.value !== one.defaultValue);

  async function putIn() {
    waiting = 0;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    merge(new DOMParser().parseFromString(await answer.text(), "text/html"));
  }

  function merge(page) {
    const feed = shownFeed();
    if (!feed) return;
    const fresh = page.querySelector("#feed");
    const days = [...fresh.querySelectorAll(":scope > h3.day")].map((one) => [one, one.nextElementSibling]);
    const added = [];
    for (const [title, list] of days.reverse()) {
      const [missing, lines] = mergeDay(feed, title, list);
      // A day that is older than the shown ones is not new: it was beyond the shown page.
      if (missing.length && !isNewer(feed, lines)) continue;
      feed.prepend(...missing);
      added.push(...lines);
    }
    if (added.length) feed.querySelector(":scope > p.muted")?.remove();
    for (const line of added) line.classList.add("fresh");
    setTimeout(() => { for (const line of added) line.classList.remove("fresh"); }, SOFT);
    for (const part of ["aside", ".feed-filters"]) {
      const now = page.querySelector(`main ${part}`);
      const then = document.querySelector(`main ${part}`);
      if (now && then && !then.contains(document.activeElement) && !isTyped(then)) then.replaceWith(now);
    }
    window.htmx?.process(document.querySelector("main"));
    say(null);
  }

  const version = (line) => Math.max(0, ...ids(line).map((id) => Number(id.replace("entry-", "")) || 0));
  function isNewer(feed, lines) {
    const newest = Math.max(0, ...[...feed.querySelectorAll("li.entry")].map(version));
    return lines.some((line) => version(line) > newest);
  }

  // The entries that are not shown yet: a comment of one's own is.
  function arrived(entries) {
    if (!shownFeed()) return null;
    waiting += entries.filter((one) => !document.getElementById(`entry-${one.version}`)).length;
    if (!waiting) return null;
    const text = document.querySelector(".composer textarea")?.value;
    if (window.scrollY < TOP && !text) return putIn();
    showPill();
    return null;
  }

  const query = () => `after=${encodeURIComponent(cursor)}&with=version`;

  function reached() {
    if (lostAt) { lostAt = null; say(null); }
    failures = 0;
  }

  // A stream of events, until it breaks: then a poll finds out why. Returns null where the reader may read no more.
  function listen(feed) {
    return new Promise((done, broken) => {
      const stream = new EventSource(`${feed.dataset.events}?${query()}`);
      const entries = [];
      let timer;
      const end = (settle, how) => { stream.close(); settle(how); };
      poll = { abort: () => end(broken, new DOMException("", "AbortError")) };
      stream.addEventListener("open", reached);
      stream.addEventListener("message", ({ data, lastEventId }) => {
        cursor = lastEventId;
        entries.push(JSON.parse(data));
        clearTimeout(timer);
        timer = setTimeout(async () => {
          try { await arrived(entries.splice(0)); } catch (error) { end(broken, error); }
        }, TOGETHER);
      });
      stream.addEventListener("end", () => end(done, null));
      stream.addEventListener("error", () => end(broken, new Error("the stream broke")));
    });
  }

  // One request. Returns the seconds to wait before the next; null for none any more.
  async function ask() {
    const feed = shownFeed();
    if (!feed) return null;
    cursor ??= feed.dataset.cursor;
    if (feed.dataset.stream !== undefined && !failures) return listen(feed);
    poll = new AbortController();
    const headers = { Accept: "application/json" };
    const answer = await fetch(`${feed.dataset.events}?${query()}&wait=25`, { signal: poll.signal, headers });
    if (answer.status === 503) return Number(answer.headers.get("Retry-After")) || 1;
    if (answer.status === 410) { location.reload(); return null; }
    if (answer.status === 401 || answer.status === 404) return null;
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const entries = await answer.json();
    cursor = answer.headers.get("X-Next-Cursor") ?? cursor;
    reached();
    if (entries.length) await arrived(entries);
    return 0;
  }

  async function follow() {
    while (!document.hidden) {
      try {
        const pause = await ask();
        if (pause === null) return;
        if (pause) await sleep(pause);
      } catch (error) {
        if (error.name === "AbortError") return;
        failures += 1;
        if (failures >= 2 && shownFeed()) showLost();
        await sleep(Math.min(2 ** (failures - 1), LONGEST_PAUSE));
      }
    }
  }

  // At midnight the day of today is another.
  const midnight = new Date().setHours(24, 0, 1, 0);
  setTimeout(() => { if (shownFeed()) putIn().catch(() => {}); }, midnight - Date.now());

  let following = null;
  const start = () => { following ??= follow().finally(() => { following = null; }); };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) poll?.abort();
    else if (following) following.then(start);
    else start();
  });
  document.addEventListener("htmx:after:swap", () => { if (!following) start(); });
  // The page after a comment was sent: that of all entries, which has the comment whatever is shown here.
  document.addEventListener("ui:page", ({ detail: page }) => {
    const chosen = document.querySelector(".feed-filters [aria-pressed=true]")?.value;
    if (chosen === "all") merge(page);
    else location.assign(shownFeed().closest("main").querySelector(".feed-filters").action);
  });
  window.addEventListener("pagehide", () => poll?.abort());
  start();
})();
