// The chart component: one Plotly graph per parent element, redrawn in place.
import { SIZES, asSvg, copies, copyPicture, save } from "./figure_file.js";
import { glide, remember } from "./glide.js";
import { PAPER, look, themeOf, withMinus } from "./look.js";
import { plotly } from "./plotly.js";

const ID_LENGTH = 16; // the payload starts {"id":"<16 characters>"
const ROOM = 8; // pixels: margins grow in steps of this
const REDUCED = matchMedia("(prefers-reduced-motion: reduce)");
const charts = new WeakMap();

if (!document.getElementById("pv-chart-style")) {
  const link = Object.assign(document.createElement("link"), { id: "pv-chart-style", rel: "stylesheet" });
  link.href = new URL("./chart.css", import.meta.url).href;
  document.head.append(link);
}

export default function (args) {
  const { parentElement } = args;
  if (!charts.has(parentElement)) charts.set(parentElement, new Chart(parentElement));
  const chart = charts.get(parentElement);
  chart.update(args);
  // Streamlit also calls this for a run that a newer one overtook, with the chart still in the page.
  return () => {
    if (parentElement.isConnected) return;
    chart.destroy();
    charts.delete(parentElement);
  };
}

function element(tag, className, parent) {
  const node = document.createElement(tag);
  node.className = className;
  parent.append(node);
  return node;
}

function plain(value) {
  return ArrayBuffer.isView(value) ? Array.from(value) : value;
}

function pointName(uid, name) {
  return `${uid}|${JSON.stringify(name)}`;
}

class Chart {
  constructor(parent) {
    parent.closest(".stVerticalBlock")?.setAttribute("data-pv-frame", "");
    this.root = element("figure", "pv-chart", parent);
    this.root.setAttribute("role", "figure");
    this.gd = element("div", "pv-chart-plot", this.root);
    const foot = element("figcaption", "pv-chart-foot", this.root);
    this.note = element("span", "pv-chart-note", foot);
    this.button = element("button", "pv-chart-svg", foot);
    this.button.type = "button";
    this.button.textContent = "SVG";
    this.button.addEventListener("click", () => this.download("screen"));
    this.more = element("button", "pv-chart-more", foot);
    Object.assign(this.more, { type: "button", textContent: "⋯" });
    this.menu = this.choices(foot);
    this.more.popoverTargetElement = this.menu;
    this.draws = 0;
    this.stopGlide = () => {};
    this.selected = new Set();
    this.resize = new ResizeObserver(() => this.root.clientWidth !== this.width && this.run());
    this.resize.observe(this.root);
  }

  update({ data, setStateValue, setTriggerValue }) {
    this.send = { setStateValue, setTriggerValue };
    const decoder = new TextDecoder();
    const id = decoder.decode(data.subarray(7, 7 + ID_LENGTH));
    const theme = themeOf(this.root);
    if (id === this.id && theme.key === this.theme?.key) return;
    if (id !== this.id) this.payload = JSON.parse(decoder.decode(data));
    this.fresh ||= id !== this.id;
    Object.assign(this, { id, theme });
    const { question, alt, height, csv } = this.payload;
    const note = withMinus(this.payload.note);
    this.root.classList.toggle("pv-chart-with-csv", csv);
    this.root.setAttribute("aria-label", alt);
    this.button.setAttribute("aria-label", `SVG: ${question}`);
    this.more.setAttribute("aria-label", `More sizes: ${question}`);
    if (this.note.textContent !== note) this.note.textContent = note;
    this.gd.style.minHeight = `${height}px`;
    this.wanted = true;
    this.run();
  }

  /** Draw the latest state; states that arrive while drawing are merged into one more round. */
  async run() {
    this.wanted = true;
    if (this.running) return;
    this.running = true;
    try {
      const Plotly = await plotly(this.payload?.plotly ?? "");
      while (this.wanted && !this.gone) {
        this.wanted = false;
        if (this.payload && this.root.clientWidth) await this.draw(Plotly);
      }
    } catch (error) {
      console.error(error);
      this.note.textContent = `This chart could not be drawn: ${error.message}. Reload the page to try again.`;
    } finally {
      this.running = false;
    }
  }

