// Part of every page from the start: plotly.js is read while the server still prepares the first chart, and a run that
// takes long says so, and for how long.
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
const told = document.body.appendChild(document.createElement("div"));
told.className = "pv-computing";
told.setAttribute("role", "status");
let slow, ticking;

function tell() {
  const begun = performance.now() - SLOW;
  const seconds = document.createElement("span");
  seconds.setAttribute("aria-hidden", "true"); // nobody wants to hear every second
  told.replaceChildren("Computing …", seconds);
  page.setAttribute("data-pv-slow", "");
  ticking = setInterval(() => { seconds.textContent = ` ${Math.round((performance.now() - begun) / 1000)} s`; }, 1000);
}

new MutationObserver(() => {
  clearTimeout(slow);
  clearInterval(ticking);
  if (document.querySelector(".stApp")?.dataset.testScriptState === "running") slow = setTimeout(tell, SLOW);
  else {
    page.removeAttribute("data-pv-slow");
    told.replaceChildren();
  }
}).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-test-script-state"] });
