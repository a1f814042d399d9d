"""Write scores as MIDI files, so that reading them gives the same notes.

The order of one tick is that of the file that the score comes from, if its tracks are those of the file
(`writing.event_order`). Else it is: banks, programs, controllers, ends of notes, beginnings of notes in the order of
the table, ends of notes of no length. So a note struck again where it ends is not cut. Readers end the older of two
notes of one pitch first, so a note that lies inside another of its pitch and part is written to a track of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import MidiError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.io.midi.patch import patched
from symbolic_music.io.midi.reading.event_table import MAX_TICK
from symbolic_music.io.midi.reading.track_contents import narrow
from symbolic_music.io.midi.tolerant_reader import ended
from symbolic_music.io.midi.writing.channels import Part, Place, placed_parts
from symbolic_music.io.midi.writing.event_bytes import (
    Message,
    Releases,
    head,
    key_message,
    meter_message,
    sound,
    tempo_message,
    text_message,
)
from symbolic_music.io.midi.writing.event_columns import (
    Columns,
    bend_columns,
    chunk_bytes,
    control_columns,
    note_columns,
)
from symbolic_music.io.midi.writing.event_order import BANK_HIGH, BANK_LOW, HEAD, PROGRAM, Order, PartByPart, order_of
from symbolic_music.io.midi.writing.lyrics_track import words_of_silent_tracks
from symbolic_music.io.midi.writing.overlapping_notes import layered
from symbolic_music.score import BEND as BEND_TABLE
from symbolic_music.score import CONTROL as CONTROL_TABLE
from symbolic_music.score import NOTE, Array, Other, Score, Text, joined

_MOST_TICKS, _MOST_TRACKS, _SLOWEST = 0x7FFF, 0xFFFF, 0xFFFFFF
_METER = b"\xff\x58"
Texts = dict[int | None, list[Text]]


def midi_bytes(score: Score) -> bytes:
    """The score as the bytes of a MIDI file.

    One that was read from a MIDI file, and whose notes alone were changed since, is that file with these notes changed
    (`patch`). Any other is written anew: tempo, meter, key and markers first, then a track a part (type 1). Where the
    notes of one tick go to and fro between parts, as they do when read from a type 0 file, all parts are written to
    one track (type 0) if its channels suffice, so that this order is kept.

    A part is what one track plays with one program. It keeps the channel and port it was read with, where no other
    part is in the way; parts without a channel get one of their own, and where sixteen do not suffice those that
    sound alike share one, or there are several ports. Drums are on the tenth. A velocity of 0, which MIDI cannot
    write, is written as 1.

    Raises:
        MidiError: when MIDI cannot hold it: more than 65,535 tracks or 2^30 ticks, a quarter of more than 32,767 ticks
            or 16.7 s, a meter whose lower number is no power of two.

    Examples:
        >>> from pathlib import Path
        >>> sm.io.midi_bytes(song) == Path("song.mid").read_bytes()
        True
    """
    data = patched(score)
    return written(score) if data is None else data


def written(score: Score) -> bytes:
    """The score as a file of its own, whatever it was read from."""
    _check(score)
    if score.notes["hanging"].any():
        score = _with_true_ends(score)
    parts = list(_parts(score))
    apart = words_of_silent_tracks(score)
    elsewhere = {id(word) for words in apart.values() for word in words}
    texts: Texts = defaultdict(list)
    for text in score.texts:
        if id(text) not in elsewhere:
            texts[text.track].append(text)
    order = order_of(score)
    if not score.others and not apart:
        together = _one_chunk(score, parts, texts, order)
        if together is not None:
            return _file(0, score.ticks_per_quarter, [together])
    others, silent = _others(score, order)
    for chunk, words in apart.items():
        silent.setdefault(chunk, []).extend(map(text_message, words))
    silent = dict(sorted(silent.items()))
    releases = Releases(score.others)
    taken = {(0, message[0] & 15) for own in silent.values() for _, _, message in own if message[0] < 0xF0}
    places = placed_parts(score, parts, frozenset(taken))
    several = any(place.port for place in places)
    sounds = {(place.port, place.channel, part.program, part.bank) for part, place in zip(parts, places, strict=True)}
    if len(sounds) > len({(place.port, place.channel) for place in places}):
        order = PartByPart(order)
    groups = _groups(score, parts, places, texts)
    beginning = [_maps(score, texts[None]) + [_message(other, order) for other in others[None]], *silent.values()]
    depths, first, begun, columns = _note_columns(parts, places, groups, len(beginning), releases, order)
    columns += _state_columns(_states(parts, places, groups, order), places, groups, first, order)
    messages = [(number, message) for number, own in enumerate(beginning) for message in own]
    messages += _changes(parts, places, begun, [at for own, at in zip(groups, first, strict=True) for _ in own])
    for group, at, depth in zip(groups, first, depths, strict=True):
        place, tracks = places[group[0]], [parts[index].track for index in group]
        begin = head(score.tracks[tracks[0]], place.port if several else None)
        messages += [(number, message) for number in range(at, at + depth) for message in begin]
        messages += [(at, text_message(text)) for track in tracks for text in texts.pop(track, [])]
        messages += [(at, _message(other, order, place.channel)) for track in tracks for other in others.pop(track, [])]
    chunks = chunk_bytes(columns, messages, len(beginning) + sum(depths))
    return _file(1, score.ticks_per_quarter, chunks, [other.data for other in score.others if other.data[0] < 0x80])


def _note_columns(
    parts: Sequence[Part], places: Sequence[Place], groups: Sequence[Sequence[int]], before: int,
    releases: Releases, order: Order,
) -> tuple[list[int], list[int], list[NDArray[np.int64]], list[Columns]]:  # fmt: skip
    """How many tracks of the file each group of parts needs, its first, and the notes of all of them.

    Before the columns of the notes: for each part the tracks of its notes and their turns within the tick, (2, notes).

    `before`: tracks that come before those of the first group.
    """
    notes = joined([part.notes for part in parts], NOTE)
    numbers = np.array([n for n, own in enumerate(groups) for _ in own], np.int64)
    group = np.repeat(numbers, np.array([len(part.notes) for part in parts], np.int64))
    in_time = np.arange(len(notes))
    if len(groups) < len(parts):
        in_time = np.argsort(group << 31 | notes["onset"], kind="stable")
        notes, group = _taken(notes, in_time), group[in_time]
    layers = layered(notes, group << 7 | notes["pitch"])
    depths = np.ones(len(groups), np.int64)
    for layer, rows in enumerate(layers):
        depths[group[rows]] = layer + 1
    first = before + np.cumsum(depths) - depths
    channels = np.array([places[own[0]].channel for own in groups], np.int64)
    columns: list[Columns] = []
    begun = np.empty((2, len(notes)), np.int64)
    for layer, rows in enumerate(layers):
        of = group[rows]
        columns += note_columns(_taken(notes, rows), first[of] + layer, channels[of], releases, order)
        begun[:, in_time[rows]] = columns[-1].chunk, columns[-1].turn
    by_part = np.split(begun, np.cumsum([len(part.notes) for part in parts])[:-1], axis=1)
    return depths.tolist(), first.tolist(), by_part, columns


def _taken(table: Array, rows: NDArray[np.int64]) -> Array:
    """Those rows, copied as plain bytes: NumPy copies records field by field, many times slower."""
    return table.view(f"V{table.dtype.itemsize}")[rows].view(table.dtype)


def _state_columns(
    states: Sequence[tuple[Array, Array]], places: Sequence[Place], groups: Sequence[Sequence[int]],
    first: Sequence[int], order: Order,
) -> list[Columns]:  # fmt: skip
    """Controllers and bends of all groups."""
    channels = np.array([places[own[0]].channel for own in groups], np.int64)
    tracks = np.array(first, np.int64)
    columns = []
    for which, dtype, made in ((0, CONTROL_TABLE, control_columns), (1, BEND_TABLE, bend_columns)):
        tables = [state[which] for state in states]
        lengths = np.array([len(table) for table in tables], np.int64)
        columns.append(made(joined(tables, dtype), np.repeat(tracks, lengths), np.repeat(channels, lengths), order))
    return columns


def _with_true_ends(score: Score) -> Score:
    """Notes without an end count as ended where they do not last as long as a reader would have them last."""
    notes = score.notes.copy()
    notes["hanging"] &= ended(score).notes["duration"] == notes["duration"]
    return score.replace(notes=notes)


def _check(score: Score) -> None:
    """MidiError where MIDI cannot hold the score."""
    if score.ticks_per_quarter > _MOST_TICKS:
        raise MidiError(
            f"MIDI has at most {_MOST_TICKS:,} ticks a quarter, not {score.ticks_per_quarter:,}; resample it"
        )
    times = [
        score.end,
        *(int(t["time"][-1]) for t in (score.tempos, score.meters, score.controls, score.bends) if len(t)),
    ]
    if max(times) > MAX_TICK:
        raise MidiError(f"the score lasts more than {MAX_TICK:,} ticks: clip or resample it")
    if len(score.tempos) and score.tempos["microseconds"].max() > _SLOWEST:
        raise MidiError(
            f"MIDI has at most {_SLOWEST:,} microseconds a quarter, not {score.tempos['microseconds'].max():,}"
        )
    if any(d & (d - 1) for d in score.meters["denominator"].tolist()):
        raise MidiError("the lower number of a meter is a power of two in MIDI")


def _others(score: Score, order: Order) -> tuple[dict[int | None, list[Other]], dict[int, list[Message]]]:
    """Events without a table by the track they stand in, and those of tracks of the file in which nothing plays."""
    others: dict[int | None, list[Other]] = defaultdict(list)
    silent: dict[int, list[Message]] = defaultdict(list)
    for other in score.others:
        if other.data[:2] == _METER or other.data[0] >> 4 == 8 or other.data[0] < 0x80:
            continue  # see `_maps`, `Releases`, and `_file`
        if other.track is None and other.chunk > 0:
            silent[other.chunk].append(_message(other, order))
        else:
            others[other.track].append(other)
    return others, silent


def _message(other: Other, order: Order, channel: int | None = None) -> Message:
    """An event as it was; one of a channel moves along with its part."""
    status = other.data[0]
    if status >= 0xF0:
        return other.time, HEAD, other.data
    if channel is not None:
        return other.time, order.touch(other), bytes([status & 0xF0 | channel]) + other.data[1:]
    return other.time, PROGRAM if status >> 4 == 0xC else order.touch(other), other.data


def _groups(score: Score, parts: Sequence[Part], places: Sequence[Place], texts: Texts) -> list[list[int]]:
    """Parts that are written to one track: those of one name that take turns on a channel, which readers tell apart."""
    groups: list[list[int]] = []
    sounds: set[tuple[int, int | None]] = set()
    for index, (part, place) in enumerate(zip(parts, places, strict=True)):
        sound = part.program, part.bank
        if groups and sound not in sounds and not texts.keys() & {part.track, parts[index - 1].track}:
            before = places[index - 1]
            names = {score.tracks[parts[at].track].name for at in (index, index - 1)}
            if (before.port, before.channel) == (place.port, place.channel) and len(names) == 1:
                groups[-1].append(index)
                sounds.add(sound)
                continue
        groups.append([index])
        sounds = {sound}
    return groups


def _states(
    parts: Sequence[Part], places: Sequence[Place], groups: Sequence[Sequence[int]], order: Order
) -> list[tuple[Array, Array]]:
    """Controllers and bends of each group of parts; of groups that share a channel each event belongs to one."""
    states = [(parts[group[0]].controls[:0], parts[group[0]].bends[:0]) for group in groups]
    voices: dict[tuple[int, int], list[int]] = defaultdict(list)
    for number, group in enumerate(groups):
        voices[places[group[0]].port, places[group[0]].channel].append(number)
    for own in voices.values():
        teller, tracks = parts[groups[own[0]][0]], [parts[groups[number][0]].track for number in own]
        if len(own) == 1:
            states[own[0]] = teller.controls, teller.bends
            continue
        of_controls = order.homes(order.controls(teller.controls), tracks)
        of_bends = order.homes(order.bends(teller.bends), tracks)
        for rank, number in enumerate(own):
            states[number] = teller.controls[of_controls == rank], teller.bends[of_bends == rank]
    return states


def _changes(
    parts: Sequence[Part], places: Sequence[Place], begun: Sequence[NDArray[np.int64]], first_homes: Sequence[int]
) -> list[tuple[int, Message]]:  # fmt: skip
    """Program changes with their tracks: one at the beginning, and where parts of one channel take turns one a turn.

    `begun`: for each part the tracks of its notes and their turns, (2, notes); `first_homes`: the first track of each.
    """
    messages: list[tuple[int, Message]] = []
    voices: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, place in enumerate(places):
        voices[place.port, place.channel].append(index)
    for own in voices.values():
        first = own[0] if len(own) == 1 else min(own, key=lambda index: (_first_onset(parts[index]), index))
        sounds = [(parts[index].program, _bank(parts[index])) for index in own]
        chosen = sound(0, places[first].channel, *sounds[own.index(first)])
        messages += [(first_homes[first], message) for message in chosen]
        if len(set(sounds)) == 1:
            continue
        lengths = [len(parts[index].notes) for index in own]
        onsets = np.concatenate([parts[index].notes["onset"] for index in own])
        home, turns = np.concatenate([begun[index] for index in own], axis=1)
        which = np.repeat(np.arange(len(own)), lengths)
        # Of one tick a player takes the tracks one after the other.
        rows = np.lexsort((which, turns, home, onsets))
        numbers = np.array([sounds.index(one) for one in sounds])[which[rows]]
        before = np.append(sounds.index(sounds[own.index(first)]), numbers[:-1])
        for row in rows[numbers != before].tolist():
            index, onset = own[which[row]], int(onsets[row])
            change = sound(onset, places[index].channel, *sounds[which[row]])
            # Right before the note, so that those of the tick before it keep theirs.
            messages += [(int(home[row]), (onset, int(turns[row]) - 1, data)) for _, _, data in change]
    return messages


def _first_onset(part: Part) -> int:
    return int(part.notes["onset"][0]) if len(part.notes) else MAX_TICK


def _bank(part: Part) -> int | None:
    """The bank to be said before its program; None where its controllers say the same, or nobody does."""
    if part.bank:
        return part.bank
    numbers = part.controls["number"]
    said = part.bank is not None and len(numbers) and ((numbers == BANK_HIGH) | (numbers == BANK_LOW)).any()
    return part.bank if said else None


def _file(kind: int, ticks_per_quarter: int, chunks: list[bytes], unknown: Sequence[bytes] = ()) -> bytes:
    if len(chunks) > _MOST_TRACKS:
        raise MidiError(f"MIDI has at most {_MOST_TRACKS:,} tracks, not {len(chunks):,}")
    sizes = ((6, 4), (kind, 2), (len(chunks), 2), (ticks_per_quarter, 2))
    header = b"MThd" + b"".join(number.to_bytes(size, "big") for number, size in sizes)
    tracks = [b"MTrk" + len(chunk).to_bytes(4, "big") + chunk for chunk in chunks]
    return b"".join([header, *tracks, *unknown])


def _ascending(numbers: Array) -> bool:
    return bool((numbers[1:] >= numbers[:-1]).all())


def _by_track(table: Array, tracks: int) -> list[Array]:
    if not len(table):
        return [table] * tracks
    if not _ascending(table["track"]):
        table = _taken(table, np.argsort(table["track"], kind="stable"))
    bounds = [0, *np.searchsorted(table["track"], np.arange(1, tracks)).tolist(), len(table)]
    return [table[begin:stop] for begin, stop in pairwise(bounds)]


def _parts(score: Score) -> Iterator[Part]:
    """Every part; a track without notes is one."""
    notes = score.notes
    key = notes["track"].astype(np.int64) << 8 | (notes["channel"] == DRUM_CHANNEL).astype(np.int64) << 7
    key |= notes["program"]
    if not _ascending(key):
        order = np.argsort(narrow(key), kind="stable")
        key, notes = key[order], _taken(notes, order)
    begins = np.flatnonzero(np.append(True, key[1:] != key[:-1])) if len(key) else np.zeros(0, np.int64)
    keys, stops = key[begins].tolist(), np.append(begins, len(key))[1:].tolist()
    own: dict[int, list[tuple[int, Array]]] = defaultdict(list)
    for one, begin, stop in zip(keys, begins.tolist(), stops, strict=True):
        own[one >> 8].append((one, notes[begin:stop]))
    controls, bends = _by_track(score.controls, len(score.tracks)), _by_track(score.bends, len(score.tracks))
    for index, track in enumerate(score.tracks):
        bank = None if track.channel is None and not track.bank else track.bank
        state = (controls[index], bends[index])
        if index not in own:
            yield Part(index, track.is_drum, track.program, bank, notes[:0], *state)
        for one, played in own[index]:
            yield Part(index, bool(one >> 7 & 1), one & 127, bank, played, *state)


def _one_chunk(score: Score, parts: list[Part], texts: Texts, order: Order) -> bytes | None:
    """All parts in one track, where notes of one tick go to and fro between them, as a type 0 file has them.

    None where that order is not there to be kept, or cannot be: with several names, more parts than channels.
    """
    onset, track = score.notes["onset"], score.notes["track"]
    if len(parts) == 1 or not ((onset[1:] == onset[:-1]) & (track[1:] < track[:-1])).any():
        return None
    names = {track.name for track in score.tracks}
    drums = [index for index, part in enumerate(parts) if part.drum]
    if len(names) > 1 or len(parts) != len(score.tracks) or len(drums) > 1 or set(texts) - {None}:
        return None
    # Readers order parts by channel.
    before = drums[0] if drums else min(len(parts), DRUM_CHANNEL)
    channels = [*range(before), *[DRUM_CHANNEL] * len(drums), *range(DRUM_CHANNEL + 1, 16)][: len(parts)]
    if before > DRUM_CHANNEL or len(channels) < len(parts):
        return None
    track = score.notes["track"].astype(np.int64)
    layers = layered(score.notes, track << 7 | score.notes["pitch"])
    if len(layers) > 1:
        return None
    channel = np.array(channels)
    sounds = [
        message
        for own, part in zip(channels, parts, strict=True)
        for message in sound(0, own, part.program, _bank(part))
    ]
    nowhere = np.zeros(len(score.notes), np.int64)
    rows = layers[0]
    columns = note_columns(_taken(score.notes, rows), nowhere, channel[track[rows]], order=order)
    for table, made in ((score.controls, control_columns), (score.bends, bend_columns)):
        columns.append(made(table, np.zeros(len(table), np.int64), channel[table["track"]], order))
    messages = [*head(score.tracks[0], None), *sounds, *_maps(score, texts[None])]
    return chunk_bytes(columns, [(0, message) for message in messages], 1)[0]


def _maps(score: Score, texts: list[Text]) -> list[Message]:
    """Tempos, meters, keys, and texts of the whole score."""
    messages = [text_message(text) for text in texts]
    for time, microseconds in score.tempos.tolist():
        messages.append((time, HEAD, tempo_message(microseconds)))
    clocks = {(other.time, other.data[3:5]): other.data[5:] for other in score.others if other.data[:2] == _METER}
    for time, numerator, denominator in score.meters.tolist():
        message = meter_message(numerator, denominator)
        own = clocks.get((time, message[3:5]))
        messages.append((time, HEAD, message if own is None else meter_message(numerator, denominator, own)))
    for time, sharps, minor in score.keys.tolist():
        messages.append((time, HEAD, key_message(sharps, minor)))
    return messages
