"""Examples for the help of each verb: the arguments after `symbolic-music VERB`."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "info": ("song.mid", "maestro.store --verify"),
    "diff": ("song.mid new.mid",),
    "plot": ("song.mid -o song.png", "new.mid --compare song.mid --at bars:8-12 -o new.png"),
    "render": (
        "song.mid -o song.wav",
        "song.mid --at bars:9-16 --mute drums -o band.wav",
        "song.mid -o song.flac --stems stems",
        "song.mid -o song.wav --synth midi-ddsp",
    ),
    "tokenize": ("song.mid -t remi -o ids.npy", "song.mid -t anticipation --control-programs 32 --json"),
    "detokenize": ("ids.npy -t remi -o song.mid",),
    "models": ("", "--all"),
    "generate": ("-m piano --seconds 20 -o new.mid", "--prompt song.mid --seconds 10 --seed 1 -o longer.mid"),
    "infill": (
        "song.mid --at bars:8-12 --tracks bass,drums -o new.mid",
        "song.mid --at 30s-45s --scale 'D minor' --count 4 --rank -o new.mid",
    ),
    "accompany": ("melody.mid --keep-tracks 0 -o four-voices.mid",),
    "revoice": ("song.mid --at bars:8-12 --tracks 1 --chords 8:Dm,10:G7 -o new.mid",),
    "thin-out": ("song.mid --at bars:8-12 --tracks drums --keep 0.5 -o new.mid",),
    "add-track": ("song.mid --program 33 -o with-bass.mid", "song.mid --program 48 --at bars:9-16 -o with-strings.mid"),
    "vary": ("song.mid --at bars:8-12 --tracks 1 --near 0.7 -o new.mid",),
    "busier": ("song.mid --at bars:8-12 --tracks drums --factor 1.5 -o new.mid",),
    "continue": ("song.mid --bars 8 -o longer.mid",),
    "intro": ("song.mid --bars 4 -o longer.mid",),
    "transpose": ("song.mid --semitones -2 -o new.mid", "song.mid --semitones 12 --at bars:8-12 --tracks 1 -o new.mid"),
    "quantise": ("take.mid --grid 0.25 --strength 0.8 -o new.mid",),
    "humanise": ("song.mid --seconds 0.01 --velocity 6 -o new.mid",),
    "copy-bars": ("song.mid --at bars:8-12 --before 20 -o new.mid",),
    "delete-bars": ("song.mid --at bars:8-12 -o new.mid",),
    "studio": ("song.mid",),
    "live": ("--list", "--accompany 33"),
    "demo": ("--out demo",),
    "prepare": (
        "maestro maestro-v3.0.0-midi.zip -o maestro.store",
        "folder my-midi --splits 90/5/5 -o mine.store",
    ),
    "train": (
        "configs/maestro-music-transformer.yaml optim.steps=1000",
        "configs/fine-tune.yaml init=piano data.path=mine.store",
    ),
    "train-voice": ("recordings -o my-flute --programs 73",),
    "train-codec": ("configs/codec.yaml",),
    "evaluate": ("runs/first/best maestro.store --split test",),
    "originality": ("generated maestro.store --baseline test",),
    "compare": ("generated reference",),
    "listening-test": (
        "model copy original -o page.html --kind pairwise",
        "answers-1.json answers-2.json --key page.key.json",
    ),
    "encode": ("take.wav", "*.flac --codebooks 4"),
    "decode": ("take.safetensors -o back.wav",),
}
