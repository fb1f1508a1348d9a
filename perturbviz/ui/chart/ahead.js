// Sent before anything else of a page: the browser gets the chart component and plotly.js while the server still prepares
// the first chart.
export default function ({ data }) {
  const file = (name) => new URL(`charts/${name}`, document.baseURI).href;
  import(file("chart.js")).catch(() => {}); // the chart asks again, and says so
  import(file("plotly.js")).then(({ plotly }) => plotly(data)).catch(() => {});
}
