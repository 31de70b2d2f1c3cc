// What the page does beyond being read: its colours, the contents' place, and
// for each beat the switch between its difference and the file after it.

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
      const added = shown.parentNode.parentNode.id === block && line.className === "add";
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

// An address that ends in #beat-04-3-source opens that view.
function openAddressed() {
  const address = location.hash.slice(1);
  const beat = document.getElementById(address.replace(/-source$/, ""));
  if (beat?.matches(".beat")) {
    const closed = beat.closest("details");
    if (closed) {
      closed.open = true;
    }
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

document.addEventListener("DOMContentLoaded", () => {
  const contents = document.getElementById("contents");
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
