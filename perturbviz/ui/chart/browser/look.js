// A figure as sent becomes a figure as drawn: colours of the theme, wrapped title, room for the legend, identities.

const TEXT = "#31333e";
const SURFACE = "#fffffe";
const TITLE_SIZE = 16;
const LINE = 1.3;

/** The app's theme, read from the CSS variables Streamlit sets around a component. */
export function themeOf(element) {
  const style = getComputedStyle(element);
  const read = (name) => style.getPropertyValue(name).trim();
  const theme = { text: read("--st-text-color"), surface: read("--st-background-color"), font: read("--st-font") };
  const [r, g, b] = rgb(theme.surface);
  theme.dark = 0.299 * r + 0.587 * g + 0.114 * b < 128;
  theme.key = [theme.text, theme.surface, theme.font].join("|");
  return theme;
}

export const PAPER = { text: "", surface: "", font: "", dark: false, key: "paper" };

let canvas;
function context() {
  canvas ??= document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  return canvas;
}

function rgb(colour) {
  const c = context();
  c.fillStyle = "#fff";
  c.fillStyle = colour || "#fff";
  c.fillRect(0, 0, 1, 1);
  return c.getImageData(0, 0, 1, 1).data;
}

const measured = new Map(); // measuring is slow, and the same names come back at every redraw

function textWidth(text, size, weight, family) {
  const font = `${weight} ${size}px ${family || "sans-serif"}`;
  const key = `${font}|${text}`;
  let width = measured.get(key);
  if (width === undefined) {
    const c = context();
    c.font = font;
    width = c.measureText(text).width;
    if (measured.size > 5000) measured.clear();
    // Until its font has arrived a text is measured in another one.
    if (document.fonts?.status !== "loading") measured.set(key, width);
  }
  return width;
}

