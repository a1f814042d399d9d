// Spectra of sounds, in plain JavaScript.

/** Magnitudes of the first half of the spectrum of a real signal whose length is a power of two. */
export function magnitudes(signal) {
  const n = signal.length;
  const real = Float64Array.from(signal), imaginary = new Float64Array(n);
  for (let i = 1, j = 0; i < n; i += 1) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) [real[i], real[j]] = [real[j], real[i]];
  }
  for (let size = 2; size <= n; size *= 2) {
    for (let k = 0; k < size / 2; k += 1) {
      const turn = -2 * Math.PI * k / size, c = Math.cos(turn), s = Math.sin(turn);
      for (let at = k; at < n; at += size) {
        const other = at + size / 2;
        const r = real[other] * c - imaginary[other] * s, i = real[other] * s + imaginary[other] * c;
        real[other] = real[at] - r;
        imaginary[other] = imaginary[at] - i;
        real[at] += r;
        imaginary[at] += i;
      }
    }
  }
  return Float64Array.from({ length: n / 2 }, (_, k) => Math.hypot(real[k], imaginary[k]));
}

/** Columns of a spectrogram in dB: Hann windows of `size`, `columns` of them, evenly spaced. */
export function spectrogram(samples, size, columns) {
  const hann = Float64Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos(2 * Math.PI * i / size));
  return [...Array(columns)].map((_, column) => {
    const start = Math.round(column * (samples.length - size) / Math.max(1, columns - 1));
    const part = hann.map((weight, i) => weight * (samples[start + i] ?? 0));
    return magnitudes(part).map((one) => 20 * Math.log10(one / (size / 4) + 1e-6));
  });
}

/** Draw columns up to `hertz`, dark for quiet. */
export function drawn(context, width, height, columns, rate, hertz) {
  const bins = columns[0].length, top = Math.min(bins, Math.ceil(bins * hertz / (rate / 2)));
  const image = context.createImageData(columns.length, height);
  columns.forEach((column, x) => {
    for (let y = 0; y < height; y += 1) {
      const level = column[Math.min(top - 1, Math.floor((1 - (y + 0.5) / height) * top))];
      const share = Math.max(0, Math.min(1, (level + 90) / 80)), at = 4 * (y * columns.length + x);
      image.data.set([255 * Math.min(1, 1.6 * share), 255 * Math.max(0, share * 1.5 - 0.5), 90 * (1 - share) * share * 4, 255], at);
    }
  });
  const off = new OffscreenCanvas(columns.length, height);
  off.getContext("2d").putImageData(image, 0, 0);
  context.drawImage(off, 0, 0, width, height);
}
