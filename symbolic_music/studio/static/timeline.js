/** Ticks, seconds, bars and beats of a piece. */

export class Timeline {
  /** @param {any} facts as the server describes a score */
  constructor(facts) {
    this.quarter = facts.ticks_per_quarter;
    this.bars = facts.bars;
    this.tempos = facts.tempos;
    this.meters = facts.meters;
    this.end = facts.end;
  }

  /** Seconds at a tick. */
  seconds(tick) {
    const [at, micro, start] = this.tempos[lastAtOrBefore(this.tempos, tick, 0)];
    return start + ((tick - at) * micro) / 1e6 / this.quarter;
  }

  /** Tick at some seconds, not rounded. */
  tick(seconds) {
    const [at, micro, start] = this.tempos[lastAtOrBefore(this.tempos, seconds, 2)];
    return at + ((seconds - start) * 1e6 * this.quarter) / micro;
  }

  /** Index of the bar that a tick lies in, from 0; after the last bar line, bars go on as the last. */
  barIndex(tick) {
    let low = 0, high = this.bars.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.bars[middle] <= tick) low = middle; else high = middle - 1;
    }
    return low;
  }

  /** Tick at which a bar begins, from index 0 on, also beyond the end. */
  barTick(index) {
    const last = this.bars.length - 1;
    if (index <= last) return this.bars[Math.max(0, index)];
    return this.bars[last] + (index - last) * (this.bars[last] - this.bars[last - 1]);
  }

  /** Place as limits and chords take it: 8.5 is the middle of bar 8. */
  place(tick) {
    const index = this.barIndex(tick);
    const first = this.barTick(index), next = this.barTick(index + 1);
    return index + 1 + (tick - first) / (next - first);
  }

  /** Tick of such a place. */
  tickOf(place) {
    const index = Math.floor(place) - 1;
    const first = this.barTick(index), next = this.barTick(index + 1);
    return Math.round(first + (place - 1 - index) * (next - first));
  }

  /** Ticks of a beat at a tick: the meter's lower number. */
  beat(tick) {
    const index = lastAtOrBefore(this.meters, tick, 0);
    const meter = this.meters.length && this.meters[index][0] <= tick ? this.meters[index] : [0, 4, 4];
    return (4 * this.quarter) / meter[2];
  }

  /** "12.3" for the third beat of bar 12. */
  shown(tick) {
    const index = this.barIndex(tick);
    const beat = Math.floor((tick - this.barTick(index)) / this.beat(tick)) + 1;
    return `${index + 1}.${Math.max(1, beat)}`;
  }

  /** Quarters a minute at a tick. */
  tempo(tick) {
    return 6e7 / this.tempos[lastAtOrBefore(this.tempos, tick, 0)][1];
  }
}

/** Index of the last row whose column is at most a value; 0 when none is. */
export function lastAtOrBefore(rows, value, column) {
  let low = 0, high = rows.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (rows[middle][column] <= value) low = middle; else high = middle - 1;
  }
  return Math.max(0, low);
}

/** "1:05.2" */
export function clock(seconds) {
  const s = Math.max(0, seconds);
  return `${Math.floor(s / 60)}:${(s % 60).toFixed(1).padStart(4, '0')}`;
}
