// A figure that leaves the page and must stand alone: what it is about is written below it, type is generic, and it has
// a size that fits a paper or a slide. Used by the explorable page and by the charts of the app.

/** Where a figure goes: it is drawn at so many pixels and, in a program that reads sizes, is so large. The fewer pixels,
 *  the larger its type beside everything else. */
export const SIZES = {
  screen: { label: "as shown" },
  paper: { label: "for a paper, 180 mm wide", width: 680, across: "180mm" },
  slide: { label: "for a slide, 16:9", width: 820, height: 461, across: "1600px" },
};

/** Fonts that every program has; a page's own would be replaced by whatever the program likes. */
export const FONT = "Arial, Helvetica, sans-serif";
const SIZE = 11; // pixels, of the lines below
const LINE = 15;
const NARROW = 0.5; // width of a letter as a share of its height, on average
const SVG = "http://www.w3.org/2000/svg";

/** Lines of at most so many letters; a longer word has a line of its own. */
export function broken(text, letters) {
  const lines = [""];
  for (const word of String(text).split(/\s+/).filter(Boolean)) {
    const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
    if (lines.at(-1) && longer.length > letters) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

/** Pixels that the lines below a figure of this width take. */
export function footer(about, width) {
  return about.flatMap((text) => broken(text, Math.floor((width - 16) / (SIZE * NARROW)))).length * LINE + 12;
}

/**
 * The SVG of a figure with lines below that say what it is about.
 * `svg` is what plotly.js made; `about` are sentences, as plain text: they are set as text and never read as markup.
 */
export function standalone(svg, about, size = SIZES.screen) {
  const root = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  const [width, height] = ["width", "height"].map((side) => parseFloat(root.getAttribute(side)));
  const below = footer(about, width);
  root.setAttribute("viewBox", `0 0 ${width} ${height + below}`);
  const across = size.across ?? `${width}px`;
  root.setAttribute("width", across);
  root.setAttribute("height", `${(parseFloat(across) * (height + below)) / width}${across.replace(/[\d.]/g, "")}`);
  const make = (name, more) => {
    const node = root.ownerDocument.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(more)) node.setAttribute(key, value);
    return node;
  };
  root.prepend(make("rect", { width, height: height + below, fill: "#ffffff" }));
  const title = make("title", {});
  title.textContent = about.join(" · ");
  root.prepend(title);
  const text = make("text", { class: "pv-about", "font-family": FONT, "font-size": SIZE, fill: "#555763" });
  let y = height + LINE;
  for (const sentence of about) {
    for (const line of broken(sentence, Math.floor((width - 16) / (SIZE * NARROW)))) {
      const span = make("tspan", { x: 8, y });
      span.textContent = line;
      text.append(span);
      y += LINE;
    }
  }
  root.append(text);
  for (const node of root.querySelectorAll("[style*='font-family']")) node.style.fontFamily = FONT;
  return new XMLSerializer().serializeToString(root);
}

/** The figure at a size, drawn anew in light colours; `drawn` is { data, layout, width, height } for plotly.js. */
export async function asSvg(Plotly, { data, layout, width, height }, about, size = SIZES.screen) {
  const wide = size.width ?? width;
  const tall = size.height ? size.height - footer(about, wide) : height;
  const font = { ...layout.font, family: FONT };
  const whole = { ...layout, width: wide, height: tall, autosize: false, font, paper_bgcolor: "#ffffff", plot_bgcolor: "#ffffff" };
  const uri = await Plotly.toImage({ data, layout: whole }, { format: "svg", width: wide, height: tall });
  return standalone(decodeURIComponent(uri.slice(uri.indexOf(",") + 1)), about, size);
}

/** Hand a file to whoever looks at the page. */
export function save(content, type, name) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** Whether the browser can put pictures on the clipboard here. */
export const copies = () => Boolean(navigator.clipboard?.write && window.ClipboardItem);

/** Put an SVG on the clipboard as a picture, twice as fine as on the screen. */
export async function copyPicture(svg) {
  const made = new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [image.width * 2, image.height * 2];
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the picture could not be drawn"))), "image/png");
    };
    image.onerror = () => reject(new Error("the picture could not be drawn"));
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  });
  await navigator.clipboard.write([new ClipboardItem({ "image/png": made })]);
}
