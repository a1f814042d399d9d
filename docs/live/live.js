// Fills each element with data-live="NAME" by the module NAME.js beside this file, and sets formulas.

for (const place of document.querySelectorAll("[data-live]")) {
  import(`./${place.dataset.live}.js`)
    .then((view) => view.mount(place))
    .then(() => { place.dataset.ready = "yes"; })
    .catch((error) => { place.textContent = `This view cannot be shown: ${error.message}`; });
}

const formulas = document.querySelectorAll("[data-tex]");
if (formulas.length) import("./formulas.js").then((module) => module.set(formulas));
