// The page: choices, what they lead to, and the drawing. A view is { metric, ref, genes, avg, on }; `wish` is what was
// asked for, `now` what is shown: a choice that another one rules out is kept, and is back when nothing rules it out.
import { Views, unpacked } from "./explore_data.js";
import { digits, escaped, order, recoloured, slope, spread } from "./explore_figures.js";
import { SIZES, asSvg, copies, copyPicture, save } from "./figure_file.js";

const $ = (selector, from = document) => from.querySelector(selector);
const FIELDS = ["metric", "ref", "genes", "avg", "on"];
const controls = $("#pv-controls");
const paper = matchMedia("print");
const night = matchMedia("(prefers-color-scheme: dark)");
const config = { displaylogo: false, showSendToCloud: false, displayModeBar: false, responsive: false };
let views, wish, now, before, kept, shown, marked, chosenTheme;

function element(tag, more = {}, ...children) {
  const node = Object.assign(document.createElement(tag), more);
  node.append(...children);
  return node;
}

/** A computed sentence: **bold** and backslash escapes; everything else is text. */
function sentence(text) {
  let bold = false;
  const parts = [];
  for (const [, literal, mark, plain] of text.matchAll(/\\(.)|(\*\*)|([^\\*]+|[\\*])/gs)) {
    if (mark) bold = !bold;
    else parts.push(bold ? element("strong", { textContent: literal ?? plain }) : literal ?? plain);
  }
  return parts;
}

const plain = (text) => sentence(text).map((part) => part.textContent ?? part).join("");

// ---- which view ---------------------------------------------------------------------------------------------------

const unique = (items) => [...new Set(items)];
const kinds = () => unique(views.genes.map((g) => g.kind));
const gene = (key) => views.genes.find((g) => g.key === key);

/** Gene subsets offered for a metric and reference on a part of the perturbations. */
function offeredGenes({ metric, ref, on }) {
  const part = views.parts.findIndex((p) => p.id === on);
  return views.genes.filter((g) => {
    const setting = views.place.get(`${metric}|${ref}|${g.key}`);
    return setting !== undefined && views.at.has(`${setting}|${part}`);
  });
}

/** The view nearest to a wish that the page holds. */
function nearest(asked) {
  const metric = views.references_of.has(asked.metric) ? asked.metric : views.metrics[0].id;
  const references = views.references_of.get(metric);
  const ref = references.includes(asked.ref) ? asked.ref : references[0];
  const avg = views.averages.includes(asked.avg) ? asked.avg : views.averages[0];
  let on = views.parts.some((p) => p.id === asked.on) ? asked.on : views.parts[0].id;
  on = [on, ...views.parts.map((p) => p.id)].find((p) => offeredGenes({ metric, ref, on: p }).length);
  let offered = offeredGenes({ metric, ref, on });
  if (!offered.some((g) => g.key === asked.genes) && offeredGenes({ metric, ref, on: views.parts[0].id }).some((g) => g.key === asked.genes)) {
    on = views.parts[0].id; // these genes are offered with all perturbations only
    offered = offeredGenes({ metric, ref, on });
  }
  const want = gene(asked.genes) ?? offered[0];
  const far = (g) => (g.kind === want.kind ? 0 : 100) + (g.targets === want.targets ? 0 : 10) + Math.abs(Math.log((+g.n || 1e5) / (+want.n || 1e5)));
  const genes = offered.toSorted((a, b) => far(a) - far(b))[0].key;
  return { metric, ref, genes, avg, on };
}

const start = () => nearest({ ...views.start, avg: "mean", on: views.parts[0].id });
const same = (a, b) => FIELDS.every((f) => a?.[f] === b?.[f]);
const setting = (view) => views.settings[views.find(view).setting];
const metricOf = (view) => views.metrics.find((m) => m.id === view.metric);

/** The view of the left ruler: the one before, the one kept, or another metric on the same genes; undefined where the
 *  page does not hold it. */
