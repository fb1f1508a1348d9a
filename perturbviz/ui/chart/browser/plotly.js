// plotly.js from the plotly package on the server, loaded once per page and kept in the browser's cache.

let library;

/** The shared promise of the Plotly object; `version` is in its address, so that a new one is asked for. */
export function plotly(version) {
  library ??= load(new URL(`plotly-${version}.js`, import.meta.url).href).catch((error) => {
    library = undefined; // the next chart asks again
    throw error;
  });
  return library;
}

function load(address) {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: address });
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      script.remove();
      reject(new Error("plotly.js did not come"));
    };
    document.head.append(script);
  });
}
