"use strict";
(() => {
  const form = document.getElementById("drop");
  const input = document.getElementById("files");
  const folder = document.getElementById("folder");
  const results = document.getElementById("results");
  const title = document.getElementById("results-title");
  const progress = document.getElementById("progress");
  const counts = document.getElementById("counts");
  const stop = document.getElementById("stop");
  const more = document.getElementById("files-more");
  const words = form.dataset;
  const atOnce = 2;
  const longest = 20;
  const second = 1000;

  let waiting = [];
  let total = 0;
  let done = 0;
  let running = 0;
  let stopping = new AbortController();
  const number = { refused: 0, here: 0, added: 0 };
  const look = { refused: "tag bad", here: "tag", added: "tag ok" };
  const capital = { refused: "tagRefused", here: "tagHere", added: "tagAdded" };

  // Files are sent as soon as they are chosen.
  document.getElementById("send").hidden = true;
  document.getElementById("folder-field").hidden = false;
  input.required = false;

  const element = (name, kind, text) => {
    const made = document.createElement(name);
    if (kind) made.className = kind;
    if (text) made.textContent = text;
    return made;
  };

  // Counts are said once a second at most, or a screen reader would speak without end.
  let said = 0;
  let timer = 0;
  const say = () => {
    title.textContent = words.read.replace("{done}", done).replace("{total}", total);
    progress.max = total || 1;
    progress.value = done;
    stop.hidden = !running;
    clearTimeout(timer);
    const left = said + second - Date.now();
    if (running && left > 0) {
      timer = setTimeout(say, left);
      return;
    }
    said = Date.now();
    counts.replaceChildren(...Object.keys(number).filter((one) => number[one]).map((one) =>
      element("span", look[one], words[one].replace("{n}", number[one]))));
  };

  const list = (file) => {
    number[file.outcome] += 1;
    const item = element("li");
    const about = element("span", "small", file.text);
    if (file.url) {
      const link = element("a", "", words.look);
      link.href = file.url;
      about.append(" ", link);
    }
    item.append(element("b", "", file.name), element("span", look[file.outcome], words[capital[file.outcome]]), about);
    if (file.outcome === "refused" || number[file.outcome] <= longest) {
      document.getElementById(`files-${file.outcome}`).append(item);
      return;
    }
    more.hidden = false;
    more.querySelector("ul").append(item);
    more.querySelector("summary").textContent = words.more.replace("{n}", more.querySelectorAll("li").length);
  };

  const send = async (path, file) => {
    const body = new FormData();
    body.append("_csrf", form.elements._csrf.value);
    body.append("file", file, path);
    const refused = (text) => [{ name: path, outcome: "refused", text }];
    try {
      const answer = await fetch(form.action, {
        method: "POST", body, headers: { Accept: "application/json" }, signal: stopping.signal,
      });
      if (answer.redirected) return refused(words.signedOut);
      if (!answer.ok) return refused(words.failed);
      return (await answer.json()).files;
    } catch {
      return refused(stopping.signal.aborted ? words.stopped : words.lost);
    }
  };

  const work = () => {
    while (running < atOnce && waiting.length) {
      const { path, file } = waiting.shift();
      running += 1;
      send(path, file).then((files) => {
        running -= 1;
        done += 1;
        for (const one of files) list({ ...one, name: path });
        say();
        work();
      });
    }
    say();
  };

  const add = (files) => {
    if (!files.length) return;
    if (stopping.signal.aborted) stopping = new AbortController();
    results.hidden = false;
    total += files.length;
    waiting.push(...files);
    work();
  };
  const chosen = (event) => {
    add([...event.target.files].map((file) => ({ path: file.webkitRelativePath || file.name, file })));
    event.target.value = "";
  };
  input.addEventListener("change", chosen);
  folder.addEventListener("change", chosen);

  // A folder gives its entries some at a time.
  const entries = async (folder_) => {
    const reader = folder_.createReader();
    const found = [];
    for (;;) {
      const some = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
      if (!some.length) return found;
      found.push(...some);
    }
  };
  const gather = async (entry) => {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => { entry.file(resolve, reject); });
      add([{ path: entry.fullPath.slice(1), file }]);
      return;
    }
    for (const one of await entries(entry)) await gather(one);
  };
  form.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("over");
  });
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    const dropped = [...event.dataTransfer.items].filter((item) => item.kind === "file");
    const found = dropped.map((item) => item.webkitGetAsEntry());
    found.forEach((entry, index) => {
      if (entry) {
        gather(entry).catch(() => {});
        return;
      }
      const file = dropped[index].getAsFile();
      if (file) add([{ path: file.name, file }]);
    });
  });

  // What is in stays in.
  stop.addEventListener("click", () => {
    total -= waiting.length;
    waiting = [];
    stopping.abort();
    say();
  });
  addEventListener("beforeunload", (event) => {
    if (running) event.preventDefault();
  });
})();