function leftView() {
  if (wish.left === "kept" && kept) return kept;
  if (wish.left && wish.left !== "before" && wish.left !== "kept") {
    const [metric, ref] = wish.left.split(":");
    const other = { ...now, metric, ref };
    return views.find(other) && other;
  }
  if (before) return before;
  const others = views.settings.filter((s) => s.genes === now.genes && (s.metric !== now.metric || s.ref !== now.ref));
  const telling = ["pearson_delta", "mse", "l2"].map((m) => others.find((s) => s.metric === m)).find(Boolean) ?? others[0];
  const other = telling && { ...now, metric: telling.metric, ref: telling.ref };
  return other && views.find(other) ? other : now;
}

// ---- address ------------------------------------------------------------------------------------------------------

function fromAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const found = { ...wish };
  for (const field of [...FIELDS, "left"]) if (asked.has(field)) found[field] = asked.get(field);
  const hidden = asked.getAll("hide");
  shown = new Set(views.methods.map((m) => m.id).filter((m) => !hidden.includes(m)));
  if (!shown.size) shown = new Set(views.methods.map((m) => m.id));
  return found;
}

function address() {
  const parts = new URLSearchParams(FIELDS.map((f) => [f, now[f]]));
  if (wish.left && wish.left !== "before" && wish.left !== "kept") parts.set("left", wish.left);
  for (const method of views.methods) if (!shown.has(method.id)) parts.append("hide", method.id);
  return `#${parts.toString().replace(/%3A/g, ":").replace(/%3B/g, ";")}`;
}

let written;
function keepAddress() { // after the drawing: the browser takes longer for an address than for a chart's axis
  clearTimeout(written);
  written = setTimeout(() => {
    try {
      history.replaceState(null, "", address());
    } catch { /* a page inside another one may have no address of its own */ }
  }, 60);
}

/** Where this picture can be found again: in full where the page is on the web, otherwise the file and its fragment. */
function link() {
  if (/^https?:/.test(location.protocol)) return location.href.split("#")[0] + address();
  return `${decodeURIComponent(location.pathname.split("/").pop() || "this page")}${address()}`;
}

// ---- controls -----------------------------------------------------------------------------------------------------

function fill(select, options, value) {
  const key = JSON.stringify(options);
  if (select.dataset.options !== key) filled(select, options);
  select.dataset.options = key;
  select.value = value;
}

function filled(select, options) {
  const made = (o) => element("option", { value: o.value, textContent: o.label, disabled: Boolean(o.off) });
  const groups = unique(options.map((o) => o.group ?? ""));
  const nodes = groups.flatMap((group) => {
    const inside = options.filter((o) => (o.group ?? "") === group).map(made);
    return group ? [element("optgroup", { label: group }, ...inside)] : inside;
  });
  select.replaceChildren(...nodes);
}

function radios(box, name, options, value) {
  const inputs = [...box.querySelectorAll("input")];
  if (inputs.length !== options.length) { // made once: whoever moves by keyboard keeps the place
    box.replaceChildren(...options.map((o) => element("label", {}, element("input", { type: "radio", name, value: o.value }), ` ${o.label} `)));
    return radios(box, name, options, value);
  }
  options.forEach((o, i) => Object.assign(inputs[i], { checked: o.value === value, disabled: Boolean(o.off) }));
}

const AVERAGES = { mean: "mean", median: "median" };
const KINDS = { all: "all genes", expressed: "highly expressed", de: "differentially expressed", own: "own list" };

