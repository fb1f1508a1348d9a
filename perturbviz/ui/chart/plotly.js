// plotly.js from the plotly package on the server, loaded once per page and kept in the browser's cache.

const GLOBAL = "__perturbvizPlotly";
let tries = 0; // a browser does not ask again for a module that once failed, unless the address differs

/** The shared promise of the Plotly object. `version` only makes the address change with the library. */
export function plotly(version) {
  window[GLOBAL] ??= load(version).catch((error) => {
    delete window[GLOBAL];
    throw error;
  });
  return window[GLOBAL];
}

async function load(version) {
  const url = new URL(`../perturbviz.ui.assets.plotly/plotly.js?v=${version}${tries++ ? `&try=${tries}` : ""}`, import.meta.url);
  return (await import(url.href)).default;
}
