"""Windows of a corpus, drawn, varied, encoded and delivered in batches by a DataLoader: how many ids a second.

    python benchmarks/windows.py STORE_OR_FOLDER [--name NAME] [--workers 2] [--windows 8000] [--peer-files 24]

A folder of MIDI files is first made into a store, in a temporary folder. Each tokenizer reads windows in the order of
an epoch of `Shuffled`, in batches of 16: performance crops of 2,048 ids, remi windows of 1,024 ids and compound of 512
words from a bar line, these with Music Transformer's augmentation; anticipation packed chunks, with controls in nine
of ten variations. Padding is not counted.

`a second` is what the machine delivered while it ran; `a CPU second` counts the time that workers and main process
used, so it says what one undisturbed core does. `memory` is the resident set of the larger worker, started by spawn, at
the end: of that `torch` is what importing torch takes. The peer is MidiTok's DatasetMIDI over files split beforehand.
Stored in benchmarks/results/windows_NAME.json.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from arguments import arguments
from result_file import row, write_result
from torch.utils.data import DataLoader, Dataset

from symbolic_music import read, tokenizers
from symbolic_music.corpora.store.manifest import LeftOut, Piece, write_manifest, write_segment
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.corpora.windows.augmentation import NONE, preset
from symbolic_music.corpora.windows.batches import Shuffled
from symbolic_music.corpora.windows.dataset import Windows
from symbolic_music.corpora.windows.packed_chunks import Packed
from symbolic_music.corpora.windows.policies import Bars, Crops, Policy
from symbolic_music.errors import SymbolicMusicError

POLICIES: dict[tuple[str, str], Policy[Any]] = {
    **{("performance", p): Crops(2048) for p in ("default", "score2perf")},
    **{("remi", p): Bars(1024) for p in ("default", "miditok", "original")},
    **{("compound", p): Bars(512) for p in ("default", "miditok", "original")},
    **{("anticipation", p): Packed(10) for p in ("default", "expressive")},
    ("anticipation", "interarrival"): Packed(1),
}
BATCH = 16
TICK = os.sysconf("SC_CLK_TCK")


def store_of(path: Path, folder: str) -> NoteStore:
    """The store at this path, or one made of its MIDI files."""
    if (path / "manifest.json").is_file():
        return NoteStore(path)
    files = sorted(p for p in path.rglob("*") if p.suffix.lower() in (".mid", ".midi"))
    starts = range(0, len(files), 128)
    for number, start in enumerate(starts):
        pieces, left_out = [], []
        for file in files[start : start + 128]:
            try:
                score = read(file)
            except SymbolicMusicError as error:
                left_out.append(LeftOut(file.name, str(error)))
                continue
            names = tuple(track.name for track in score.tracks)
            pieces.append((Piece(file.name, "0" * 64, "train", len(score), score.duration, tracks=names), score))
        write_segment(Path(folder), number, "benchmark", pieces, left_out)
    write_manifest(Path(folder), len(starts), "folder", {})
    return NoteStore(folder)


def cpu_seconds(processes: Iterable[int]) -> float:
    """Time that processes have used, by the system's clock ticks."""
    used = 0
    for process in processes:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        used += int(fields[11]) + int(fields[12])
    return used / TICK


def own_cpu_seconds() -> float:
    """Time that this process and those of its children that have ended have used."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def resident(process: int) -> float:
    """Resident set in MB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1000


