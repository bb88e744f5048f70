// Finding operations by words, and opening the one that the address names. Without script every operation is a click away.
"use strict";
(() => {
  const contents = document.querySelector("nav");
  const sections = [...document.querySelectorAll("main section")];
  const operations = [...document.querySelectorAll("details.operation")];
  const form = document.getElementById("search");
  const words = document.getElementById("words");
  const found = document.getElementById("found");

  const find = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const operation of operations) {
      const text = operation.querySelector("summary").textContent.toLowerCase();
      operation.hidden = !wanted.every((word) => text.includes(word));
      shown += operation.hidden ? 0 : 1;
    }
    for (const section of sections) {
      section.hidden = wanted.length > 0 && !section.querySelector("details.operation:not([hidden])");
    }
    contents.hidden = wanted.length > 0;
    found.textContent = wanted.length ? `${shown} of ${operations.length}` : "";
  };

  const open = () => {
    const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!named) return;
    if (named.closest("[hidden]")) { // it is not among those found
      words.value = "";
      find();
    }
    if (named instanceof HTMLDetailsElement) named.open = true;
    named.scrollIntoView();
  };

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  words.addEventListener("input", find);
  addEventListener("hashchange", open);
  open();
})();
