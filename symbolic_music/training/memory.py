"""A run that needs more memory than there is ends with an error, where the system would kill it or others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

from symbolic_music.errors import TrainingError

# Of the memory that is free when a run begins, it may take this share.
_SHARE = 0.9
_GROUP = Path("/sys/fs/cgroup")
# What torch says on a CPU; on a GPU it raises OutOfMemoryError.
_REFUSED = "allocate memory"


@contextmanager
def memory_errors() -> Iterator[None]:
    """TrainingError where what is done inside runs out of memory."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        line = str(error).strip().splitlines()[0] if str(error).strip() else ""
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and _REFUSED not in line:
            raise
        why = line.rpartition("DefaultCPUAllocator: ")[2]
        raise TrainingError(
            f"not enough memory for this run{f' ({why})' if why else ''}: lower optim.batch, the length of its "
            "examples, or the model's size"
        ) from None


@contextmanager
def bounded_memory() -> Iterator[None]:
    """While this lasts, memory beyond what is free now is refused; on other systems than Linux nothing changes.

    Linux promises memory that it does not have, and kills when it is used: the run, or what else is large. The bound is
    that of private data (setrlimit(2), RLIMIT_DATA): mapped files, which can be dropped, do not count.
    """
    free = _free()
    if free is None:
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = _figure(Path("/proc/self/status"), "VmData:") * 1024 + int(_SHARE * free)
    others = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min([most, *others]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _free() -> int | None:
    """Bytes that are free, with swap, on this machine and in its control group; None where the system does not tell."""
    try:
        found = 1024 * sum(_figure(Path("/proc/meminfo"), name) for name in ("MemAvailable:", "SwapFree:"))
    except (OSError, ValueError):
        return None
    with suppress(OSError, ValueError):  # no control group, or one without a bound
        found = min(found, int((_GROUP / "memory.max").read_text()) - _figure(_GROUP / "memory.stat", "anon "))
    return max(0, found)


def _figure(path: Path, name: str) -> int:
    """The number after a name at the beginning of a line; ValueError when there is none."""
    for line in path.read_text().splitlines():
        if line.startswith(name):
            return int(line.removeprefix(name).split()[0])
    raise ValueError(f"{path} has no {name}")
