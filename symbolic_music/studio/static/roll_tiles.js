/** Strips of a roll drawn once and kept, so that scrolling only moves pictures. */

const WIDTH = 512;
const MOST = 40;

export class Tiles {
  constructor() {
    /** @type {Map<number, HTMLCanvasElement>} */
    this.kept = new Map();
    this.key = '';
  }

  /** Forget all. */
  clear() { this.kept.clear(); }

  /**
   * Draw what is seen.
   * @param {CanvasRenderingContext2D} g
   * @param {string} key of all that the strips hang on; another key and they are drawn anew
   * @param {number} left first pixel of the content that is seen
   * @param {number} width pixels that are seen
   * @param {number} height of the content
   * @param {number} ratio device pixels a pixel
   * @param {(g: CanvasRenderingContext2D, left: number, width: number) => void} paint a strip of the content
   * @param {(image: HTMLCanvasElement, at: number, width: number) => void} put
   */
  draw(key, left, width, height, ratio, paint, put) {
    if (key !== this.key) { this.clear(); this.key = key; }
    for (let number = Math.floor(left / WIDTH); number * WIDTH < left + width; number++) {
      let image = this.kept.get(number);
      if (!image) {
        image = document.createElement('canvas');
        image.width = Math.ceil(WIDTH * ratio);
        image.height = Math.max(1, Math.ceil(height * ratio));
        const own = image.getContext('2d', { alpha: false });
        own.setTransform(ratio, 0, 0, ratio, 0, 0);
        paint(own, number * WIDTH, WIDTH);
      }
      this.kept.delete(number);
      this.kept.set(number, image);
      put(image, number * WIDTH, WIDTH);
    }
    while (this.kept.size > MOST) this.kept.delete(this.kept.keys().next().value);
  }
}
