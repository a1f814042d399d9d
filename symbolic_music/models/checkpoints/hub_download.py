"""Download models from the Hugging Face hub into its cache, with checks and messages."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symbolic_music.errors import MissingExtraError, ModelError
from symbolic_music.models.checkpoints.config_and_weights import CONFIG, read_json

if TYPE_CHECKING:
    from types import ModuleType

_LOG = logging.getLogger(__name__)
_SHA256 = 64  # hexadecimal digits


def download(
    repository: str,
    weights: Sequence[str],
    revision: str | None = None,
    also: Sequence[str] = (),
    has_config: bool = True,
    **options: Any,
) -> Path:
    """The folder in the hub's cache with config.json and the first of these weight files that the repository has.

    Of an index the files that it names come too. What is in the cache is used where the hub cannot be reached. Before
    weights are downloaded, their size and licence are logged; huggingface_hub draws the progress and goes on where an
    earlier download broke off. What was downloaded is compared with the hub's SHA-256.

    Args:
        repository: owner/name.
        weights: names to look for, in this order.
        revision: branch, tag or commit.
        also: further files, fetched where the repository has them.
        has_config: whether there is a config.json.
        **options: of `huggingface_hub.hf_hub_download`: cache_dir, token, force_download, local_files_only.

    Raises:
        ModelError: when there is no such repository, revision or file, the hub cannot be reached and the cache does
            not hold the files, or a file is not what the hub says it is.
        MissingExtraError: when huggingface_hub is not installed.
    """
    known = any(is_cached(repository, name, revision, options.get("cache_dir")) for name in weights)
    if not known and not _tell(repository, weights, revision, options):
        # Else the hub's library tries for half a minute.
        options["local_files_only"] = True
    if has_config and _fetch(repository, CONFIG, revision, options) is None:
        raise ModelError(f"{repository} on the hub has no {CONFIG}")
    for name in weights:
        path = _fetch(repository, name, revision, options)
        if path is None:
            continue
        if name.endswith(".json"):
            for part in _parts(path):
                if _fetch(repository, part, revision, options) is None:
                    raise ModelError(f"{repository} on the hub has no {part}, which its {name} names")
        for other in also:
            _fetch(repository, other, revision, options)
        return path.parent
    raise ModelError(f"{repository} on the hub has no weights: none of {', '.join(weights)}")


def is_cached(repository: str, name: str, revision: str | None = None, cache: str | Path | None = None) -> bool:
    """Whether the hub's cache holds a file; False where huggingface_hub is not installed."""
    try:
        hub = _library()
    except MissingExtraError:
        return False
    try:
        return isinstance(hub.try_to_load_from_cache(repository, name, cache, revision), str)
    except hub.errors.HFValidationError:
        return False


def _tell(repository: str, weights: Sequence[str], revision: str | None, options: dict[str, Any]) -> bool:
    """Log how large the weights are and under what licence; False when the hub cannot be reached.

    What else goes wrong is said where the files are requested.
    """
    hub = _library()
    if options.get("local_files_only") or hub.constants.HF_HUB_OFFLINE:
        return True
    try:
        info = hub.HfApi(token=options.get("token")).model_info(
            repository, revision=revision, files_metadata=True, timeout=10
        )
    except (hub.errors.HfHubHTTPError, hub.errors.HFValidationError):
        return True
    except Exception:  # of the network, whose library is the hub's own affair
        return False
    sizes = {one.rfilename: one.size or 0 for one in info.siblings or []}
    found = next((name for name in weights if name in sizes), None)
    if found is None:
        return True
    size = sizes[found]
    if found.endswith(".json"):
        suffix = ".safetensors" if "safetensors" in found else ".bin"
        size = sum(number for name, number in sizes.items() if name.endswith(suffix))
    licence = getattr(info.card_data, "license", None) or "not named"
    _LOG.info("downloading %s: %.2f GB, licence %s", repository, size / 1e9, licence)
    return True


def _parts(index: Path) -> list[str]:
    """The plain file names in an index; what else it names is refused where the folder is read."""
    placed = read_json(index).get("weight_map")
    parts = {str(part) for part in placed.values()} if isinstance(placed, dict) else set()
    return sorted(part for part in parts if Path(part).name == part)


def _fetch(repository: str, name: str, revision: str | None, options: dict[str, Any]) -> Path | None:
    """A file in the hub's cache, downloaded if need be; None when the repository does not have it."""
    hub = _library()
    errors = hub.errors
    was_there = is_cached(repository, name, revision, options.get("cache_dir"))
    try:
        path = Path(hub.hf_hub_download(repository, name, revision=revision, **options))
    except errors.LocalEntryNotFoundError:
        held = hub.try_to_load_from_cache(repository, CONFIG, options.get("cache_dir"), revision)
        if isinstance(held, str) and name != CONFIG:
            # Part of it was downloaded before: the file may be of another kind.
            return None
        raise ModelError(
            f"{repository} is not in the hub's cache and the hub cannot be reached: download its files (config.json "
            "and the weights) where it can, put them in a folder, and name that folder"
        ) from None
    except errors.GatedRepoError:
        raise ModelError(f"{repository} on the hub requires you to accept its terms there, then to log in") from None
    except errors.RevisionNotFoundError:
        raise ModelError(f"{repository} on the hub has no revision {revision!r}") from None
    except errors.RepositoryNotFoundError:
        raise ModelError(f"no folder {repository}, and no such repository on the hub (or it is private)") from None
    except errors.EntryNotFoundError:
        return None
    except errors.HFValidationError as error:
        raise ModelError(f"{repository!r} is no id of the hub: {error}") from None
    except (errors.HfHubHTTPError, OSError) as error:
        reason = " ".join(str(error).split())[:160]
        raise ModelError(f"cannot download {name} of {repository} from the hub: {reason}") from None
    if not was_there:
        _check(path, f"{name} of {repository}")
    return path


def _check(path: Path, what: str) -> None:
    """ModelError when a file in the cache is not of the SHA-256 that the hub keeps it by; small ones have none."""
    name = path.resolve().name
    if len(name) != _SHA256 or set(name) - set("0123456789abcdef"):
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != name:
        path.resolve().unlink()
        raise ModelError(f"{what} was damaged during the download: run the same command again")


def _library() -> ModuleType:
    try:
        import huggingface_hub
        import huggingface_hub.errors
    except ImportError:
        raise MissingExtraError("huggingface_hub", "hub") from None
    return huggingface_hub
