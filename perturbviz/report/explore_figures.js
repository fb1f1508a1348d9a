// The three figures, as data and layout for plotly.js, in light colours; `recoloured` swaps them on a dark page.
// Where things stand is decided here, what they are was computed by the package.

const MUTED = "#666875";
const MEAN_BAR = "#d7191b";
const DASH = "dash"; // of controls
export const NARROW = 520; // pixels

/** A name as plotly.js text: its HTML-like tags are shown, not obeyed. */
export const escaped = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

/** Four significant digits: those that are packed, and no others. */
export function digits(value) {
  if (Number.isNaN(value)) return "undefined";
  const text = Math.abs(value) >= 1e-4 && Math.abs(value) < 1e6 ? String(Number(value.toPrecision(4))) : value.toExponential(3);
  return text.replace("-", "\u2212");
}

const place = (rank) => (Number.isNaN(rank) ? "–" : String(rank));

export function recoloured(part, colours) {
  if (typeof part === "string") return colours[part] ?? part;
  if (Array.isArray(part)) return part.map((p) => recoloured(p, colours));
  if (part && typeof part === "object") return Object.fromEntries(Object.entries(part).map(([k, v]) => [k, recoloured(v, colours)]));
  return part;
}

/** Best on top: the score as a dot, its 95% interval as a line. */
export function order(lines, methods, metric, width) {
  const defined = lines.map((line, y) => ({ ...line, y })).filter((line) => !Number.isNaN(line.score));
  const side = (end) => defined.map((l) => (Number.isNaN(l[end]) ? 0 : Math.abs(l[end] - l.score)));
  const hover = (l) => {
    const interval = Number.isNaN(l.low) ? "no interval" : `95% interval ${digits(l.low)} to ${digits(l.high)}`;
    return `<b>${escaped(l.name)}</b><br>${digits(l.score)} (${interval})<br>rank ${place(l.rank)}`;
  };
  const data = [{
    type: "scatter", mode: "markers", name: "score", x: defined.map((l) => l.score), y: defined.map((l) => l.y), ids: defined.map((l) => l.method),
    text: defined.map(hover), hovertemplate: "%{text}<extra></extra>", showlegend: false, cliponaxis: false,
    error_x: { type: "data", symmetric: false, array: side("high"), arrayminus: side("low"), thickness: 2, width: 0, color: MUTED },
    marker: {
      size: 12, color: defined.map((l) => methods[l.i].colour), symbol: defined.map((l) => (methods[l.i].open ? "circle-open" : "circle")),
      line: { width: defined.map((l) => (methods[l.i].open ? 2 : 0)) },
    },
  }];
  const annotations = lines.flatMap((l, y) => (Number.isNaN(l.score)
    ? [{ x: 0.01, xref: "paper", y, yref: "y", xanchor: "left", text: escaped(l.reason.split(",")[0]), showarrow: false, font: { color: MUTED, size: 12 } }] : []));
  const label = (l) => `${escaped(shortened(l.name, width))}  <b>${place(l.rank)}</b>`;
  const layout = {
    height: 90 + 32 * lines.length, margin: { l: room(lines, width), r: 18, t: 8, b: width < NARROW ? 64 : 50 }, annotations,
    xaxis: { type: "linear", automargin: false, title: { text: escaped(metric.axis) + (width < NARROW ? "<br>" : ", ") + escaped(metric.arrow) }, autorange: metric.rises ? true : "reversed", zeroline: false, nticks: width < NARROW ? 4 : 8 },
    yaxis: { type: "linear", automargin: false, tickvals: lines.map((_, i) => i), ticktext: lines.map(label), showgrid: false, range: [lines.length - 0.5, -0.5], zeroline: false, tickfont: { size: 13, color: "#31333e" } },
  };
  return { data, layout };
}

/** Pixels for names beside a chart. Fixed from their length: where plotly.js finds the room itself it draws twice. */
const room = (lines, width) => Math.min(Math.max(...lines.map((l) => shortened(l.name, width).length), 4) * 7 + 40, width * 0.45);

