// What Streamlit sends with every chart: it only fetches the real component once per page.
// The base of the address is read off Streamlit's own script, so a base path or a proxy prefix is included.
let component;

function appBase() {
  const script = document.querySelector('script[src*="/static/js/"]');
  return script ? new URL("../../", script.src) : new URL("./", document.baseURI);
}

export default async function (args) {
  component ??= import(new URL("component/perturbviz.ui.assets.chart/chart.js", appBase()).href);
  try {
    return (await component).default(args);
  } catch (error) {
    component = undefined; // the next run tries again, e.g. after the server came back
    throw error;
  }
}
