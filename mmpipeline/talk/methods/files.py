"""A trained method of the synthetic data on the disk: weights and the config that shapes them.

`method.safetensors` holds the embedding and, where there are some, the moment-aware prototypes;
`method.json` says what they are, so that a reader can build them before it loads a value.
"""

import json
from pathlib import Path

from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from mmpipeline.config.base import describe_problems
from mmpipeline.config.talk import TalkMethodConfig
from mmpipeline.errors import ArtifactError
from mmpipeline.storage.atomic import write_bytes_atomic, write_json_atomic
from mmpipeline.talk.methods.objectives import SeedEmbedding
from mmpipeline.talk.methods.train import TrainedMethod
from mmpipeline.talk.models.moment_prototypes import MomentPrototypes

WEIGHTS_NAME, SHAPE_NAME = "method.safetensors", "method.json"
EMBEDDING, MOMENTS = "embedding.", "moments."


def save_method(
    method: TrainedMethod, dims: tuple[int, ...], config: TalkMethodConfig, folder: Path
) -> int:
    """Write a trained method into a folder.

    Parameters
    ----------
    method
        The method.
    dims
        Number of values of each modality.
    config
        What it was trained by.
    folder
        An existing folder.

    Returns
    -------
    int
        Number of values in the weights.
    """
    tensors = _prefixed(method.embedding, EMBEDDING)
    if method.moments is not None:
        tensors |= _prefixed(method.moments, MOMENTS)
    write_bytes_atomic(folder / WEIGHTS_NAME, save(tensors))
    shape = {"name": method.name, "dims": list(dims), "config": config.model_dump(mode="json")}
    write_json_atomic(folder / SHAPE_NAME, shape)
    return sum(value.numel() for value in tensors.values())


def load_method(folder: Path) -> TrainedMethod:
    """Read what `save_method` wrote.

    Parameters
    ----------
    folder
        Folder with both files.

    Returns
    -------
    TrainedMethod
        In evaluation mode.

    Raises
    ------
    ArtifactError
        If a file is missing or damaged, or the weights do not fit the config.
    """
    advice = "run the seed experiment again"
    try:
        shape = json.loads((folder / SHAPE_NAME).read_bytes())
        config = TalkMethodConfig.model_validate(shape["config"])
        dims = tuple(int(dim) for dim in shape["dims"])
        tensors = load_file(folder / WEIGHTS_NAME)
        embedding = SeedEmbedding(dims, config).model
        embedding.load_state_dict(_part(tensors, EMBEDDING))
        moments = None
        if config.moments is not None:
            sizes = (config.moments.curves, config.moments.hidden_dim)
            moments = MomentPrototypes(dims, *sizes, dims_apart=config.moments.dims_apart)
            moments.load_state_dict(_part(tensors, MOMENTS))
            moments.eval()
    except ValidationError as error:
        raise ArtifactError(
            f"{folder / SHAPE_NAME}: {describe_problems(error, TalkMethodConfig)}"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ArtifactError(f"{folder} holds no whole method ({error}); {advice}") from error
    return TrainedMethod(str(shape["name"]), embedding.eval(), moments)


def _prefixed(module: nn.Module, prefix: str) -> dict[str, Tensor]:
    return {prefix + name: value.contiguous() for name, value in module.state_dict().items()}


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): v for n, v in tensors.items() if n.startswith(prefix)}