function showControls() {
  const { elements } = controls;
  fill(elements.metric, views.metrics.map((m) => ({ value: m.id, label: `${m.name} ${{ true: "↑", false: "↓" }[m.rises]}`, group: m.family })), now.metric);
  const offered = views.references_of.get(now.metric);
  radios($("#pv-references"), "ref", Object.entries(views.references).map(([value, label]) => ({ value, label, off: !offered.includes(value) })), now.ref);
  const subsets = offeredGenes(now);
  const here = gene(now.genes);
  fill(elements.kind, kinds().map((k) => ({ value: k, label: KINDS[k] ?? "as published", off: !subsets.some((g) => g.kind === k) })), here.kind);
  const numbers = unique(subsets.filter((g) => g.kind === here.kind).map((g) => g.n));
  fill(elements.n, numbers.map((n) => ({ value: n, label: n ? Number(n).toLocaleString("en") : "all" })), here.n);
  elements.n.disabled = numbers.length < 2;
  const without = views.genes.some((g) => !g.targets);
  $("#pv-targets").hidden = !without;
  const other = subsets.some((g) => g.kind === here.kind && g.n === here.n && g.targets !== here.targets);
  Object.assign(elements.targets, { checked: !here.targets, disabled: !other });
  radios($("#pv-averages"), "avg", views.averages.map((a) => ({ value: a, label: AVERAGES[a] })), now.avg);
  const places = views.parts.map((p, i) => ({ value: p.id, label: p.label, off: !views.at.has(`${views.find(now).setting}|${i}`) }));
  fill(elements.on, places, now.on);
  const rulers = views.settings.filter((s) => s.genes === now.genes && views.find({ ...now, metric: s.metric, ref: s.ref }));
  fill(elements.left, [
    { value: "before", label: "the view before" }, { value: "keep", label: "keep this view to compare with" }, ...(kept ? [{ value: "kept", label: "the view kept" }] : []),
    ...rulers.map((s) => ({ value: `${s.metric}:${s.ref}`, label: s.name, group: "on the same genes" })),
  ], wish.left || "before");
  if (!$("#pv-shown").childElementCount) {
    $("#pv-shown").append(...views.methods.map((m) => element("label", {}, element("input", { type: "checkbox", name: "show", value: m.id }), ` ${m.name}`)));
  }
  for (const box of controls.querySelectorAll("[name=show]")) box.checked = shown.has(box.value);
  $("#pv-methods summary").textContent = `Methods (${shown.size} of ${views.methods.length} shown)`;
}

function changed({ target }) {
  const { name, value } = target;
  if (name === "show") {
    target.checked ? shown.add(value) : shown.delete(value);
    if (!shown.size) shown.add(value);
    return draw();
  }
  if (name === "left") {
    if (value === "keep") [kept, wish.left] = [now, "kept"];
    else wish.left = value;
    return draw();
  }
  const { elements } = controls;
  if (["kind", "n", "targets"].includes(name)) {
    const minus = elements.targets.checked ? "-targets" : "";
    const kind = elements.kind.value;
    const n = name === "kind" ? gene(wish.genes)?.n || "1000" : elements.n.value;
    const key = `${kind}${["expressed", "de"].includes(kind) ? `:${n}` : ""}${minus}`;
    const nearby = offeredGenes(now).filter((g) => g.kind === kind);
    wish.genes = gene(key) ? key : nearby.toSorted((a, b) => Math.abs(a.n - n) - Math.abs(b.n - n))[0].key;
  } else if (name) wish[name] = value;
  move(nearest(wish));
}

function move(next) {
  if (now && !same(next, now)) before = now;
  now = next;
  draw();
}

// ---- drawing ------------------------------------------------------------------------------------------------------

const dark = () => !paper.matches && (chosenTheme ?? (night.matches ? "dark" : "light")) === "dark";
const templates = {};

function themed({ data, layout }) {
  const key = dark() ? "dark" : "light";
  templates[key] ??= recoloured({ layout: { ...views.template.layout, font: { ...views.template.layout.font, family: getComputedStyle(document.documentElement).fontFamily } } }, key === "dark" ? views.dark : {});
  const swap = key === "dark" ? (part) => recoloured(part, views.dark) : (part) => part;
  return { data: swap(data), layout: { ...swap(layout), template: templates[key] } };
}

const widths = {}; // measured once: asking makes the browser lay out the page
const widthOf = (key) => (widths[key] ??= Math.max($(`#pv-${key} .chart`).clientWidth, 260));
const figures = {}; // key -> what was drawn last, in light colours

function paint(key, figure, caption, alt, table) {
  const box = $(`#pv-${key}`);
  const plot = $(".chart", box);
  const width = widthOf(key);
  figures[key] = { ...figure, width, table };
  const { data, layout } = themed(figure);
  plot.style.minHeight = `${figure.layout.height}px`;
  plot.setAttribute("aria-label", alt);
  $("figcaption", box).textContent = caption;
  return Plotly.react(plot, data, { ...layout, width, autosize: false }, config);
}

