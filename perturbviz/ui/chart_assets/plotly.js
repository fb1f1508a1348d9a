// plotly.js from the plotly package on the server, loaded once per page and kept in the browser's cache.

const GLOBAL = "__perturbvizPlotly";

/** The shared promise of the Plotly object. `version` only makes the address change with the library. */
export function plotly(version) {
  window[GLOBAL] ??= load(version).catch((error) => {
    delete window[GLOBAL];
    throw error;
  });
  return window[GLOBAL];
}

async function load(version) {
  const url = new URL(`../perturbviz.ui.assets.plotly/plotly.min.js?v=${version}`, import.meta.url);
  // The server sends no expiry; the version is in the address, so whatever the cache holds is right.
  const response = await fetch(url, { cache: "force-cache", credentials: "same-origin" });
  if (!response.ok) throw new Error(`plotly.js could not be loaded (${response.status})`);
  // As a module with its own `module`, so that neither an AMD loader nor Streamlit's own plotly is involved.
  const source = ["const module = { exports: {} }, exports = module.exports, define = undefined;\n",
    await response.text(), "\nexport default module.exports;"];
  const blob = URL.createObjectURL(new Blob(source, { type: "text/javascript" }));
  try {
    return (await import(blob)).default;
  } finally {
    URL.revokeObjectURL(blob);
  }
}
