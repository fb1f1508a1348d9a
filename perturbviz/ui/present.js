// While presenting: a small bar with the step, and the keys that step, scroll, or leave with Esc.
const IN_FIELD = "input, textarea, select, [contenteditable], [role=slider], [role=listbox], [role=combobox], [role=radio]";

export default function ({ parentElement, data, setTriggerValue }) {
  const go = (where) => setTriggerValue("go", where);
  let bar = parentElement.querySelector(".pv-present");
  if (!bar) {
    bar = document.createElement("nav");
    bar.className = "pv-present";
    bar.setAttribute("aria-label", "Presentation");
    for (const [where, label, sign] of [["previous", "Previous view", "‹"], ["", "", ""], ["next", "Next view", "›"],
      ["leave", "Leave the presentation", "×"]]) {
      const part = document.createElement(where ? "button" : "span");
      part.textContent = sign;
      if (where) {
        part.type = "button";
        part.dataset.go = where;
        part.setAttribute("aria-label", label);
      }
      bar.append(part);
    }
    parentElement.append(bar);
  }
  const shown = bar.querySelector("span");
  if (shown.textContent !== data.where) document.querySelector(".stMain")?.scrollTo(0, 0);
  shown.textContent = data.where;
  shown.title = data.title;
  bar.onclick = (event) => event.target.dataset.go && go(event.target.dataset.go);
  const keys = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    const where = { ArrowRight: "next", PageDown: "next", ArrowLeft: "previous", PageUp: "previous", Escape: "leave" }[event.key];
    const down = { ArrowDown: 1, " ": 1, ArrowUp: -1 }[event.key];
    if (down && !event.target.closest?.(`${IN_FIELD}, button, a`)) {
      event.preventDefault();
      document.querySelector(".stMain")?.scrollBy({ top: down * 0.75 * window.innerHeight, behavior: "smooth" });
    }
    if (!where || (where !== "leave" && event.target.closest?.(IN_FIELD))) return;
    event.preventDefault();
    go(where);
  };
  document.addEventListener("keydown", keys);
  return () => document.removeEventListener("keydown", keys);
}
