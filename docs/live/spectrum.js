// A spectrogram of four seconds of the song, with the length of the window under control.

import { drawn, spectrogram } from "./fft.js";
import { canvas, element, fetched, slider } from "./ui.js";

/** Fill an element with the viewer. */
export async function mount(place) {
  const bytes = await fetched("song.mp3", "bytes");
  const address = URL.createObjectURL(new Blob([bytes], { type: "audio/mpeg" }));
  const audio = await new OfflineAudioContext(1, 1, 22050).decodeAudioData(bytes.slice(0));
  const samples = audio.getChannelData(0);
  let size = 1024;
  const said = element("p", { class: "live-note" });
  const image = canvas(240, (context, width, height) => {
    drawn(context, width, height, spectrogram(samples, size, Math.min(300, Math.round(width / 2))), audio.sampleRate, 4000);
    said.textContent = `A window of ${size} samples lasts ${(1000 * size / audio.sampleRate).toFixed(0)} ms `
      + `and tells frequencies apart that differ by ${(audio.sampleRate / size).toFixed(0)} Hz. Shown up to 4,000 Hz.`;
  });
  place.replaceChildren(
    image, said,
    slider("window", { min: 7, max: 13, step: 1, value: 10, shown: (v) => String(2 ** v) }, (v) => { size = 2 ** v; image.redraw(); }),
    element("audio", { controls: "", src: address }),
  );
}
