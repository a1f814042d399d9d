// Formulas, set by KaTeX 0.19.1 of ../katex (npm `katex`, MIT licence: its LICENSE is beside it). Each element with
// data-tex has MathML already, which stays where scripts do not run.

const folder = new URL("../katex/", import.meta.url);

function loaded(element, address, key) {
  return new Promise((resolve, reject) => {
    element[key] = new URL(address, folder).href;
    element.onload = resolve;
    element.onerror = () => reject(new Error(`${address} cannot be loaded`));
    document.head.append(element);
  });
}

export async function set(places) {
  const style = document.createElement("link");
  style.rel = "stylesheet";
  await Promise.all([
    loaded(style, "katex.min.css", "href"),
    loaded(document.createElement("script"), "katex.min.js", "src"),
  ]);
  for (const place of places) {
    const displayMode = place.tagName === "DIV";
    window.katex.render(place.dataset.tex, place, { displayMode, throwOnError: true, strict: "error" });
  }
}
