"use strict";
(() => {
  const root = document.body.dataset.root;

  // The time zone of the reader, for the times on the pages. The first page of a browser shows UTC.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.split("; ").includes(`tz=${zone}`)) {
    document.cookie = `tz=${zone}; path=${root.slice(0, -3) || "/"}; max-age=31536000; samesite=lax`;
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

  // Buttons that copy a field.
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => navigator.clipboard?.writeText(document.getElementById(button.dataset.copy).value));
  }

  // Keys. Single letters are off in fields, with modifiers, and where the settings say so.
  const places = { a: "/albums", i: "/inbox", p: "/patients" };
  let isGoing = false;
  const focus = (selector) => document.querySelector(selector)?.focus();
  const keys = {
    "?": () => { location.href = `${root}/keyboard`; },
    "/": () => focus("[data-search], .chips button"),
    c: () => focus(".composer textarea"),
    n: () => document.querySelector("[data-now]")?.click(),
    ".": () => document.querySelector("[data-new-entries]")?.click(),
    g: () => { isGoing = true; setTimeout(() => { isGoing = false; }, 1500); },
  };
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("input, textarea, select, [contenteditable]");
    if (field && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      field.form?.requestSubmit();
      return;
    }
    if (field || event.ctrlKey || event.metaKey || event.altKey || document.body.dataset.keys !== "on") return;
    const key = event.key.toLowerCase();
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
