"""From events of a file to rows of SkyTNT's ids: quantised, set up at the beginning, renumbered where asked.

Each event is [kind, quarter, step, track, ...] with the numbers of its parameters after the track; of v1 too, whose
order of a note's parameters matters only when ids are made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from symbolic_music.tokenizers.public.skytnt_events import Event, Tracks
from symbolic_music.tokenizers.public.skytnt_vocabulary import DRUMS, MOST_FLATS, STEPS, RowLayout

Row = list[Any]
# Changes of controllers and tempos that are smaller are left out.
_LEAST_CHANGE = 4
_MOST_TRACKS = 128
_SCALE = 7  # notes
_KEY_SHARE = 0.7


@dataclass
class Channels:
    """What is known of channels and tracks while the events of a file are read.

    `order`: channels by their first event; `silent`: those of them without notes; `tracks`: of each channel the tracks
    that name it -> their new number; `playing`: of each channel the tracks with notes of it; `changed`: channels with a
    program; `first`: the first track with notes of each channel; `of_track`: channels by track; `pitch_classes`: how
    many notes have each, without drums; `keys`: the key signatures; `renamed`: new number of each channel.
    """

    order: list[int] = field(default_factory=list)
    silent: list[int] = field(default_factory=list)
    tracks: dict[int, dict[int, int]] = field(default_factory=lambda: {channel: {} for channel in range(16)})
    playing: dict[int, list[int]] = field(default_factory=lambda: {channel: [] for channel in range(16)})
    changed: list[int] = field(default_factory=list)
    first: dict[int, int] = field(default_factory=dict)
    of_track: dict[int, list[int]] = field(default_factory=dict)
    pitch_classes: list[int] = field(default_factory=lambda: [0] * 12)
    keys: list[Row] = field(default_factory=list)
    renamed: dict[int, int] = field(default_factory=dict)


def quantised(quarter: int, tracks: Tracks, layout: RowLayout) -> tuple[list[Row], Channels]:
    """Events on the grid of sixteenths of a quarter, without those that change nothing; and their channels."""
    channels = Channels()
    events: dict[tuple[Any, ...], Row] = {}
    for track, own in enumerate(tracks[:_MOST_TRACKS]):
        last_notes: dict[tuple[int, int], tuple[tuple[Any, ...], Row]] = {}
        last_values: dict[tuple[int, ...], int] = {}
        last_bpm = 0
        seen = channels.of_track.setdefault(track, [])
        for event in own:
            if event.kind not in layout.parameters:
                continue
            step = round(STEPS * event.tick / quarter)
            place = [event.kind, step // STEPS, step % STEPS, track]
            channel = None
            if event.kind == "note":
                duration, channel, pitch, velocity = event.values
                row = [*place, channel, pitch, velocity, max(1, round(STEPS * duration / quarter))]
                channels.first.setdefault(channel, track)
                _add(channels.playing[channel], track)
                _add(seen, channel)
                channels.pitch_classes[pitch % 12] += channel != DRUMS
            elif event.kind == "patch_change":
                channel, program = event.values
                if last_values.get((channel,)) == program:
                    continue
                last_values[(channel,)] = program
                _add(channels.changed, channel)
                row = [*place, channel, program]
            elif event.kind == "control_change":
                channel, number, value = event.values
                if abs(last_values.get((channel, number), 0) - value) < _LEAST_CHANGE:
                    continue
                last_values[channel, number] = value
                row = [*place, channel, number, value]
            else:
                values = _values(event, layout)
                if values is None or (event.kind == "set_tempo" and abs(last_bpm - values[0]) < _LEAST_CHANGE):
                    continue
                last_bpm = values[0] if event.kind == "set_tempo" else last_bpm
                row = [*place, *values]
                if event.kind == "key_signature":
                    channels.keys.append(row)
            if channel is not None:
                _add(channels.order, channel)
                channels.tracks[channel].setdefault(track, 0)
            key = tuple(row[:-2] if event.kind in ("note", "time_signature", "key_signature") else row[:-1])
            if event.kind == "note":
                _end_before(events, last_notes, row, key)
            events[key] = row
    channels.silent = [channel for channel in channels.order if not channels.playing[channel]]
    return list(events.values()), channels


def _values(event: Event, layout: RowLayout) -> list[int] | None:
    """The parameters of a tempo, meter or key; None for what has none."""
    if event.kind == "set_tempo":
        return [min(int(60 / (event.values[0] / 10**6)), layout.sizes["bpm"] - 1)] if event.values[0] else None
    first, second = event.values
    if event.kind == "time_signature":
        return [first - 1, second - 1] if 1 <= first <= 16 and 1 <= second <= 4 else None
    return [first + MOST_FLATS, second] if abs(first) <= MOST_FLATS and second in (0, 1) else None


def _end_before(
    events: dict[tuple[Any, ...], Row],
    last: dict[tuple[int, int], tuple[tuple[Any, ...], Row]],
    row: Row,
    key: tuple[Any, ...],
) -> None:
    """The note before this one of its channel and pitch ends where it begins; one that then has no length goes."""
    voice = row[4], row[5]
    if voice in last:
        key_before, before = last[voice]
        apart = STEPS * (row[1] - before[1]) + row[2] - before[2]
        before[-1] = max(0, min(before[-1], apart))
        if not before[-1]:
            events.pop(key_before)
    last[voice] = key, row


def _add(numbers: list[int], number: int) -> None:
    if number not in numbers:
        numbers.append(number)


def renumbered(events: list[Row], channels: Channels) -> list[Row]:
    """Channels from 0 on in order of appearance, silent ones last, and a track for each channel and track of the file.

    `channels` is changed along. Tempos and meters go to track 0, keys to each track that plays.
    """
    silent = channels.silent
    new = {DRUMS: DRUMS} if DRUMS in channels.order else {}
    free = (number for number in range(16) if number != DRUMS)
    new |= {
        channel: next(free)
        for channel in sorted(channels.order, key=lambda channel: channel in silent)
        if channel != DRUMS
    }
    count = 0
    for channel in sorted(new, key=lambda channel: new[channel]):
        for track in channels.tracks[channel] if channel not in silent else ():
            if track in channels.playing[channel]:
                count += 1
                channels.tracks[channel][track] = count
    channels.first = {}
    changed: list[int] = []
    keys: list[Row] = []
    more: list[Row] = []
    gone: list[int] = []
    for place, event in enumerate(events):
        kind, track = event[0], event[3]
        if kind in ("set_tempo", "time_signature"):
            event[3] = 0
        elif kind == "key_signature":
            where = [(new[c], own[track]) for c, own in channels.tracks.items() if own.get(track)]
            if where:
                event[3:5] = _keyed(event, *where[0])[3:5]
                # Copies of the first, which by now may be that of drums.
                others = [_keyed(event, *one) for one in where[1:]]
                keys += [event, *others]
                more += others
            elif track == 0:
                keys.append(event)
            else:
                gone.append(place)
        else:
            channel = event[4]
            event[4] = new[channel]
            playing = channels.playing[channel]
            if kind != "note" and playing and track not in playing:
                track = playing[0]
            event[3] = channels.tracks[channel][track]
            if kind == "note":
                channels.first.setdefault(event[4], event[3])
            elif kind == "patch_change":
                _add(changed, event[4])
    left = [event for place, event in enumerate(events) if place not in set(gone)] + more
    of_track: dict[int, list[int]] = {}
    for channel, tracks in channels.tracks.items():
        for number in tracks.values() if channel in new else ():
            _add(of_track.setdefault(number, []), new[channel])
    channels.of_track, channels.changed, channels.keys = of_track, changed, keys
    channels.renamed = new
    channels.order, channels.silent = list(new.values()), [new[channel] for channel in silent]
    return left


def _keyed(event: Row, channel: int, track: int) -> Row:
    return [*event[:3], track, MOST_FLATS if channel == DRUMS else event[4], *event[5:]]


def add_programs(events: list[Row], channels: Channels) -> None:
    """A piano for each channel with notes and no program."""
    bare = [c for c in channels.order if c not in channels.changed and c in channels.first]
    events += [["patch_change", 0, 0, channels.first[channel], channel, 0] for channel in bare]


def completed_keys(events: list[Row], channels: Channels, is_renumbered: bool) -> list[Row]:
    """With the key that the notes have, where none but C major is written; without any where that cannot be told.

    Args:
        events: all; those of `channels.keys` are changed.
        channels: of the events.
        is_renumbered: whether track 0 holds no notes.
    """
    keys = channels.keys
    if any(key[4] != MOST_FLATS for key in keys):
        return events
    root = major_key(channels.pitch_classes)
    if root is None:
        return [event for event in events if event not in keys]
    sharps = (root * 7) % 12
    sharps -= 12 * (sharps > 6)
    if keys:
        for key in keys:
            if channels.of_track.get(key[3]) != [DRUMS]:
                key[4], key[5] = sharps + MOST_FLATS, 0
        return events
    return events + [
        ["key_signature", 0, 0, track, MOST_FLATS + (0 if own == [DRUMS] else sharps), 0]
        for track, own in channels.of_track.items()
        if track or not is_renumbered
    ]


def major_key(counts: list[int]) -> int | None:
    """The pitch class of the major scale that seven in ten notes are of; None where there is none.

    Args:
        counts: notes of each pitch class.
    """
    scale = sorted(sorted(range(12), key=lambda one: -counts[one])[:_SCALE])
    if not sum(counts) or sum(counts[one] for one in scale) / sum(counts) < _KEY_SHARE:
        return None
    halves = [one for place, one in enumerate(scale) if one - scale[place - 1] in (1, -11)]
    if len(halves) != 2:
        return None
    return {5: halves[0], 7: halves[1]}.get(halves[1] - halves[0])


def set_up(events: list[Row], layout: RowLayout) -> list[Row]:
    """In order; what stands before the first notes is moved to the beginning, each kind once a channel or track."""
    rank = {kind: number for number, kind in enumerate(layout.order)}

    def order(event: Row) -> tuple[int, ...]:
        return (*event[1:4], rank[event[0]])

    events = sorted(events, key=order)
    placed = ("note", "time_signature") if "time_signature" in layout.parameters else ("note",)
    found: dict[tuple[Any, ...], Row] = {}
    has_notes = False
    for place, event in enumerate(events):
        # As the original compares times: quarters and steps added up.
        sums = [one[1] + one[2] for one in events[max(0, place - 1) : place + 2]]
        here = min(place, 1)
        has_next = place < len(events) - 1 and sums[here] == sums[here + 1]
        has_previous = has_notes and place > 0 and sums[here] == sums[0]
        if (event[0] == "note" and not has_next) or (has_notes and not has_previous):
            return sorted(found.values(), key=order) + events[place:]
        has_notes |= event[0] == "note"
        moved = event if event[0] in placed else [event[0], 0, 0, *event[3:]]
        found[_setting(event, layout)] = moved
    return events


def _setting(event: Row, layout: RowLayout) -> tuple[Any, ...]:
    """What an event sets, once in a set-up; of v1's notes the order of its parameters tells them apart by length."""
    kind = event[0]
    if kind == "note":
        track, channel, pitch, _, duration = event[3:]
        return (
            (kind, track, channel, pitch)
            if layout.parameters[kind][3] == "channel"
            else (kind, track, duration, channel)
        )
    return (kind, *event[3:-2]) if kind in ("time_signature", "key_signature") else (kind, *event[3:-1])