const ordinal = (rank) => {
  if (!Number.isInteger(rank)) return `${ordinal(Math.floor(rank))}–${ordinal(Math.ceil(rank))}`;
  return `${rank}${[11, 12, 13].includes(rank % 100) ? "th" : { 1: "st", 2: "nd", 3: "rd" }[rank % 10] ?? "th"}`;
};

/** What to notice in the slope chart: how many change place, and who moves most. */
function moves(left, right) {
  const was = new Map(left.map((l) => [l.method, l.rank]));
  const both = right.filter((l) => !Number.isNaN(l.rank) && !Number.isNaN(was.get(l.method)));
  const changedPlace = both.filter((l) => l.rank !== was.get(l.method));
  const missing = right.filter((l) => !both.includes(l)).map((l) => l.name);
  const absent = missing.length ? ` Undefined under one of them: ${missing.join(", ")}.` : "";
  if (!both.length) return "No method is defined under both.";
  if (!changedPlace.length) return `The order is the same.${absent}`;
  const most = changedPlace.toSorted((a, b) => Math.abs(b.rank - was.get(b.method)) - Math.abs(a.rank - was.get(a.method)))[0];
  return `${changedPlace.length} of ${both.length} methods change place; ${most.name} moves most, from ${ordinal(was.get(most.method))} to ${ordinal(most.rank)}.${absent}`;
}

function differs(a, b) { // what a ruler is called: all that the other one has otherwise
  const said = [setting(a).name];
  if (a.genes !== b.genes) said.push(gene(a.genes).label);
  if (a.avg !== b.avg) said.push(AVERAGES[a.avg]);
  if (a.on !== b.on) said.push(views.parts.find((p) => p.id === a.on).label);
  return said;
}

function draw() {
  const started = performance.now();
  showControls();
  const where = views.find(now);
  const [headline, questions, interval] = views.said(where);
  $("#pv-headline").replaceChildren(...sentence(headline));
  $("#pv-questions").replaceChildren(...sentence(questions));
  const here = setting(now);
  const few = shown.size < views.methods.length ? `Ranks, intervals and the sentence are about all ${views.methods.length} methods, ${shown.size} of which are drawn.` : "";
  const instead = now.genes === wish.genes || !wish.genes ? "" : `${gene(wish.genes)?.label ?? wish.genes}: not offered here; shown instead: ${gene(now.genes).label}.`;
  $("#pv-note").textContent = [instead, here.doubt, here.note, interval, few, views.seen].filter(Boolean).join(" ");
  const all = views.ranking(where);
  const lines = all.filter((l) => shown.has(l.method));
  const metric = metricOf(now);
  const width = widthOf;
  const alt = lines.map((l) => `${place(l)} ${l.name} ${digits(l.score)}`).join(", ");
  const told = paint("order", order(lines, views.methods, metric, width("order")), metric.summary, `Ranking by ${metric.name} (${metric.arrow}): ${alt}.`, () => table(lines));
  const other = leftView();
  const left = other ? views.ranking(views.find(other)).filter((l) => shown.has(l.method)) : [];
  const [from, to] = other ? [differs(other, now), differs(now, other)] : [["not offered on these genes"], differs(now, now)];
  const drawn = slope(left, lines, views.methods, [from, to].map((h) => wrapped(h, width("slope"))), width("slope"));
  paint("slope", drawn, other ? `Left: ${from.join(", ")}; right: ${to.join(", ")}. ${moves(left, lines)}` : "The left ruler is not offered on these genes: choose another.", `Ranks of ${lines.length} methods under two rulers.`, () => slopeTable(left, lines, from, to));
  const points = views.points(where);
  paint("spread", spread(lines, points, views.methods, metric, marked, width("spread"), here.whole), spreadCaption(points, here), `${metric.name} of ${points.labels.length} perturbations for each of ${lines.length} methods.`, () => pointTable(lines, points));
  showNumbers(lines);
  keepAddress();
  document.documentElement.dataset.drawn = String(Number(document.documentElement.dataset.drawn ?? 0) + 1);
  document.documentElement.dataset.milliseconds = (performance.now() - started).toFixed(1);
  return told;
}

const place = (line) => (Number.isNaN(line.rank) ? "undefined" : ordinal(line.rank));

