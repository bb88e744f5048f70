"use strict";
(() => {
  const root = document.body.dataset.root;

  // The time zone of the reader, for the times on the pages. The first page of a browser is in UTC: it is asked for again.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const cookies = () => document.cookie.split("; ");
  if (zone && !cookies().includes(`tz=${zone}`)) {
    const isFirst = zone !== "UTC" && !cookies().some((one) => one.startsWith("tz="));
    document.cookie = `tz=${zone}; path=${root.slice(0, -3) || "/"}; max-age=31536000; samesite=lax`;
    if (isFirst && cookies().includes(`tz=${zone}`)) location.reload();
  }

  // A comment to one person turns the form violet, and its button says to whom.
  document.addEventListener("change", (event) => {
    const select = event.target.closest(".composer select");
    if (!select) return;
    const form = select.closest(".composer");
    const button = form.querySelector("button.primary");
    button.dataset.everyone ??= button.textContent;
    form.classList.toggle("private", select.value !== "");
    button.textContent = select.selectedOptions[0].dataset.send || button.dataset.everyone;
  });

  // A comment is sent without a reload, and what was written is lost only when it is recorded. `ui:page` hands on the
  // page that the answer is.
  const wordsOf = (part) => [...part.querySelectorAll("h1, h1 + p")].map((one) => one.textContent).join(" ");
  const refuse = (form, words) => {
    const refusal = form.querySelector("[data-refusal]");
    refusal.hidden = false;
    refusal.replaceChildren(words || refusal.dataset.refusal);
  };
  for (const [name, isSending] of [["htmx:before:request", true], ["htmx:finally:request", false]]) {
    document.addEventListener(name, ({ detail: { ctx } }) => {
      const text = ctx.sourceElement?.closest(".composer")?.querySelector("textarea");
      if (text) text.readOnly = isSending; // what is written meanwhile would be lost
    });
  }
  document.addEventListener("htmx:after:request", (event) => {
    const { ctx } = event.detail;
    const form = ctx.sourceElement?.closest(".composer");
    if (!form) return;
    if (ctx.response.status === 401) {
      event.preventDefault(); // htmx would leave the page for that of signing in, and what was written with it
      refuse(form, document.getElementById("signed-out").content.cloneNode(true));
      return;
    }
    const answer = new DOMParser().parseFromString(ctx.text, "text/html");
    if (ctx.response.status >= 400) {
      refuse(form, wordsOf(answer.querySelector("main")));
      return;
    }
    form.querySelector("[data-refusal]").hidden = true;
    form.reset();
    form.querySelector("select").dispatchEvent(new Event("change", { bubbles: true }));
    form.querySelector("textarea").focus();
    const comments = answer.getElementById("comments");
    if (comments) document.getElementById("comments")?.replaceWith(comments);
    document.dispatchEvent(new CustomEvent("ui:page", { detail: answer }));
  });
  document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
    const form = ctx.sourceElement?.closest(".composer");
    if (form) refuse(form);
  });

  // The part of the page that takes the place of the one with the focus has it, unless its control is there again.
  let held = null;
  document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
    held = ctx.target?.contains?.(document.activeElement) ? ctx.target.id : null;
  });
  document.addEventListener("htmx:after:swap", () => {
    if (!held || document.activeElement !== document.body) return;
    const part = document.getElementById(held);
    part?.setAttribute("tabindex", "-1");
    part?.focus({ preventScroll: true });
  });

  // Buttons that copy a field.
  const offerCopies = (part) => { for (const one of part.querySelectorAll("[data-copy]")) one.hidden = false; };
  offerCopies(document);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) navigator.clipboard?.writeText(document.getElementById(button.dataset.copy).value);
  });

  // A page with one question, one form or one list is shown over this one; without script its link leads there. A form in
  // it is sent from there: where it leads to another page, that is opened; what it is answered with otherwise, such as
  // itself with the reason for a refusal, takes its place.
  const read = async (address, options = {}) => {
    const answer = await fetch(address, { ...options, headers: { Accept: "text/html", ...options.headers } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return { answer, content: page.querySelector("main > *") };
  };
  // What is being sent has an answer to show, such as a token that is shown once.
  const isSending = (dialog) => dialog.ariaBusy === "true";
  // Returns what ends it. Nothing can be written meanwhile, which would be lost.
  const startSending = (dialog) => {
    const fields = [...dialog.querySelectorAll("input, textarea")].filter((one) => !one.readOnly);
    const hold = (isNow) => { for (const one of fields) one.readOnly = isNow; };
    dialog.ariaBusy = "true";
    hold(true);
    return () => { dialog.ariaBusy = null; hold(false); };
  };
  const fill = (dialog, content) => {
    content.classList.remove("center");
    const title = content.querySelector("h1");
    title.id = "dialog-title";
    title.tabIndex = -1;
    let close = content.querySelector("[data-close]");
    if (!close) {
      close = document.createElement("button");
      close.textContent = document.body.dataset.close;
      content.append(close);
    }
    close.addEventListener("click", (event) => {
      event.preventDefault();
      if (!isSending(dialog)) dialog.close();
    });
    offerCopies(content);
    dialog.replaceChildren(content);
  };
  const complain = (form, words) => {
    form.querySelector("[role=alert]")?.remove();
    const note = document.createElement("p");
    note.className = "note bad";
    note.setAttribute("role", "alert");
    note.replaceChildren(words || document.body.dataset.unsent);
    form.prepend(note);
  };
  // Returns whether the page is left.
  const send = async (dialog, form, submitter) => {
    const body = new URLSearchParams(new FormData(form, submitter));
    const { answer, content } = await read(form.action, { method: "POST", body, headers: { "UI-Dialog": "true" } });
    const leads = answer.headers.get("Location");
    if (leads) {
      location.assign(leads);
      return true;
    }
    if (answer.status === 401) {
      complain(form, document.getElementById("signed-out").content.cloneNode(true));
      return false;
    }
    // Of what is no form, the words alone: what was written stays.
    if (!answer.ok && !content?.querySelector("form")) {
      complain(form, content && wordsOf(content));
      return false;
    }
    fill(dialog, content);
    // A page below that lists what was made is shown anew when the dialog is closed.
    if (answer.ok && content.querySelector("a[data-close]")?.href === location.href) dialog.dataset.stale = "";
    (content.querySelector("[aria-invalid=true]") ?? content.querySelector("h1")).focus();
    return false;
  };
  let isOpening = false;
  const showOver = async (address) => {
    if (isOpening || document.querySelector("dialog")) return;
    isOpening = true;
    const { answer, content } = await read(address).catch(() => ({}));
    isOpening = false;
    if (!answer?.ok || answer.redirected || !content) {
      location.assign(address);
      return;
    }
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-labelledby", "dialog-title");
    fill(dialog, content);
    dialog.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (isSending(dialog)) return;
      const end = startSending(dialog);
      const isLeft = await send(dialog, event.target, event.submitter).catch(() => complain(event.target));
      if (!isLeft) end();
    });
    dialog.addEventListener("cancel", (event) => { if (isSending(dialog)) event.preventDefault(); });
    dialog.addEventListener("close", () => {
      if (isSending(dialog)) { dialog.showModal(); return; } // a second Escape cannot be prevented
      dialog.remove();
      if (dialog.dataset.stale !== undefined) location.reload();
    });
    document.body.append(dialog);
    dialog.showModal();
    content.querySelector("input:not([type=hidden]), textarea, select")?.focus();
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-dialog]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    showOver(link.href);
  });

  // A picture is shown before it is sent, whether it was chosen, taken with the camera, or dropped.
  document.addEventListener("change", (event) => {
    const input = event.target.closest("[data-drop] input[type=file]");
    if (!input) return;
    for (const other of input.form.querySelectorAll("input[type=file]")) {
      if (other !== input && input.files.length) other.value = ""; // one of them is sent
    }
    const preview = input.form.querySelector("[data-preview]");
    const image = preview.querySelector("img");
    if (image.src) URL.revokeObjectURL(image.src);
    const file = input.files[0];
    preview.hidden = !file?.type.startsWith("image/");
    if (preview.hidden) image.removeAttribute("src");
    else image.src = URL.createObjectURL(file);
  });
  for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      const form = document.querySelector("form[data-drop]");
      if (!form || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      form.classList.toggle("over", name === "dragenter" || name === "dragover");
      if (name !== "drop" || !event.dataTransfer.files.length) return;
      const input = form.querySelector("input[type=file]");
      const chosen = new DataTransfer();
      chosen.items.add(event.dataTransfer.files[0]);
      input.files = chosen.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
      form.scrollIntoView({ block: "nearest" });
      form.querySelector("button.primary").focus();
    });
  }

  // The arrows lead to the next and to the previous picture, and in a gallery from one tile to another.
  const arrows = { arrowleft: -1, arrowright: 1 };
  const step = (by) => {
    const link = document.querySelector(by < 0 ? "a[rel=prev]" : "a[rel=next]");
    if (link) { link.click(); return true; }
    const tiles = [...document.querySelectorAll(".gallery figure a")];
    const to = tiles[tiles.indexOf(document.activeElement) + by];
    if (!to || !(by > 0 || tiles.includes(document.activeElement))) return false;
    to.focus();
    return true;
  };

  // The slider of the past. Words and date follow the thumb at once; after 150 ms of rest the page of the moment is
  // asked for, and its parts take the place of those shown. The request in flight is dropped when a newer one starts.
  const card = document.getElementById("past-card");
  if (card) {
    const slider = document.getElementById("stop");
    const field = document.getElementById("at");
    const stops = document.getElementById("stops").options;
    const parts = ["past-band", "past-head", "past-then", "signed-out"];
    let began = location.href;
    let shown = location.search;
    let settled = field.value;
    let isMoving = false;
    let timer;
    let running;
    const say = (words) => {
      document.getElementById("stop-words").textContent = words;
      slider.setAttribute("aria-valuetext", words);
    };
    const wait = (isWaiting) => {
      const shown = [document.getElementById("past-then"), document.querySelector("#past-head .row")];
      for (const one of shown) one?.toggleAttribute("inert", isWaiting);
      shown[0].setAttribute("aria-busy", isWaiting);
    };
    // The stops of a page that was read again. The slider itself stays, with the focus that it may have.
    const takeStops = (page) => {
      const fresh = page.getElementById("past-card");
      if (!fresh) return;
      const now = fresh.querySelector("#at");
      for (const part of ["svg", ".ends", "#stops"]) {
        card.querySelector(part).replaceChildren(...fresh.querySelector(part).childNodes);
      }
      slider.max = fresh.querySelector("#stop").max;
      slider.value = slider.max;
      field.max = now.max;
      field.value = now.value;
      settled = field.value;
    };
    // Unless they are at another moment, or on their way to one, by the thumb or by a date.
    document.addEventListener("ui:put-in", ({ detail: page }) => {
      const isAtRest = !document.getElementById("past-then").hasAttribute("inert");
      if (isAtRest && document.activeElement !== field && slider.value === slider.max) takeStops(page);
    });
    const load = async (at, settle) => {
      const address = new URL(card.action);
      for (const [name, value] of new URLSearchParams(new FormData(card))) {
        if (name !== "at") address.searchParams.set(name, value);
      }
      if (at) address.searchParams.set("at", at);
      running?.abort();
      running = new AbortController();
      try {
        const answer = await fetch(address, { headers: { "HX-Request": "true" }, signal: running.signal });
        const found = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (!answer.ok || !found.getElementById("past-then")) throw new Error(answer.status);
        for (const id of parts) document.getElementById(id).replaceWith(document.adoptNode(found.getElementById(id)));
        document.title = found.title;
        document.body.classList.toggle("is-past", Boolean(at));
        window.htmx?.process(document.getElementById("past-then"));
        document.dispatchEvent(new CustomEvent("ui:moved"));
        wait(false);
        if (!at) takeStops(found);
        shown = address.search;
        settled = field.value;
        settle(address);
      } catch (error) {
        if (error.name !== "AbortError") location.assign(address);
      }
    };
    slider.addEventListener("input", () => {
      const stop = stops[slider.value];
      if (!isMoving) began = location.href;
      isMoving = true;
      say(stop.label);
      field.value = stop.dataset.field;
      wait(true);
      clearTimeout(timer);
      timer = setTimeout(load, 150, stop.dataset.at, (address) => {
        history[isMoving ? "replaceState" : "pushState"](null, "", address);
      });
    });
    slider.addEventListener("change", () => {
      // What was shown before the thumb was moved stays one step back.
      isMoving = false;
      const reached = location.href;
      if (reached === began) return;
      history.replaceState(null, "", began);
      history.pushState(null, "", reached);
      began = reached;
    });
    field.addEventListener("input", () => {
      let place = stops.length - 1;
      while (field.value && place > 0 && stops[place].dataset.field > field.value) place -= 1;
      slider.value = place;
      say(stops[place].label);
      wait(field.value !== settled);
    });
    // Not where a link within the page was followed.
    addEventListener("popstate", () => { if (location.search !== shown) location.reload(); });
  }

  // Keys. Single letters are off in fields, with modifiers, and where the settings say so.
  const places = { a: "/albums", i: "/inbox", p: "/patients" };
  let isGoing = false;
  const focus = (selector) => document.querySelector(selector)?.focus();
  const keys = {
    "?": () => showOver(`${root}/keyboard`),
    "/": () => focus("[data-search], .chips button"),
    c: () => focus(".composer textarea"),
    n: () => {
      const now = document.querySelector("[data-now]");
      const slider = document.getElementById("stop");
      if (!now || document.activeElement !== slider) {
        now?.click();
        return;
      }
      slider.value = slider.max;
      for (const name of ["input", "change"]) slider.dispatchEvent(new Event(name));
    },
    ".": () => document.querySelector("[data-new-entries]")?.click(),
    g: () => { isGoing = true; setTimeout(() => { isGoing = false; }, 1500); },
  };
  document.addEventListener("keydown", (event) => {
    const isSlider = event.target.matches("input[type=range]");
    const field = isSlider ? null : event.target.closest("input, textarea, select, [contenteditable]");
    if (field && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      field.form?.requestSubmit();
      return;
    }
    if (field || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (arrows[key]) {
      if (!isSlider && step(arrows[key])) event.preventDefault();
      return;
    }
    if (document.body.dataset.keys !== "on" || document.querySelector("dialog[open]")) return;
    if (isGoing && places[key]) {
      location.href = root + places[key];
    } else if (keys[key]) {
      keys[key]();
    } else {
      return;
    }
    event.preventDefault();
  });
})();