function escaped(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

function wrapped(text, room, family, size = TITLE_SIZE, weight = 600) {
  const lines = [""];
  for (const word of text.replace(/ (?=[↓↑])/g, "\u00a0").split(/[ \n]+/).filter(Boolean)) { // an arrow stays with its word
    const line = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
    if (lines.at(-1) && textWidth(line, size, weight, family) > room) lines.push(word);
    else lines[lines.length - 1] = line;
  }
  return lines;
}

/** Height of Plotly's horizontal legend, as its own layout would make it: one row, or columns of equal width. */
function legendHeight(data, layout, room, family) {
  const legend = { ...layout.template?.layout?.legend, ...layout.legend };
  if (layout.showlegend === false || legend.orientation !== "h" || legend.y !== 1) return 0;
  const groups = new Set();
  const widths = [];
  let asked = false;
  for (const trace of data) {
    const listable = !["heatmap", "contour", "image", "surface"].includes(trace.type);
    if (trace.visible === false || trace.showlegend === false || (!listable && !trace.showlegend)) continue;
    asked ||= trace.showlegend === true;
    const group = trace.legendgroup;
    if (group && groups.has(`${group}|${trace.name}`)) continue;
    if (group) groups.add(`${group}|${trace.name}`);
    widths.push(textWidth(String(trace.name ?? ""), legend.font?.size ?? 12, 400, family) + 45);
  }
  if (!widths.length || (widths.length < 2 && !asked && layout.showlegend !== true)) return 0;
  const line = (legend.font?.size ?? 12) * LINE + 3;
  if (widths.reduce((a, b) => a + b, 0) <= room) return line + 6;
  const columns = Math.max(1, Math.floor(room / Math.max(...widths)));
  return Math.ceil(widths.length / columns) * line + 6;
}

const NARROW = 480; // pixels: a telephone
const TOOLS = 130; // pixels: room of the tools beside the title
const WITHOUT_TOOLS = 560; // pixels: a window that is no wider shows none (chart.css)
const LEAST = 12; // pixels: smaller type is not drawn
const PANEL = 150; // pixels: a panel of small multiples that is narrower cannot be read

const labelled = (shape) => shape.label?.text && shape.xref === "paper" && shape.yref === "paper";

/** Small multiples in as many columns as there is room for; returns the figure's height. */
function regrid(layout, width, height) {
  const places = Object.keys(layout).filter((key) => /^xaxis\d*$/.test(key)).map((key) => key.slice(5));
  const panels = places.map((k) => [layout[`xaxis${k}`], layout[`yaxis${k}`]]);
  const wide = ([x]) => x.domain[1] - x.domain[0];
  if (panels.length < 3 || !panels.every(([x, y], i) => x?.domain && y?.domain && x.anchor === `y${places[i]}`)) return height;
  const columns = new Set(panels.map(([x]) => x.domain[0].toFixed(3))).size;
  const rows = new Set(panels.map(([, y]) => y.domain[1].toFixed(3))).size;
  const fit = Math.max(1, Math.min(columns, Math.floor((width - 60) / PANEL)));
  if (fit === columns || columns * rows < panels.length || panels.some((p) => Math.abs(wide(p) - wide(panels[0])) > 0.01)) return height;
  const lines = Math.ceil(panels.length / fit);
  const tall = Math.round(60 + (lines * Math.max(height - 60, 1)) / rows);
  const [gapX, gapY] = [0.05, 34 / tall];
  const [w, h] = [(1 - gapX * (fit - 1)) / fit, (1 - gapY * (lines - 1)) / lines];
  const [xTitle, yTitle] = [0, 1].map((k) => panels.map((p) => p[k].title?.text).find(Boolean));
  const corners = panels.map(([x, y]) => [x.domain[0], y.domain[1]]);
  panels.forEach(([x, y], i) => {
    const [column, row] = [i % fit, Math.floor(i / fit)];
    const [left, top, bottom] = [column * (w + gapX), 1 - row * (h + gapY), i + fit >= panels.length];
    Object.assign(x, { domain: [left, Math.min(1, left + w)], showticklabels: bottom, title: { ...x.title, text: bottom && !column ? xTitle : "" } });
    Object.assign(y, { domain: [Math.max(0, top - h), top], showticklabels: !column, title: { ...y.title, text: i ? "" : yTitle } });
  });
  for (const said of (layout.shapes ?? []).filter(labelled)) { // above a panel, or all of it
    const off = corners.map(([x, y]) => Math.abs(said.x0 - x) + Math.abs(said.y1 - y));
    const [x, y] = panels[off.indexOf(Math.min(...off))];
    const [from, to] = said.y0 === said.y1 ? [y.domain[1], y.domain[1]] : y.domain;
    Object.assign(said, { x0: x.domain[0], x1: x.domain[1], y0: from, y1: to });
  }
  return tall;
}

const plain = (text) => String(text ?? "").replace(/<[^>]*>/g, "");

/** A hyphen before a number becomes the minus that axes have. */
export const withMinus = (text) => String(text ?? "").replace(/(^|[\s(≤≥→>])-(?=[\d.∞])/g, "$1\u2212");

/** Texts in the cells of a heat map get the size that fits, and stay away where none can be read; hovering tells them. */
function fitCells(data, layout, width, family) {
  for (const cells of data) {
    if (cells.type !== "scatter" || cells.mode !== "text" || !cells.text?.length) continue;
    cells.text = Array.from(cells.text, withMinus);
    const map = data.find((t) => t.type === "heatmap" && (t.xaxis ?? "x") === (cells.xaxis ?? "x"));
    if (!map) continue;
    const rows = layout[(map.yaxis ?? "y").replace("y", "yaxis")]?.ticktext ?? map.y ?? [];
    const left = Math.max(50, ...Array.from(rows, (t) => textWidth(plain(t), 12, 400, family) + 24));
    const columns = new Set(cells.x).size;
    const room = (width - left - (layout.margin?.r ?? 12)) / Math.max(columns, map.x?.length ?? 1) - 6;
    const size = cells.textfont?.size ?? 12;
    const widest = Math.max(...cells.text.map((t) => textWidth(plain(t), size, /<b>/.test(t) ? 700 : 400, family)));
    if (!(widest > room)) continue;
    const fit = Math.floor((size * room * 2) / widest) / 2;
    if (fit >= LEAST) cells.textfont = { ...cells.textfont, size: fit };
    else cells.visible = false;
  }
}

/** Names under or over columns that are too narrow for them are broken or tilted; titles longer than their axis are
 *  wrapped. Returns the room that names over the columns take. */
function fitAxes(layout, width, height, family) {
  const base = layout.template?.layout ?? {};
  const names = Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key));
  const left = Math.max(50, ...names.filter((key) => key[0] === "y" && !layout[key].overlaying && !(layout[key].domain?.[0] > 0.05 && names.length > 4))
    .flatMap((key) => (layout[key].ticktext ?? []).flatMap((t) => String(t).split("<br>").map((l) => textWidth(plain(l), 13, 400, family) + 30))));
  let head = 0;
  for (const key of names) {
    const axis = layout[key];
    const [from, to] = axis.domain ?? [0, 1];
    const share = to - from;
    const long = key[0] === "x" ? (width - left - (layout.margin?.r ?? 12)) * share : (height - 110) * share;
    const title = axis.title?.text;
    if (title && !/<|&/.test(title)) {
      const lines = wrapped(title, Math.max(90, long), family, 13, 400);
      if (lines.length > 1) axis.title = { ...axis.title, text: lines.map(escaped).join("<br>") };
    }
    if (key[0] !== "x" || !axis.ticktext?.length) continue;
    const span = axis.range ? Math.abs(axis.range[1] - axis.range[0]) : axis.ticktext.length;
    const step = axis.tickvals?.length > 1 ? Math.min(...axis.tickvals.slice(1).map((v, i) => Math.abs(v - axis.tickvals[i]))) : 1;
    const room = (long * step) / span;
    const size = axis.tickfont?.size ?? base.xaxis?.tickfont?.size ?? 12;
    const wide = (text) => textWidth(plain(text), size, 400, family);
    const parts = axis.ticktext.map((t) => String(t).split("<br>"));
    const above = axis.side === "top";
    const take = (deep) => {
      if (above) head = Math.max(head, deep + 8);
      else layout.margin = { ...layout.margin, b: Math.max(layout.margin?.b ?? 0, deep + (axis.title?.text ? 34 : 14)) };
    };
    const lines = (each) => Math.ceil(Math.max(...each.map((t) => t.length)) * size * LINE);
    const fits = (each) => each.every((t) => t.every((l) => wide(l) + 4 <= room));
    if (above) take(lines(parts));
    if (axis.type === "log" && Array.isArray(axis.tickvals)) {
      let edge = Infinity; // from the right: names that would touch the one kept before are left out
      axis.ticktext = parts.map((t, i) => ({ t, at: (Math.log10(axis.tickvals[i]) * long) / span, half: wide(t[0]) / 2 + 3 })).reverse()
        .map(({ t, at, half }) => (at + half < edge ? ((edge = at - half), t[0]) : "")).reverse();
      axis.tickangle = 0;
    }
    if (!(room > 0) || axis.type === "log") continue;
    const tilted = (axis.tickangle ?? 0) !== 0;
    const every = Math.ceil((size * 1.1) / room);
    if (every > 1 && (tilted || !fits(parts))) axis.ticktext = axis.ticktext.map((t, i) => (i % every ? "" : t));
    if (tilted || fits(parts)) continue;
    const whole = axis.ticktext.map((t) => String(t).replace(/<br>/g, " "));
    const broken = whole.map((t) => (/[<&]/.test(t) ? [t] : wrapped(t, room - 4, family, size, 400)));
    if (broken.every((t) => t.length <= 3) && fits(broken)) {
      axis.ticktext = broken.map((t) => t.join("<br>"));
      take(lines(broken));
      continue;
    }
    const length = Math.max(...whole.map(wide));
    const angle = room < 18 ? 90 : 45;
    Object.assign(axis, { ticktext: whole, tickangle: -angle });
    take(Math.ceil(length * Math.sin((angle * Math.PI) / 180)));
    if (above && angle < 90) layout.margin = { ...layout.margin, r: Math.max(layout.margin?.r ?? 0, Math.ceil(wide(whole.at(-1)) * 0.71 - room / 2)) };
  }
  return head;
}

