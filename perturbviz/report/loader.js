
// Unpacks plotly.js and the figures, both gzip in base64, and draws.
const unpacked = async (id) => {
  const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (c) => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
};
const config = { displaylogo: false, showSendToCloud: false, responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
(async () => {
  const script = document.createElement("script");
  script.textContent = await unpacked("pv-plotly");
  document.head.append(script);
  const figures = JSON.parse(await unpacked("pv-figures"));
  for (const [id, { data, layout }] of Object.entries(figures)) {
    const options = { ...config, toImageButtonOptions: { format: "svg", filename: `perturbviz-${layout.meta.kind}` } };
    await Plotly.newPlot(id, data, layout, options);
  }
  document.documentElement.dataset.drawn = Object.keys(figures).length;
})().catch((error) => {
  const problem = document.getElementById("pv-problem");
  problem.hidden = false;
  problem.textContent = `The charts could not be drawn (${error.message}): open this file in a browser from 2023 or later. The tables hold the numbers.`;
});