const shortened = (name, width) => (width < NARROW && name.length > 20 ? `${name.slice(0, 19)}…` : name);

/** Ranks under two rulers, left and right, a line a method; names stand at the ends. Methods on one place share a label. */
export function slope(left, right, methods, heads, width) {
  const before = new Map(left.map((l) => [l.method, l.rank]));
  const both = right.filter((l) => !Number.isNaN(l.rank) && !Number.isNaN(before.get(l.method) ?? NaN));
  const data = both.map((l) => ({
    type: "scatter", mode: "lines+markers", name: l.name, uid: `slope-${l.i}`, x: [0, 1], y: [before.get(l.method), l.rank], showlegend: false, cliponaxis: false,
    line: { color: methods[l.i].colour, width: 2.5, dash: methods[l.i].open ? DASH : "solid" }, marker: { size: 9, color: methods[l.i].colour },
    text: [`${escaped(l.name)}: ${place(before.get(l.method))} → ${place(l.rank)}`, `${escaped(l.name)}: ${place(before.get(l.method))} → ${place(l.rank)}`],
    hovertemplate: "%{text}<extra></extra>",
  }));
  const narrow = width < NARROW;
  const ends = (lines, x, named) => { // text in the plot: notes beside it take plotly.js several times as long
    const groups = new Map();
    for (const l of lines) if (!Number.isNaN(l.rank)) groups.set(l.rank, [...(groups.get(l.rank) ?? []), l]);
    const [y, text, color] = [[], [], []];
    for (const [rank, some] of groups) {
      const names = some.map((l) => escaped(shortened(l.name, width))).join(", ");
      y.push(rank);
      text.push(!named ? `<b>${rank}</b>   ` : x ? `   <b>${rank}</b>  ${names}` : `${names}  <b>${rank}</b>   `);
      color.push(some.length === 1 ? methods[some[0].i].text : "#31333e");
    }
    return { type: "scatter", mode: "text", name: `ends-${x}`, uid: `ends-${x}`, x: y.map(() => x), y, text, textposition: x ? "middle right" : "middle left", textfont: { size: 12, color }, hoverinfo: "skip", showlegend: false, cliponaxis: false };
  };
  const shown = new Set(right.map((l) => l.method));
  data.push(ends(left.filter((l) => shown.has(l.method)), 0, !narrow), ends(right, 1, true));
  const side = Math.min(room(right, width), width * 0.36);
  const worst = Math.max(right.length, 2);
  const layout = {
    height: Math.max(90 + 32 * right.length, 240), margin: { l: narrow ? 30 : side, r: side, t: 58, b: 8 }, showlegend: false, hovermode: "closest",
    annotations: [
      ...heads.map((text, x) => ({ x, xref: "paper", y: 1, yref: "paper", yanchor: "bottom", xanchor: x ? "right" : "left", align: x ? "right" : "left", xshift: x ? side - 4 : 4 - (narrow ? 30 : side), yshift: 4, text: `<b>${text}</b>`, showarrow: false, font: { size: 12 } })),
    ],
    shapes: [0, 1].map((x) => ({ type: "line", x0: x, x1: x, y0: 0.6, y1: worst + 0.4, line: { color: MUTED, width: 1 }, layer: "below" })),
    xaxis: { type: "linear", automargin: false, range: [-0.02, 1.02], showticklabels: false, showgrid: false, zeroline: false, fixedrange: true },
    yaxis: { type: "linear", automargin: false, range: [worst + 0.5, 0.5], showticklabels: false, showgrid: false, zeroline: false, fixedrange: true },
  };
  return { data, layout };
}

/** Sideways places that show how dense values are, the same at every redraw: where in [-1, 1] by the van der Corput
 *  sequence in order of value, how far by the share of values that are near. */