/** Names of traces as identities: unique, and the same for the same method whatever its place in the list. */
function identify(data) {
  const seen = {};
  for (const trace of data) {
    const name = `${trace.type ?? "scatter"}-${trace.name ?? ""}-${trace.xaxis ?? ""}${trace.yaxis ?? ""}`;
    const nth = (seen[name] = (seen[name] ?? -1) + 1);
    const text = trace.uid ?? `${name}-${nth}`;
    trace.uid = text.replace(/[^A-Za-z0-9-]/g, (c) => `_${c.codePointAt(0).toString(36)}_`);
  }
}

/**
 * Plotly's arguments for a payload.
 * `legend` is the legend's height where it has been measured at this width, else it is estimated.
 */
export function look(payload, theme, width, legend) {
  const swap = theme.dark ? { ...payload.dark } : {};
  if (theme.text) swap[TEXT] = theme.text;
  if (theme.surface) swap[SURFACE] = theme.surface;
  const read = (text) => JSON.parse(text.replace(/"(#[0-9a-f]{6})"/g, (all, code) => (swap[code] ? `"${swap[code]}"` : all)));
  const [data, layout] = [read(payload.data), read(payload.layout)];
  const family = theme.font || layout.template?.layout?.font?.family;
  if (theme.font && layout.template?.layout?.font) layout.template.layout.font.family = theme.font;

  identify(data);
  layout.meta = payload.meta;
  layout.uirevision ??= payload.key;
  const axes = `${layout.uirevision}|${payload.meta.axes ?? ""}`;
  for (const name of new Set(["xaxis", "yaxis", ...Object.keys(layout).filter((k) => /^[xy]axis\d*$/.test(k))])) {
    layout[name] = { uirevision: axes, ...layout[name] };
  }

  const aside = (a) => a.name?.startsWith("aside"); // beside the plot, where the chart is as wide as the name says
  if (layout.annotations?.some((a) => aside(a) && width < (+a.name.slice(6) || NARROW))) {
    layout.annotations = layout.annotations.filter((a) => !aside(a));
    layout.margin = { ...layout.margin, r: 12 };
  }
  const { narrow } = payload.meta; // labels and room for a chart that is narrower than this, where a figure has both
  if (narrow) {
    const small = width < narrow.below;
    layout.annotations = layout.annotations?.filter((a) => !/^(from|below)\d/.test(a.name ?? "") || a.name.startsWith("below") === small);
    if (small) layout.margin = { ...layout.margin, l: narrow.l, r: narrow.r };
  }
  const height = regrid(layout, width, payload.height ?? layout.height ?? 420);
  Object.assign(layout, { width, height, autosize: false });
  const head = fitAxes(layout, width, height, family);
  fitCells(data, layout, width, family);
  for (const note of layout.annotations ?? []) if (note.text) note.text = withMinus(note.text);
  for (const { label } of layout.shapes ?? []) if (label?.text) label.text = withMinus(label.text);
  const lines = payload.question ? wrapped(payload.question, Math.max(120, width - (globalThis.innerWidth <= WITHOUT_TOOLS ? 8 : TOOLS)), family) : [];
  // Plotly hangs a title from its first line's place and lets further lines grow upwards.
  const pad = { t: 4 + (lines.length - 1) * TITLE_SIZE * LINE, l: 2 };
  if (lines.length) layout.title = { text: lines.map(escaped).join("<br>"), pad };
  const facets = (layout.shapes ?? []).some((s) => labelled(s) && s.y0 >= 0.99);
  const estimate = legendHeight(data, layout, width - 60, family);
  const legendRoom = estimate && (legend ?? estimate);
  const facetRoom = facets ? 22 : 0;
  const top = Math.round((lines.length ? lines.length * TITLE_SIZE * LINE + 12 : 8) + legendRoom + facetRoom + head);
  layout.margin = { ...layout.margin, t: Math.max(top, layout.margin?.t ?? 0) };
  if (facetRoom && legendRoom) {
    layout.legend = { ...layout.legend, y: 1 + facetRoom / Math.max(80, height - top - 55) };
  }
  return { data, layout, legendRoom };
}
