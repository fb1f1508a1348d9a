// Part of every page from the start: plotly.js is read while the server still prepares the first chart, and a run that
// takes long is marked as such.
import { plotly } from "./plotly.js";

// Streamlit's own interface comes first; reading plotly.js keeps the browser busy for a good part of a second.
const start = () => setTimeout(() => plotly(new URL(import.meta.url).searchParams.get("plotly")), 50);
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