def torch_alone() -> float:
    """Resident set of a process that has imported torch, in MB."""
    code = f"import torch, os; import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); " + (
        "print(int(open(f'/proc/{os.getpid()}/status').read().partition('VmRSS:')[2].split()[0]) / 1000)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def delivered(loader: DataLoader[Any]) -> dict[str, float]:
    """What a pass over the windows gives; the workers start and read a batch each beforehand."""
    before = set(multiprocessing.active_children())
    batches = iter(loader)
    first = [next(batches) for _ in range(loader.num_workers)]
    workers = [p.pid for p in set(multiprocessing.active_children()) - before if p.pid]
    processes = [os.getpid(), *workers]
    used, start = cpu_seconds(processes), time.perf_counter()
    words = ids = windows = 0
    for batch in batches:
        words += int(batch.mask.sum())
        ids += int(batch.mask.sum()) * (batch.ids.shape[2] if batch.ids.ndim == 3 else 1)
        windows += len(batch.ids)
        if windows >= (len(loader) - 1) * BATCH - BATCH * len(first):
            break  # the last batch is still to come: the workers are there to be asked
    seconds, used = time.perf_counter() - start, cpu_seconds(processes) - used
    memory = max(resident(worker) for worker in workers)
    for _ in batches:
        pass
    return {"words": words, "ids": ids, "windows": windows, "seconds": seconds, "cpu": used, "memory": memory}


class _Files(Dataset[Any]):
    """MidiTok's dataset, its samples as they come."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        return self.dataset[index]["input_ids"]


def _lengths(samples: list[Any]) -> list[int]:
    return [len(one) for one in samples if one is not None]


def peer(name: str, files: list[Path], length: int, workers: int) -> dict[str, float]:
    """MidiTok: files split into parts of about so many tokens, then tokenised as they are loaded."""
    import miditok
    from miditok.pytorch_data import DatasetMIDI
    from miditok.utils import split_files_for_training

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tokenizer = {"remi": miditok.REMI, "compound": miditok.CPWord}[name](miditok.TokenizerConfig())
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            parts = split_files_for_training(files, tokenizer, Path(folder), length, parallel_workers_size=1)
            split = time.perf_counter() - start
            dataset = _Files(DatasetMIDI(parts, tokenizer, length, parallel_workers_size=1))
            loader = DataLoader(dataset, BATCH, True, num_workers=workers, collate_fn=_lengths)
            used = own_cpu_seconds()
            words = sum(sum(lengths) for lengths in loader)  # at the end its workers have ended
            return {"words": words, "cpu": own_cpu_seconds() - used, "split": split / len(files)}


def measure(store: NoteStore, name: str, kind: str, workers: int, count: int) -> dict[str, float]:
    """One tokenizer: the figures of a run with forked workers, the memory of a run with spawned ones."""
    augmentation = NONE if name == "anticipation" else preset("music-transformer")
    windows = Windows(store, tokenizers.get(name, preset=kind), POLICIES[name, kind], augmentation)
    figures = {}
    count = min(count, len(windows)) // BATCH * BATCH
    for method in ("spawn", "fork"):
        loader = DataLoader(
            windows, BATCH, sampler=list(islice(Shuffled(windows), count)), num_workers=workers,
            collate_fn=windows.collate, multiprocessing_context=method,
        )  # fmt: skip
        figures[method] = delivered(loader)
    return {**figures["fork"], "memory": figures["spawn"]["memory"]}


def rows_of(label: str, figures: dict[str, float], compound: bool) -> list[dict[str, Any]]:
    """Rows of a result."""
    values = {
        "M ids a second": figures["ids"] / figures["seconds"] / 1e6,
        "M ids a CPU second": figures["ids"] / figures["cpu"] / 1e6,
        "ids a window": figures["words"] / figures["windows"],
        "memory, MB": figures["memory"],
    }
    if compound:
        values["M words a second"] = figures["words"] / figures["seconds"] / 1e6
        values["M words a CPU second"] = figures["words"] / figures["cpu"] / 1e6
    return [row(f"{label}: {name}", value) for name, value in values.items()]


def main() -> None:
    """Parse arguments, measure, print and store."""
    args = arguments(("path", Path), name=str, workers=2, windows=8000, peer_files=24)
    os.environ["TQDM_DISABLE"] = "1"
    warnings.filterwarnings("ignore", "This DataLoader will create")
    name = args.name or args.path.name
    rows = [row("torch: memory, MB", torch_alone())]
    with tempfile.TemporaryDirectory() as folder:
        store = store_of(args.path, folder)
        for tokenizer, kind in POLICIES:
            figures = measure(store, tokenizer, kind, args.workers, args.windows)
            rows += rows_of(f"{tokenizer} {kind}", figures, tokenizer == "compound")
        files = sorted(p for p in args.path.rglob("*") if p.suffix.lower() in (".mid", ".midi"))
        chosen = files[:: max(1, len(files) // args.peer_files)][: args.peer_files] if files else []
        for tokenizer in ("remi", "compound") if chosen else ():
            theirs = peer(tokenizer, chosen, 1024 if tokenizer == "remi" else 512, args.workers)
            words = "ids" if tokenizer == "remi" else "words"
            ours = next(r for r in rows if r["metric"] == f"{tokenizer} miditok: M {words} a CPU second")
            ours["peer"] = round(theirs["words"] / theirs["cpu"] / 1e6, 4)
            ours["peer_name"] = "MidiTok DatasetMIDI"
            ours["ratio"] = round(ours["ours"] / ours["peer"], 1)
            print(ours, f"and {1e3 * theirs['split']:.0f} ms a file to split")
        write_result(f"windows_{name}", len(store), rows, f"{args.workers} workers")


if __name__ == "__main__":
    main()
