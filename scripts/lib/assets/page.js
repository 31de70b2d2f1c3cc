// What the page does beyond being read: its colours, the contents' place, the
// search, keys for the chapters, and for each beat the switch between its
// difference and the file after it.

const page = document.documentElement;
page.classList.add("js");

// Light or dark as the system has it, until the reader says something else.
const scheme = {
  read() {
    try {
      return localStorage.getItem("scheme") ?? "";
    } catch {
      return "";
    }
  },
  toggle() {
    const system = matchMedia("(prefers-color-scheme: dark)").matches;
    const dark = page.style.colorScheme ? page.style.colorScheme === "dark" : system;
    page.style.colorScheme = dark ? "light" : "dark";
    try {
      localStorage.setItem("scheme", page.style.colorScheme);
    } catch {
      // It holds for this visit.
    }
  },
};
page.style.colorScheme = scheme.read();

// The file after a beat. data-source says of which lines, all of them somewhere
// on this page: "b01-4.2.7" are lines 2 to 7 of that beat.
function sourceOf(beat) {
  const shown = beat.querySelector("code");
  const view = beat.querySelector("div.sourceCode").cloneNode(false);
  const pre = shown.parentNode.cloneNode(false);
  const code = shown.cloneNode(false);
  view.removeAttribute("id");
  view.classList.add("source");
  for (const run of beat.dataset.source.split(" ")) {
    const [block, first, last] = run.split(".");
    for (let number = Number(first); number <= Number(last); number++) {
      const line = document.getElementById(`${block}-${number}`).cloneNode(true);
      const added = shown.parentNode.parentNode.id === block && line.classList.contains("add");
      line.className = added ? "new" : "old";
      line.removeAttribute("id");
      code.append(line, "\n");
    }
  }
  pre.append(code);
  view.append(pre);
  return view;
}

function show(beat, name) {
  let source = beat.querySelector(".source");
  if (name === "source" && !source) {
    source = sourceOf(beat);
    beat.append(source);
  }
  beat.dataset.view = name;
  for (const button of beat.querySelectorAll(".switch button")) {
    button.setAttribute("aria-pressed", String(button.value === name));
  }
  if (name === "source") {
    const fresh = source.querySelector(".new") ?? source.querySelector("span");
    source.scrollTop = fresh.offsetTop - source.clientHeight / 3;
  }
}

function unfold(node) {
  for (let one = node.closest("details"); one; one = one.parentNode.closest("details")) {
    one.open = true;
  }
}

// An address that ends in #beat-04-3-source opens that view.
function openAddressed() {
  const address = location.hash.slice(1);
  const beat = document.getElementById(address.replace(/-source$/, ""));
  if (beat?.matches(".beat")) {
    unfold(beat);
    show(beat, address.endsWith("-source") ? "source" : "diff");
    beat.scrollIntoView();
  }
}

// Marks where the reader is: the innermost section at a line near the top.
function followReader(contents) {
  const here = new Set();
  const watcher = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      here[isIntersecting ? "add" : "delete"](target);
    }
    const innermost = [...here].find((one) => ![...here].some(
      (other) => other !== one && one.contains(other)));
    contents.querySelector("[aria-current]")?.removeAttribute("aria-current");
    const link = contents.querySelector(`a[href="#${innermost?.id}"]`);
    link?.setAttribute("aria-current", "true");
    link?.scrollIntoView({ block: "nearest" });
  }, { rootMargin: "-15% 0px -84% 0px" });
  for (const section of document.querySelectorAll("section.level2, section.level3")) {
    watcher.observe(section);
  }
}

// What can be found: blocks of text and lines of code, each with its section.
function blocksOfText() {
  const all = "h1, h2, h3, h4, p, li:not(:has(p)), tr, summary, "
    + "pre:not(:has(code > span)), pre code > span";
  return [...document.querySelectorAll(`main :is(${all})`)]
    .filter((node) => !node.closest(".source"))
    .map((node) => ({
      node,
      section: node.closest("section"),
      heading: /^H\d$/.test(node.tagName),
      text: node.textContent.replace(/\s+/g, " ").trim(),
    }));
}

function textNode(kind, text, name = "") {
  const node = document.createElement(kind);
  node.textContent = text;
  node.className = name;
  return node;
}