  async draw(Plotly) {
    const { gd, payload, theme } = this;
    const width = this.root.clientWidth;
    const state = `${this.id}|${theme.key}|${width}`;
    if (state === this.drawn) return;
    const { height, select, question, meta } = payload;
    const data = [theme.key, width, height, select, question, meta.axes, payload.data].join("|");
    const picture = `${data}|${payload.layout}`;
    if (picture === this.picture) { // another state of the app that this chart does not depend on
      gd.layout.meta = meta;
      Object.assign(this, { drawn: state, fresh: false });
      return this.tell(payload);
    }
    const sameWidth = width === this.width;
    const figure = look(payload, theme, width, sameWidth ? this.legend : undefined);
    this.gd.style.minHeight = `${figure.layout.height}px`;
    this.keepSelection(figure);
    if (sameWidth) this.keepRoom(figure.layout);
    else this.room = {};
    const { shapes = [], meta: _, selectionrevision: __, ...more } = figure.layout;
    const rest = JSON.stringify(more);
    if (this.picture && data === this.data && rest === this.rest && !this.selected.size) {
      Object.assign(this, { drawn: state, picture: null, fresh: false });
      await Plotly.relayout(gd, { shapes }); // a tenth of the time of drawing all
      gd.layout.meta = meta;
      gd.dataset.draws = ++this.draws;
      this.picture = picture;
      return this.tell(payload);
    }
    const moving = this.fresh && sameWidth && payload.glide && !REDUCED.matches && meta.glide !== false;
    this.stopGlide();
    const places = moving && gd._fullLayout ? remember(gd) : null;
    Object.assign(this, { drawn: state, picture: null, width, fresh: false, Plotly });
    this.drawing = true;
    try {
      await Plotly.react(gd, figure.data, figure.layout, this.config());
      if (this.gone) return Plotly.purge(gd);
      if (!this.draws) this.listen();
      await this.fitLegend(Plotly, figure);
    } finally {
      this.drawing = false;
    }
    Object.assign(this, { picture, data, rest });
    this.stopGlide = places ? glide(gd, places) : () => {};
    gd.dataset.draws = ++this.draws;
    this.tell(payload);
  }

  /** Tell whoever listens which state the chart shows now. */
  tell({ key, meta }) {
    const detail = { key, token: meta.token, draws: this.draws };
    this.gd.dispatchEvent(new CustomEvent("perturbviz:drawn", { bubbles: true, detail }));
  }

  /** Start from the margins that labels needed before: the axes stay in place, and Plotly need not draw all twice.
   *  In steps, since labels a pixel wider than the room would make it do just that. */
  keepRoom(layout) {
    const taken = this.gd._fullLayout?._size;
    if (!taken) return;
    layout.margin = { ...layout.template?.layout?.margin, ...layout.margin };
    for (const side of ["l", "r", "b"]) {
      const asked = layout.margin[side] ?? 0;
      if (taken[side] > (this.room[side] ?? asked)) this.room[side] = Math.ceil((taken[side] + 1) / ROOM) * ROOM;
      layout.margin[side] = Math.max(asked, this.room[side] ?? 0);
    }
  }

  /** Give the legend the height it really took, where the estimate was off: it must not reach into the title. */
  async fitLegend(Plotly, { layout, legendRoom }) {
    const legend = this.gd._fullLayout.legend;
    const taken = legend?._effHeight ?? legend?._height;
    if (!legendRoom || !taken) return;
    if (Math.abs(taken - legendRoom) <= 5) return;
    this.legend = taken + 2;
    await Plotly.relayout(this.gd, { "margin.t": Math.round(layout.margin.t + this.legend - legendRoom) });
  }

  config() {
    const remove = ["toImage", "autoScale2d", "zoomIn2d", "zoomOut2d"];
    if (!this.payload.select) remove.push("select2d", "lasso2d");
    return { displaylogo: false, showSendToCloud: false, displayModeBar: "hover", responsive: false, modeBarButtonsToRemove: remove };
  }

