// What the package computed, looked up: nothing here averages, ranks or compares. See perturbviz/report/explorable.py.

/** The bytes of a data island: gzip in base64, so that no name in it can end its element. */
export async function unpacked(id) {
  const text = atob(document.getElementById(id).textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const EXACT = 22; // powers of ten up to this one are exact numbers
const POWERS = Array.from({ length: EXACT + 1 }, (_, k) => Number(`1e${k}`)); // ** is not exact in every browser

/** Decimals of four digits: high bytes of all mantissas, low bytes, exponents (perturbviz/report/packing.py). */
export class Decimals {
  constructor(bytes) {
    const n = bytes.length / 3;
    this.high = new Int8Array(bytes.buffer, bytes.byteOffset, n);
    this.low = bytes.subarray(n, 2 * n);
    this.exponent = new Int8Array(bytes.buffer, bytes.byteOffset + 2 * n, n);
  }

  at(i) {
    const mantissa = this.high[i] * 256 + this.low[i];
    if (mantissa === -32768) return NaN;
    if (Math.abs(mantissa) === 32767) return Math.sign(mantissa) * Infinity;
    const e = this.exponent[i];
    if (Math.abs(e) > EXACT) return Number(`${mantissa}e${e}`);
    return e < 0 ? mantissa / POWERS[-e] : mantissa * POWERS[e]; // one rounding: the number nearest to the decimal
  }
}

/** All views of the page. A view is { metric, ref, genes, avg, on }; a place is where its numbers are. */
export class Views {
  constructor(header, bytes) {
    Object.assign(this, header);
    this.numbers = new Decimals(bytes);
    this.at = new Map(); // "setting|part" -> number in `views`
    const perMethod = this.columns.length * this.averages.length;
    let start = this.views.length * perMethod * this.methods.length;
    this.starts = this.views.map(([setting, part, own], k) => {
      this.at.set(`${setting}|${part}`, k);
      const here = own ? start : -1;
      if (own) start += this.methods.length * this.units(setting, part).labels.length;
      return here;
    });
    this.place = new Map(this.settings.map((s, i) => [`${s.metric}|${s.ref}|${s.genes}`, i]));
    this.references_of = new Map(); // metric -> references it is offered with
    for (const { metric, ref } of this.settings) {
      if (!this.references_of.has(metric)) this.references_of.set(metric, []);
      if (!this.references_of.get(metric).includes(ref)) this.references_of.get(metric).push(ref);
    }
  }

  units(setting, part) {
    return this.parts[part][this.settings[setting].whole ? "whole" : "each"];
  }

  /** The reference a metric is really taken with: one without a choice has no use for the one asked for. */
  reference(metric, ref) {
    const offered = this.references_of.get(metric) ?? [];
    return offered.includes(ref) || offered.length !== 1 ? ref : offered[0];
  }

  /** Where a view is; undefined where the page does not hold it. */
  find({ metric, ref, genes, avg, on }) {
    const setting = this.place.get(`${metric}|${this.reference(metric, ref)}|${genes}`);
    const part = this.parts.findIndex((p) => p.id === on);
    const average = this.averages.indexOf(avg);
    const view = this.at.get(`${setting}|${part}`);
    return view === undefined || average < 0 ? undefined : { setting, part, view, cell: view * this.averages.length + average };
  }

  /** One line a method, best first, undefined last; methods keep their order where they tie. */
  ranking({ cell, setting }) {
    const m = this.methods.length;
    const column = (name, i) => this.numbers.at((cell * this.columns.length + this.columns.indexOf(name)) * m + i);
    const lines = this.methods.map((method, i) => {
      const line = { method: method.id, name: method.name, ...Object.fromEntries(this.columns.map((c) => [c, column(c, i)])) };
      return { ...line, reason: this.settings[setting].reasons[method.id] ?? "undefined", i };
    });
    const key = (line) => (Number.isNaN(line.rank) ? Infinity : line.rank);
    return lines.sort((a, b) => (key(a) === key(b) ? a.i - b.i : key(a) - key(b)));
  }

  /** Who leads; the four questions; how the intervals were made. Markdown, as the package wrote it. */
  said({ cell }) {
    return this.sentences[cell].map((i) => this.texts[i]);
  }

  /** The value of every perturbation, the mean over its splits: method number -> numbers, beside labels. */
  points({ view, setting, part }) {
    const { labels, n, total } = this.units(setting, part);
    let start = this.starts[view];
    let columns = labels.map((_, i) => i);
    let width = labels.length;
    if (start < 0) { // the same values as for all perturbations, of which these are some
      start = this.starts[this.at.get(`${setting}|0`)];
      const all = this.units(setting, 0).labels;
      const where = new Map(all.map((label, i) => [label, i]));
      columns = labels.map((label) => where.get(label));
      width = all.length;
    }
    return { labels, n, total, values: (i) => columns.map((c) => this.numbers.at(start + i * width + c)) };
  }
}