// Some text around the first place of a word, with the words marked.
function around(text, words) {
  const low = text.toLowerCase();
  const first = Math.min(...words.map((word) => low.indexOf(word)));
  const start = first < 50 ? 0 : Math.min(text.indexOf(" ", first - 40) + 1, first);
  const end = text.length < first + 120 ? text.length
    : Math.max(text.lastIndexOf(" ", first + 120), first + 60);
  const marked = words.map((word) => word.replace(/[^\w\s]/g, "\\$&")).join("|");
  const node = textNode("span", start ? "\u2026 " : "", "around");
  text.slice(start, end).split(new RegExp(`(${marked})`, "i")).forEach((piece, number) => {
    node.append(number % 2 ? textNode("mark", piece) : piece);
  });
  node.append(end < text.length ? " \u2026" : "");
  return node;
}

class Search {
  constructor(form) {
    this.field = form.querySelector("input");
    this.panel = form.querySelector("#hits");
    this.status = form.querySelector("[role=status]");
    this.list = form.querySelector("ul");
    this.field.addEventListener("input", () => this.update());
    this.field.addEventListener("focus", () => this.update());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.list.querySelector("a")?.click();
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        this.leave();
      }
    });
    // A click or the Tab key elsewhere: the words stay for the next visit.
    document.addEventListener("click", (event) => this.hideUnless(event.target));
    document.addEventListener("focusin", (event) => this.hideUnless(event.target));
    this.form = form;
  }

  hideUnless(target) {
    this.panel.hidden ||= !this.form.contains(target);
  }

  leave() {
    this.field.value = "";
    this.panel.hidden = true;
    this.field.blur();
  }

  // One for each section; those first that have the words in their heading.
  find(words) {
    this.blocks ??= blocksOfText();
    const found = new Map();
    for (const block of this.blocks) {
      const text = block.text.toLowerCase();
      if (!found.has(block.section) && words.every((word) => text.includes(word))) {
        found.set(block.section, block);
      }
    }
    const hits = [...found.values()];
    return [...hits.filter((hit) => hit.heading), ...hits.filter((hit) => !hit.heading)];
  }

  update() {
    const query = this.field.value.trim().toLowerCase();
    const words = query.split(/\s+/);
    this.panel.hidden = query.length < 2;
    const hits = this.panel.hidden ? [] : this.find(words);
    this.status.textContent = hits.length === 1 ? "1 section"
      : `${hits.length || "No"} sections`;
    this.list.replaceChildren(...hits.map((hit) => this.item(hit, words)));
  }

  item(hit, words) {
    const link = document.createElement("a");
    const chapter = hit.section.parentNode.closest("section.level2");
    link.href = `#${hit.section.id}`;
    if (chapter) {
      link.append(textNode("span", chapter.querySelector("h2").textContent, "chapter"));
    }
    const heading = hit.section.querySelector("h1, h2, h3, h4");
    link.append(textNode("strong", heading.textContent));
    if (!hit.heading) {
      link.append(around(hit.text, words));
    }
    link.addEventListener("click", () => {
      this.leave();
      // After the browser has gone to the section.
      setTimeout(() => this.reveal(hit.node));
    });
    const item = document.createElement("li");
    item.append(link);
    return item;
  }

  reveal(node) {
    document.querySelector(".found")?.classList.remove("found");
    node.classList.add("found");
    unfold(node);
    if (!/^H\d$/.test(node.tagName)) {
      node.scrollIntoView({ block: "center" });
    }
  }
}

// The chapter that begins after this place, or the one that ended before it.
function chapterBeside(key) {
  const line = 80;
  const chapters = [...document.querySelectorAll("section.level2:has(> h2 .chapter)")];
  return key === "n"
    ? chapters.find((one) => one.getBoundingClientRect().top > line)
    : chapters.findLast((one) => one.getBoundingClientRect().bottom <= line);
}

function onKey(event, contents, search) {
  if (event.ctrlKey || event.metaKey || event.altKey
      || event.target.closest?.("input, textarea, select, [contenteditable]")) {
    return;
  }
  if (event.key === "/") {
    event.preventDefault();
    search.field.focus();
    search.field.select();
  } else if (event.key === "n" || event.key === "p") {
    const chapter = chapterBeside(event.key);
    contents.querySelector(`a[href="#${chapter?.id}"]`)?.click();
  }
}

document.addEventListener("DOMContentLoaded", () => {
  const contents = document.getElementById("outline");
  const search = new Search(document.querySelector("form.search"));
  document.addEventListener("keydown", (event) => onKey(event, contents, search));
  document.querySelector("button.scheme").addEventListener("click", scheme.toggle);
  contents.addEventListener("click", (event) => {
    if (event.target.closest("a") && contents.matches(":popover-open")) {
      contents.hidePopover();
    }
  });
  document.querySelector("main").addEventListener("click", (event) => {
    const button = event.target.closest(".switch button");
    if (button) {
      show(button.closest(".beat"), button.value);
    }
  });
  followReader(contents);
  openAddressed();
});
addEventListener("hashchange", openAddressed);
