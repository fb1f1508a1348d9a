// Part of every page from the start: plotly.js is read while the server still prepares the first chart, and a run that
// takes long is marked as such.
import { plotly } from "./plotly.js";

// Streamlit's own interface comes first; reading plotly.js keeps the browser busy for a good part of a second.
const asked = new URL(import.meta.url).searchParams;
const start = () => setTimeout(() => {
  plotly(asked.get("plotly"));
  // Parts of the interface that Streamlit would ask for one by one when the first page comes, while the server is busy.
  for (const name of (asked.get("parts") ?? "").split(",").filter(Boolean)) import(new URL(`../../static/js/${name}`, import.meta.url).href);
}, 50);
if (document.readyState === "complete") start();
else addEventListener("load", start, { once: true });

const SLOW = 1000; // milliseconds
const page = document.documentElement;
let slow;
new MutationObserver(() => {
  clearTimeout(slow);
  if (document.querySelector(".stApp")?.dataset.testScriptState === "running") {
    slow = setTimeout(() => page.setAttribute("data-pv-slow", ""), SLOW);
  } else page.removeAttribute("data-pv-slow");
}).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-test-script-state"] });
