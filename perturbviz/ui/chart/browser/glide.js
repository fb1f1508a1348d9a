// Points, lines and bars move from where they were drawn to where they are drawn now.
// The figure is complete before the glide starts (hover, clicks and exports see the new data at once): only the
// attributes of the drawn SVG elements are played from old to new, so a glide can be dropped at any moment.

const DURATION = 280;
const MAX_ELEMENTS = 3000;
const MAX_NUMBERS = 60000;
const ATTRIBUTES = ["transform", "d", "x", "y"];
const NUMBER = /-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?/gi;

/** What is on screen: key of each drawn element (trace, kind, id) to the element. */
function drawn(gd) {
  const elements = new Map();
  for (const group of gd.querySelectorAll(".cartesianlayer g.trace")) {
    const trace = group.__data__?.[0]?.trace;
    if (!trace) continue;
    const subplot = (trace.xaxis ?? "x") + (trace.yaxis ?? "y");
    const counts = {};
    for (const el of group.querySelectorAll("path, text")) {
      const kind = el.tagName + (el.getAttribute("class") ?? "") + (el.parentNode.getAttribute("class") ?? "");
      const count = (counts[kind] = (counts[kind] ?? -1) + 1);
      const datum = el.__data__ ?? el.parentNode.__data__;
      const id = datum?.id ?? trace.ids?.[datum?.i] ?? `#${count}`;
      elements.set(`${trace.uid}|${subplot}|${kind}|${id}`, el);
    }
    if (elements.size > MAX_ELEMENTS) return null;
  }
  return elements;
}

/** Remember where everything is; null when there is nothing to glide from or too much. */
export function remember(gd) {
  const elements = drawn(gd);
  if (!elements?.size) return null;
  const places = new Map();
  for (const [key, el] of elements) places.set(key, ATTRIBUTES.map((name) => el.getAttribute(name)));
  return places;
}

function numbers(text) {
  return text.match(NUMBER)?.map(Number) ?? [];
}

/** Moves of one attribute, or null if old and new shape differ in more than numbers. */
function move(el, name, from, to) {
  if (from === to || !from || !to) return null;
  const shape = to.split(NUMBER);
  if (from.replace(NUMBER, "0") !== to.replace(NUMBER, "0")) return null;
  return { el, name, shape, from: numbers(from), to: numbers(to), texts: to.match(NUMBER), end: to, written: to };
}

function place(item, t) {
  let text = item.shape[0];
  for (let i = 0; i < item.to.length; i++) {
    // A number that stays is written as it stands: the flags of an arc must be 0 or 1, not 0.00.
    const between = item.from[i] === item.to[i] ? item.texts[i] : (item.from[i] + (item.to[i] - item.from[i]) * t).toFixed(2);
    text += between + item.shape[i + 1];
  }
  item.el.setAttribute(item.name, text);
  item.written = text;
}

/** Play from the remembered places; returns a function that stops where things are, for a newer figure. */
export function glide(gd, places) {
  const elements = drawn(gd);
  if (!elements || !places) return () => {};
  let items = [];
  let total = 0;
  const fresh = [];
  for (const [key, el] of elements) {
    const before = places.get(key);
    if (!before) {
      fresh.push(el);
      continue;
    }
    ATTRIBUTES.forEach((name, k) => {
      const item = move(el, name, before[k], el.getAttribute(name));
      if (item) {
        items.push(item);
        total += item.to.length;
      }
    });
  }
  if (total > MAX_NUMBERS) return () => {};
  for (const el of fresh.slice(0, 1000)) {
    el.animate?.({ opacity: [0, getComputedStyle(el).opacity] }, { duration: DURATION, easing: "ease-out" });
  }
  if (!items.length) return () => {};
  for (const item of items) place(item, 0);
  const start = performance.now();
  let frame = requestAnimationFrame(step);
  function step(now) {
    const part = Math.min(1, Math.max(0, (now - start) / DURATION));
    const eased = 1 - (1 - part) ** 3;
    // Whatever Plotly has drawn anew meanwhile (zoom, hidden trace, resize) is its own again.
    items = items.filter((item) => item.el.getAttribute(item.name) === item.written);
    for (const item of items) {
      if (part < 1) place(item, eased);
      else item.el.setAttribute(item.name, item.end);
    }
    if (part < 1 && items.length) frame = requestAnimationFrame(step);
    else delete gd.dataset.gliding;
  }
  gd.dataset.gliding = items.length;
  return () => {
    cancelAnimationFrame(frame);
    delete gd.dataset.gliding;
  };
}