  // ---- clicks and selections -------------------------------------------------------------------------------

  listen() {
    this.gd.on("plotly_click", ({ points }) => {
      const value = plain(points?.[0]?.customdata);
      if (this.payload.select && value !== undefined) this.send.setTriggerValue("clicked", value);
    });
    // Plotly also reports an empty selection while it redraws; that one is not the user's.
    this.gd.on("plotly_selected", (event) => event && !this.drawing && this.select(event.points));
    this.gd.on("plotly_deselect", () => !this.drawing && this.select([]));
  }

  select(points) {
    if (!this.payload.select) return;
    const known = points.filter((point) => point.customdata !== undefined && point.customdata !== null);
    this.selected = new Set(known.map((point) => pointName(point.fullData.uid, point.id ?? plain(point.customdata))));
    this.send.setStateValue("selected", known.map((point) => plain(point.customdata)));
  }

  /** A selection belongs to its points, not to a region: find them again in new data. */
  keepSelection({ data, layout }) {
    if (!this.payload.select) return;
    layout.selectionrevision = this.id;
    if (!this.selected.size) return;
    for (const trace of data) {
      const names = trace.ids ?? trace.customdata;
      if (!Array.isArray(names)) continue;
      trace.selectedpoints = names.flatMap((name, i) => (this.selected.has(pointName(trace.uid, name)) ? [i] : []));
    }
  }

  // ---- export -----------------------------------------------------------------------------------------------

  /** The further ways to take the figure along, in a list that opens above the button. */
  choices(foot) {
    const menu = element("div", "pv-chart-menu", foot);
    menu.popover = "auto";
    const add = (label, action) => {
      const button = element("button", "pv-chart-choice", menu);
      Object.assign(button, { type: "button", textContent: label });
      button.addEventListener("click", async () => {
        menu.hidePopover();
        try {
          await action();
        } catch (error) {
          this.note.textContent = `This did not work: ${error.message}.`;
        }
      });
    };
    for (const [id, { label }] of Object.entries(SIZES)) if (id !== "screen") add(`SVG ${label}`, () => this.download(id));
    if (copies()) add("Copy as picture", async () => copyPicture(await this.svg(SIZES.screen)));
    menu.addEventListener("beforetoggle", ({ newState }) => {
      if (newState !== "open") return;
      const { right, top } = this.more.getBoundingClientRect();
      Object.assign(menu.style, { right: `${Math.max(4, innerWidth - right)}px`, bottom: `${innerHeight - top + 4}px` });
    });
    return menu;
  }

  /** The figure in light colours on white, with the zoom and the hidden traces as on screen, and what it is about. */
  async svg(size) {
    const full = this.gd._fullLayout;
    const width = size.width ?? this.width;
    const { data, layout } = look(this.payload, PAPER, width, width === this.width ? this.legend : undefined);
    const shown = new Map(this.gd._fullData.map((trace) => [trace.uid, trace.visible]));
    for (const trace of data) if (shown.has(trace.uid)) trace.visible = shown.get(trace.uid);
    for (const name of Object.keys(full).filter((key) => /^[xy]axis\d*$/.test(key))) {
      layout[name] = { ...layout[name], range: full[name].range?.slice(), autorange: false };
    }
    const about = this.payload.about.length ? [...this.payload.about, location.href] : [];
    return asSvg(this.Plotly, { data, layout, width: layout.width, height: layout.height }, about, size);
  }

  async download(id) {
    if (!this.Plotly || !this.draws) return;
    const suffix = id === "screen" ? "" : `-${id}`;
    save(await this.svg(SIZES[id]), "image/svg+xml", `${this.payload.filename}${suffix}.svg`);
  }

  destroy() {
    this.gone = true;
    this.resize.disconnect();
    this.stopGlide();
    this.Plotly?.purge(this.gd);
    this.root.remove();
  }
}