function aside(values) {
  const order = values.map((v, i) => [v, i]).filter(([v]) => Number.isFinite(v)).sort((a, b) => a[0] - b[0]);
  const out = values.map(() => 0);
  if (order.length < 3) return out;
  const mean = order.reduce((s, [v]) => s + v, 0) / order.length;
  const spread = Math.sqrt(order.reduce((s, [v]) => s + (v - mean) ** 2, 0) / order.length);
  if (!(spread > 0)) return out;
  const near = 0.6 * spread;
  const count = [];
  for (let i = 0, low = 0, high = 0; i < order.length; i++) {
    while (order[i][0] - order[low][0] > near) low++;
    while (high < order.length && order[high][0] - order[i][0] <= near) high++;
    count.push(high - low);
  }
  const most = Math.max(...count);
  order.forEach(([, i], k) => {
    let [fraction, at, rest] = [0.5, 0, k + 1];
    for (; rest; rest >>= 1, fraction /= 2) at += fraction * (rest & 1);
    out[i] = (2 * at - 1) * 0.34 * (count[k] / most);
  });
  return out;
}

/** A swarm a method, a point a perturbation, the average as a red bar; `marked` has a ring in every swarm. */
export function spread(lines, points, methods, metric, marked, width, wholeSet) {
  const [x, y, text, colour, names] = [[], [], [], [], []];
  const ring = { x: [], y: [], color: [] };
  lines.forEach((line, place) => {
    const values = points.values(line.i);
    const sideways = aside(values);
    values.forEach((value, j) => {
      if (!Number.isFinite(value)) return;
      x.push(place + sideways[j]);
      y.push(value);
      names.push(points.labels[j]);
      text.push(`<b>${escaped(points.labels[j])}</b>${points.n[j] > 1 ? ` · mean of ${points.n[j]} splits` : ""}<br>${escaped(line.name)}: ${digits(value)}`);
      colour.push(methods[line.i].colour);
      if (points.labels[j] !== marked) return;
      ring.x.push(place + sideways[j]);
      ring.y.push(value);
      ring.color.push(methods[line.i].colour);
    });
  });
  const known = lines.map((line, i) => [i, line.score]).filter(([, score]) => !Number.isNaN(score));
  const bar = { x: known.flatMap(([i]) => [i - 0.32, i + 0.32, null]), y: known.flatMap(([, score]) => [score, score, null]) };
  const data = [
    { type: "scatter", mode: "markers", name: "perturbations", x, y, text, customdata: names, hovertemplate: "%{text}<extra></extra>", showlegend: false, marker: { color: colour, size: wholeSet ? 9 : 5 } },
    { type: "scatter", mode: "markers", name: "followed", x: ring.x, y: ring.y, hoverinfo: "skip", showlegend: false, marker: { color: ring.color, size: 11, line: { width: 2, color: "#31333e" } } },
    { type: "scatter", mode: "lines", name: "average", ...bar, hoverinfo: "skip", showlegend: false, line: { color: MEAN_BAR, width: 3 } },
  ];
  const narrow = width < 900;
  const layout = {
    height: 430, margin: { l: 58, r: 8, t: 8, b: narrow ? 130 : 60 },
    annotations: lines.flatMap((line, i) => (Number.isNaN(line.score) ? [{ x: i, y: 0.5, yref: "paper", text: escaped(line.reason.split(",")[0]), textangle: -90, showarrow: false, font: { color: MUTED, size: 12 } }] : [])),
    xaxis: { type: "linear", tickvals: lines.map((_, i) => i), ticktext: lines.map((l) => (narrow ? escaped(shortened(l.name, NARROW - 1)) : escaped(l.name).replace(" ", "<br>"))), range: [-0.6, lines.length - 0.4], showgrid: false, zeroline: false, tickangle: narrow ? -60 : 0, automargin: false },
    yaxis: { type: "linear", title: { text: escaped(metric.axis) }, zeroline: false, automargin: false },
  };
  return { data, layout };
}
