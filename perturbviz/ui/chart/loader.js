// What Streamlit sends with every chart: it only fetches the real component once per page (ui/server.py hands it out).
// Pages are one level below the app's root, as Streamlit's own addresses assume, so a base path or a proxy's prefix is included.
let component;

export default async function (args) {
  component ??= import(new URL("charts/chart.js", document.baseURI).href);
  try {
    return (await component).default(args);
  } catch (error) {
    component = undefined; // the next run tries again, e.g. after the server came back
    throw error;
  }
}
