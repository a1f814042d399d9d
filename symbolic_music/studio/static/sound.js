/** Sound streamed from the server, played without gaps, with a clock that agrees with what is heard. */

const RATE = 44100;
const AHEAD_SECONDS = 4;
const LEAD_SECONDS = 0.03;

export class Sound {
  constructor() {
    /** @type {AudioContext|null} */
    this.context = null;
    this.run = 0;
    this.playing = false;
    this.startedAt = 0;
    this.from = 0;
    this.firstSoundMs = null;
    this.notes = new Map();
  }

  /** The audio context; made when something is first to be heard, as browsers want it. */
  open() {
    if (!this.context) {
      this.context = new AudioContext({ sampleRate: RATE, latencyHint: 'interactive' });
      this.out = this.context.createGain();
      this.out.connect(this.context.destination);
    }
    if (this.context.state === 'suspended') this.context.resume();
    return this.context;
  }

  /**
   * Play an address of raw samples.
   * @param {string} address
   * @param {number} from seconds of the piece at which it begins
   * @param {{until?: number|null, again?: (() => string)|null, loopFrom?: number, onEnd?: () => void}} [options] with `again`,
   *   what is asked for once `until` is reached, for ever
   */
  async play(address, from, { until = null, again = null, loopFrom = from, onEnd } = {}) {
    this.stop();
    const context = this.open();
    const run = ++this.run;
    this.abort = new AbortController();
    this.playing = true;
    this.from = from;
    this.startedAt = null;
    this.segments = [];
    const asked = performance.now();
    let begin = from, next = address;
    try {
      for (;;) {
        const most = until === null ? Infinity : Math.max(1, Math.round((until - begin) * RATE));
        await this.pour(next, run, begin, most, asked);
        if (run !== this.run) return;
        if (!again) break;
        begin = loopFrom;
        next = again();
      }
      const wait = () => {
        if (run !== this.run) return;
        if (context.currentTime < this.endsAt + 0.05) { setTimeout(wait, 50); return; }
        this.playing = false;
        onEnd?.();
      };
      wait();
    } catch (error) {
      if (run !== this.run) return;
      this.playing = false;
      if (error.name !== 'AbortError') onEnd?.(error);
    }
  }

  /** Read one address and put its samples after what is scheduled. */
  async pour(address, run, begin, most, asked) {
    const response = await fetch(address, { signal: this.abort.signal });
    if (!response.ok) {
      let words = 'no sound comes';
      try { words = (await response.json()).error ?? words; } catch { /* no JSON */ }
      throw new Error(words);
    }
    const reader = response.body.getReader();
    let rest = new Uint8Array(0), frames = 0, isFirst = true, pending = [], held = 0;
    const flush = () => {
      if (!held) return;
      const buffer = this.context.createBuffer(2, held, RATE);
      const [left, right] = [buffer.getChannelData(0), buffer.getChannelData(1)];
      let at = 0;
      for (const part of pending) for (let i = 0; i < part.length; i += 2) { left[at] = part[i] / 32768; right[at++] = part[i + 1] / 32768; }
      this.schedule(buffer, begin, isFirst, asked);
      isFirst = false;
      pending = [];
      held = 0;
    };
    for (;;) {
      const { done, value } = await reader.read();
      if (run !== this.run) { reader.cancel().catch(() => {}); return; }
      if (done) break;
      const bytes = new Uint8Array(rest.length + value.length);
      bytes.set(rest);
      bytes.set(value, rest.length);
      const whole = Math.min(bytes.length >> 2, most - frames);
      rest = bytes.slice(whole * 4);
      if (whole > 0) { pending.push(new Int16Array(bytes.buffer, 0, whole * 2)); held += whole; frames += whole; }
      if (isFirst || held > RATE / 4) flush();
      if (frames >= most) { reader.cancel().catch(() => {}); break; }
      while (run === this.run && this.endsAt - this.context.currentTime > AHEAD_SECONDS) await new Promise((r) => setTimeout(r, 60));
    }
    flush();
    // Where the music ends before the loop does, the rest is silence.
    if (most !== Infinity && frames < most) this.endsAt += (most - frames) / RATE;
  }

  schedule(buffer, begin, isFirst, asked) {
    const context = this.context;
    if (this.startedAt === null) {
      this.startedAt = this.endsAt = context.currentTime + LEAD_SECONDS;
      this.firstSoundMs = performance.now() - asked + LEAD_SECONDS * 1000;
    }
    // What comes too late moves all that follows: the clock must say what is heard.
    const late = context.currentTime + 0.005 - this.endsAt;
    if (late > 0) this.endsAt += late;
    if (isFirst || late > 0) {
      const last = this.segments[this.segments.length - 1];
      const music = isFirst ? begin : last.music + (this.endsAt - late - last.at);
      this.segments.push({ at: this.endsAt, music });
    }
    const node = context.createBufferSource();
    node.buffer = buffer;
    node.connect(this.out);
    node.start(this.endsAt);
    this.nodes = (this.nodes ?? []).filter((one) => one.until > context.currentTime);
    this.nodes.push({ node, until: this.endsAt + buffer.duration });
    this.endsAt += buffer.duration;
  }

  /** Seconds of the piece that are heard now; null while nothing is. */
  position() {
    if (!this.playing || this.startedAt === null) return null;
    const heard = this.context.currentTime - (this.context.outputLatency || 0);
    let segment = this.segments[0];
    for (const one of this.segments) if (one.at <= heard) segment = one;
    return Math.max(segment.music, segment.music + heard - segment.at);
  }

  /** When a moment of the piece is heard, in the context's time. */
  timeOf(seconds) {
    const last = this.segments[this.segments.length - 1];
    return last ? last.at + seconds - last.music : 0;
  }

  stop() {
    this.run++;
    this.abort?.abort();
    for (const { node } of this.nodes ?? []) { try { node.stop(); } catch { /* it has ended */ } }
    this.nodes = [];
    this.playing = false;
  }

  /** Play one note of raw samples from an address, now or at a time of the context. */
  async note(address, when = 0) {
    const context = this.open();
    if (!this.notes.has(address)) {
      const samples = fetch(address).then((r) => {
        if (!r.ok) throw new Error(`the server answers ${r.status}`);
        return r.arrayBuffer();
      }).then((data) => {
        const values = new Int16Array(data, 0, data.byteLength >> 1), frames = values.length >> 1;
        const buffer = context.createBuffer(2, Math.max(1, frames), RATE);
        for (const channel of [0, 1]) {
          const out = buffer.getChannelData(channel);
          for (let i = 0; i < frames; i++) out[i] = values[2 * i + channel] / 32768;
        }
        return buffer;
      });
      // A note that did not come is asked for again the next time.
      samples.catch(() => this.notes.delete(address));
      this.notes.set(address, samples);
      if (this.notes.size > 400) this.notes.delete(this.notes.keys().next().value);
    }
    const node = context.createBufferSource();
    node.buffer = await this.notes.get(address);
    node.connect(this.out);
    node.start(Math.max(when, context.currentTime));
  }

  /** A click of the metronome. */
  click(when, isStrong) {
    const context = this.open(), oscillator = context.createOscillator(), gain = context.createGain();
    oscillator.frequency.value = isStrong ? 1760 : 1175;
    gain.gain.setValueAtTime(0.18, when);
    gain.gain.exponentialRampToValueAtTime(0.001, when + 0.05);
    oscillator.connect(gain).connect(this.out);
    oscillator.start(when);
    oscillator.stop(when + 0.06);
  }
}
