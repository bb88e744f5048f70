"use strict";
(() => {
  const viewer = document.getElementById("viewer");
  const film = document.getElementById("film");
  const range = document.getElementById("frame");
  const words = document.getElementById("frame-words");
  const about = document.getElementById("about");
  const failed = document.getElementById("film-failed");
  const closed = document.getElementById("film-closed");
  const windows = [...viewer.querySelectorAll("[data-window]")];
  const instances = viewer.dataset.instances.trim().split(" ").map((one) => one.split(":"));
  const total = Number(range.max);
  const rest = 250;
  const headers = { "HX-Request": "true" };

  // The slider is enough: what sends the form, and the links to one frame, are for browsers without script.
  document.getElementById("frame-go").hidden = true;
  document.getElementById("frame-links").hidden = true;

  const chosen = () => windows.find((one) => one.hasAttribute("aria-current"));

  const address = (number) => {
    let left = number;
    const [instance] = instances.find(([, frames]) => left <= Number(frames) || ((left -= Number(frames)), false));
    const path = viewer.dataset.pattern
      .replace("%7Binstance%7D", instance).replace("{instance}", instance)
      .replace("%7Bframe%7D", left).replace("{frame}", left);
    const window_ = chosen()?.dataset.window;
    return window_ ? `${path}&window=${encodeURIComponent(window_)}` : path;
  };

  // One picture at a time is asked for: while it loads, only the latest wish is kept.
  let isLoading = false;
  let isStale = false;
  const load = () => {
    if (isLoading) {
      isStale = true;
      return;
    }
    isLoading = true;
    isStale = false;
    const number = Number(range.value);
    film.src = address(number);
    film.alt = viewer.dataset.alt.replace("{frame}", number);
  };
  const loaded = (isShown) => {
    isLoading = false;
    film.hidden = !isShown;
    failed.hidden = closed.hidden = true;
    if (isStale) load();
    else if (isShown) ahead(Number(range.value));
    else complain(film.src);
  };
  // An image that does not come has no status. The reader is told whether it is the image, or that nothing comes any
  // more.
  const complain = async (address) => {
    const answer = await fetch(address, { method: "HEAD", headers }).catch(() => null);
    if (film.src !== address || !film.hidden) return;
    const isClosed = answer !== null && closed.dataset.statuses.split(" ").includes(String(answer.status));
    (isClosed ? closed : failed).hidden = false;
  };
  film.addEventListener("load", () => loaded(true));
  film.addEventListener("error", () => loaded(false));
  const ahead = (number) => {
    for (const next of [number + 1, number - 1]) {
      if (next >= 1 && next <= total) new Image().src = address(next);
    }
  };

  // What is known of the picture follows when the reader has come to rest.
  let timer = 0;
  let asked = null;
  const describe = () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const here = new URL(location.href);
      here.searchParams.set("frame", range.value);
      if (chosen()) here.searchParams.set("window", chosen().dataset.name);
      history.replaceState(null, "", here);
      asked?.abort();
      asked = new AbortController();
      const isOpen = about.querySelector("details")?.open;
      try {
        const answer = await fetch(here, { headers, signal: asked.signal });
        if (!answer.ok) return;
        about.innerHTML = await answer.text();
        if (isOpen) about.querySelector("details").open = true;
      } catch {
        // A newer request took its place, or the connection is lost: what is shown stays.
      }
    }, rest);
  };

  const show = () => {
    const said = viewer.dataset.words.replace("{frame}", range.value);
    words.textContent = said;
    range.setAttribute("aria-valuetext", said);
    load();
    describe();
  };
  const step = (by) => {
    const number = Math.min(total, Math.max(1, Number(range.value) + by));
    if (number === Number(range.value)) return;
    range.value = number;
    show();
  };
  const choose = (index) => {
    if (!windows[index]) return;
    for (const one of windows) one.removeAttribute("aria-current");
    windows[index].setAttribute("aria-current", "true");
    show();
  };

  range.addEventListener("input", show);
  viewer.querySelector(".film").addEventListener("wheel", (event) => {
    if (total < 2 || event.ctrlKey) return;
    event.preventDefault();
    step(Math.sign(event.deltaY));
  }, { passive: false });
  windows.forEach((one, index) => one.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    choose(index);
  }));
  document.addEventListener("keydown", (event) => {
    const isField = event.target.closest("input:not([type=range]), textarea, select");
    if (isField || event.ctrlKey || event.metaKey || event.altKey || document.body.dataset.keys !== "on"
      || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    if (key === "j") step(1);
    else if (key === "k") step(-1);
    else if (key >= "1" && key <= "5") choose(Number(key) - 1);
    else if (key === "i") about.hidden = !about.hidden;
    else return;
    event.preventDefault();
  });
  if (film.complete) loaded(film.naturalWidth > 0);
  else isLoading = true;
})();
