// Part of every page from the start: plotly.js is read while the server still prepares the first chart.
import { plotly } from "./plotly.js";

// Streamlit's own interface comes first; reading plotly.js keeps the browser busy for a good part of a second.
const start = () => setTimeout(() => plotly(new URL(import.meta.url).searchParams.get("plotly")), 50);
if (document.readyState === "complete") start();
else addEventListener("load", start, { once: true });