function wrapped(parts, width) {
  const room = Math.max(12, Math.floor(width / 2 / 7));
  const lines = [];
  for (const word of parts.join(", ").split(" ")) {
    if (lines.length && `${lines.at(-1)} ${word}`.length <= room) lines[lines.length - 1] += ` ${word}`;
    else lines.push(word);
  }
  return lines.slice(0, 3).map(escaped).join("<br>");
}

function spreadCaption({ labels, n, total }, { whole }) {
  const bar = `Red bar: ${now.avg}. `;
  if (whole) return `${bar}One value holds all perturbations of a data set; none can be followed.`;
  const mean = n.some((k) => k > 1) ? "A point is a perturbation, the mean over its splits. " : "A point is a perturbation. ";
  const some = total > labels.length ? `Drawn: an even choice of ${labels.length} of ${total.toLocaleString("en")}. ` : "";
  return `${bar}${mean}${some}${marked ? `Ring: ${marked}.` : "Click a point to follow its perturbation."}`;
}

// ---- numbers ------------------------------------------------------------------------------------------------------

function table(lines) {
  return [["method", "name", "score", "low", "high", "rank", "tier"], ...lines.map((l) => [l.method, l.name, l.score, l.low, l.high, l.rank, l.tier])];
}

function slopeTable(left, right, from, to) {
  const was = new Map(left.map((l) => [l.method, l.rank]));
  return [["method", "name", `rank: ${from.join(", ")}`, `rank: ${to.join(", ")}`], ...right.map((l) => [l.method, l.name, was.get(l.method) ?? NaN, l.rank])];
}

function pointTable(lines, { labels, values }) {
  return [["method", "name", "perturbation", "value"], ...lines.flatMap((l) => values(l.i).map((v, j) => [l.method, l.name, labels[j], v]))];
}

function showNumbers(lines) {
  const [head, ...rows] = table(lines);
  const cell = (v) => (typeof v === "number" ? element("td", { className: "number", textContent: digits(v) }) : element("td", { textContent: v }));
  $("#pv-table > div").replaceChildren(element("div", { className: "scroll" }, element("table", {},
    element("thead", {}, element("tr", {}, ...head.slice(1).map((h) => element("th", { scope: "col", textContent: h })))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.slice(1).map(cell)))))),
  element("p", { className: "small", textContent: "low, high: 95% interval. Methods of one tier cannot be told apart from its best." }));
}

/** What a figure is about, for its foot and for columns of its table. */
function about() {
  const simulated = views.simulated ? " (simulated data: no real system is shown)" : "";
  return { data_set: `${views.title}${simulated}`, view: plain(views.said(views.find(now))[1]), source: `${views.source} · content ${views.content}`, link: link() };
}

/** A table as CSV, with what it is about in the last columns; text that a spreadsheet would run is made harmless. */
function csv([head, ...rows]) {
  const said = about();
  const safe = (v) => {
    if (typeof v === "number") return Number.isNaN(v) ? "" : String(v);
    const text = /^[=+\-@\t\r]/.test(v) && Number.isNaN(Number(v)) ? `'${v}` : v;
    return /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  };
  return [[...head, ...Object.keys(said)], ...rows.map((row) => [...row, ...Object.values(said)])].map((row) => row.map(safe).join(",")).join("\n") + "\n";
}

function takeHome(key, name) {
  const file = () => `perturbviz-${name}-${now.metric.replace(/\W+/g, "-")}`;
  const lines = () => Object.values(about());
  const svg = (size) => {
    const { data, layout, width } = figures[key];
    return asSvg(Plotly, { data, layout: { ...layout, template: views.template }, width, height: layout.height }, lines(), size);
  };
  const button = (label, action) => {
    const node = element("button", { type: "button", textContent: label });
    node.addEventListener("click", () => Promise.resolve(action()).catch((error) => failed(error.message)));
    return node;
  };
  const buttons = Object.entries(SIZES).map(([id, size]) => button(`SVG ${size.label}`, async () => save(await svg(size), "image/svg+xml", `${file()}-${id}.svg`)));
  buttons.push(button("CSV", () => save(csv(figures[key].table()), "text/csv", `${file()}.csv`)));
  if (copies()) buttons.push(button("Copy as picture", async () => copyPicture(await svg(SIZES.screen))));
  $(`#pv-${key}`).append(element("details", {}, element("summary", { textContent: "Take it home" }), element("div", {}, ...buttons)));
}

