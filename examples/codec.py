"""Turn a chorale's sound into codes and back, and its notes into codes; draw the codes below the notes."""

from music21 import corpus

import symbolic_music as sm
from symbolic_music.codec import decode_audio, encode_audio, load_codec, load_writer, score_to_codes
from symbolic_music.io import from_music21
from symbolic_music.plotting import codes_beside_roll, save_figure

chorale = from_music21(corpus.parse("bach/bwv66.6")).clip(0, 8)
sound = sm.render(chorale, "midi-ddsp", 24_000)
codec = load_codec("codec")
codes = encode_audio(sound, codec)
codes.save("chorale.safetensors")
decode_audio(codes, codec).write("chorale_decoded.wav")
# The same notes as codes that a language model writes: no synthesizer takes part.
writer = load_writer("codec-depth")
written = score_to_codes(chorale, writer, seed=1)
heard = decode_audio(written, writer.codec)
heard.write("chorale_written.wav")
figure = codes_beside_roll(
    chorale, written.codes, codec.format.frame_rate, heard.samples.mean(axis=0), heard.sample_rate,
    "Eight seconds of a chorale: notes, and sound and codes that codec-depth wrote",
)  # fmt: skip
save_figure(figure, "codes.png")
bits = codec.format.bits_per_second * codes.duration
print(f"chorale.safetensors: {codes.codes.shape[1]} frames, {bits / 8000:.1f} kB; chorale_written.wav, codes.png")
