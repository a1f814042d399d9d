// Fills each element with data-live="NAME" by the module NAME.js beside this file.

for (const place of document.querySelectorAll("[data-live]")) {
  import(`./${place.dataset.live}.js`)
    .then((view) => view.mount(place))
    .then(() => { place.dataset.ready = "yes"; })
    .catch((error) => { place.textContent = `This view cannot be shown: ${error.message}`; });
}