// ---- start --------------------------------------------------------------------------------------------------------

function failed(message) {
  Object.assign($("#pv-problem"), { hidden: false, textContent: message });
}

function showTheme() {
  const on = (chosenTheme ?? (night.matches ? "dark" : "light")) === "dark";
  document.documentElement.dataset.theme = dark() ? "dark" : "light";
  Object.assign($("#pv-theme"), { textContent: on ? "Light" : "Dark" });
}

function listen() {
  controls.addEventListener("change", changed);
  controls.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", () => {
    wish = fromAddress();
    move(nearest(wish));
  });
  const redraw = () => {
    for (const key of Object.keys(widths)) delete widths[key];
    draw();
  };
  const repaint = () => {
    showTheme();
    redraw();
  };
  night.addEventListener("change", repaint);
  paper.addEventListener("change", repaint);
  $("#pv-theme").addEventListener("click", () => {
    chosenTheme = dark() ? "light" : "dark";
    repaint();
  });
  $("#pv-link").addEventListener("click", async ({ target }) => {
    try {
      await navigator.clipboard.writeText(location.href.split("#")[0] + address());
      target.textContent = "Copied";
      setTimeout(() => (target.textContent = "Copy link"), 1500);
    } catch {
      failed("The browser does not let this page copy: the address bar holds the link.");
    }
  });
  let wide = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== wide) redraw();
    wide = innerWidth;
  });
  $("#pv-spread .chart").on("plotly_click", ({ points }) => {
    const name = points[0]?.customdata;
    if (name === undefined) return;
    marked = marked === name ? undefined : name;
    draw();
  });
}

/** For whoever embeds the page, and for tests. */
function offer() {
  const number = (v) => (Number.isFinite(v) ? v : null);
  window.perturbviz = {
    /** The methods that are drawn, best first; null where something is undefined. */
    ranking: () => views.ranking(views.find(now)).filter((l) => shown.has(l.method))
      .map(({ method, name, score, low, high, rank }) => ({ method, name, score: number(score), low: number(low), high: number(high), rank: number(rank) })),
    /** Show another view: any of metric, ref, genes, avg and on; refused, with nothing changed, where it is not held. */
    set: (changes = {}) => {
      const unknown = Object.keys(changes).filter((name) => !FIELDS.includes(name));
      if (unknown.length) throw new Error(`There is no ${unknown.join(", ")}; there are: ${FIELDS.join(", ")}.`);
      const asked = { ...now, ...changes };
      asked.ref = views.reference(asked.metric, asked.ref);
      if (!views.find(asked)) throw new Error(`This page holds no view ${FIELDS.map((f) => `${f}=${asked[f]}`).join("&")}.`);
      wish = { ...wish, ...asked };
      move(asked);
    },
    /** The view that is shown. */
    view: () => ({ ...now }),
    /** Every view that the page holds, as arguments of `set`. */
    views: () => views.views.flatMap(([s, p]) => views.averages.map((avg) => {
      const { metric, ref, genes } = views.settings[s];
      return { metric, ref, genes, avg, on: views.parts[p].id };
    })),
  };
}

(async () => {
  const [header, numbers, library] = await Promise.all(["pv-header", "pv-numbers", "pv-plotly"].map(unpacked));
  document.head.append(element("script", { textContent: new TextDecoder().decode(library) }));
  views = new Views(JSON.parse(new TextDecoder().decode(header)), numbers);
  showTheme();
  wish = { ...start(), left: "before" };
  wish = fromAddress();
  now = nearest(wish);
  for (const [key, name] of [["order", "ranking"], ["slope", "two-rulers"], ["spread", "scores"]]) takeHome(key, name);
  await draw();
  listen();
  offer();
  document.documentElement.dataset.ready = "yes";
})().catch((error) => failed(`The page could not be drawn (${error.message}): open it in a browser from 2023 or later.`));
