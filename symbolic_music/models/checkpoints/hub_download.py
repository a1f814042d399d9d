"""Models on the Hugging Face hub: fetched into its cache; our folders pushed and pulled by its mixin."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symbolic_music.errors import MissingExtraError, ModelError
from symbolic_music.models.checkpoints.safetensors_folder import CONFIG, read_json

if TYPE_CHECKING:
    from types import ModuleType


def download(repository: str, weights: Sequence[str], revision: str | None = None, **options: Any) -> Path:
    """The folder in the hub's cache with config.json and the first of these weight files that the repository has.

    Of an index the files that it names come too. What is in the cache is used where the hub cannot be reached.

    Args:
        repository: owner/name.
        weights: names to look for, in this order.
        revision: branch, tag or commit.
        **options: of `huggingface_hub.hf_hub_download`: cache_dir, token, force_download, local_files_only.

    Raises:
        ModelError: when there is no such repository, revision or file, or the hub cannot be reached and the cache does
            not hold the files.
        MissingExtraError: when huggingface_hub is not installed.
    """
    config = _fetch(repository, CONFIG, revision, options)
    if config is None:
        raise ModelError(f"{repository} on the hub has no {CONFIG}")
    for name in weights:
        path = _fetch(repository, name, revision, options)
        if path is None:
            continue
        if name.endswith(".json"):
            for part in _parts(path):
                if _fetch(repository, part, revision, options) is None:
                    raise ModelError(f"{repository} on the hub has no {part}, which its {name} names")
        return path.parent
    raise ModelError(f"{repository} on the hub has no weights: none of {', '.join(weights)}")


def _parts(index: Path) -> list[str]:
    """The plain file names in an index; what else it names is refused where the folder is read."""
    placed = read_json(index).get("weight_map")
    parts = {str(part) for part in placed.values()} if isinstance(placed, dict) else set()
    return sorted(part for part in parts if Path(part).name == part)


def _fetch(repository: str, name: str, revision: str | None, options: dict[str, Any]) -> Path | None:
    """A file in the hub's cache, downloaded if need be; None when the repository does not have it."""
    hub = _library()
    errors = hub.errors
    try:
        return Path(hub.hf_hub_download(repository, name, revision=revision, **options))
    except errors.LocalEntryNotFoundError:
        held = hub.try_to_load_from_cache(repository, CONFIG, options.get("cache_dir"), revision)
        if isinstance(held, str) and name != CONFIG:
            # Part of it was downloaded before: the file may be of another kind.
            return None
        raise ModelError(
            f"{repository} is not in the hub's cache and the hub cannot be reached: download its files where it can, "
            "and name their folder"
        ) from None
    except errors.GatedRepoError:
        raise ModelError(f"{repository} on the hub asks you to accept its terms there, then log in") from None
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


def _library() -> ModuleType:
    try:
        import huggingface_hub
        import huggingface_hub.errors
    except ImportError:
        raise MissingExtraError("huggingface_hub", "hub") from None
    return huggingface_hub
