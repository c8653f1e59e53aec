"""A fusion model in two files: `model.safetensors` (weights) and `model.json` (its shape).

Safetensors holds arrays only: loading a model runs no code from the file, as a pickle would.
The shape lies beside the weights so that a reader can tell a wrong file before it loads it.
"""

import json
from dataclasses import asdict, fields
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from mmpipeline.errors import ArtifactError
from mmpipeline.models.fusion import FusionModel
from mmpipeline.models.fusions.table import FUSIONS, ModelOptions

WEIGHTS_NAME = "model.safetensors"
SHAPE_NAME = "model.json"
OPTIONS = fields(ModelOptions)
FORMER_OPTIONS = {"private_dim": "own_dim", "private_weight": "own_share"}
FORMER_PREFIX, PREFIX = "own_part.", "private_subspace."
"""What models hold that were saved under former names; the next release will not read them."""


def save_model(model: FusionModel, folder: Path) -> None:
    """Write the model's weights and shape into a folder, from whatever device they are on.

    The same weights give the same bytes. The folder is meant to be published by rename: the two
    files are not atomic together.

    Parameters
    ----------
    model
        The model.
    folder
        An existing folder.
    """
    tensors = {
        name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()
    }
    save_file(tensors, folder / WEIGHTS_NAME)
    shape = {
        "dims": [[name, dim] for name, dim in model.dims.items()],
        "hidden_dim": model.hidden_dim,
        "embedding_dim": model.learned_dim,
        "dropout": model.dropout,
        **asdict(model.options),
    }
    (folder / SHAPE_NAME).write_text(json.dumps(shape, indent=2) + "\n", encoding="utf-8")


def load_model(folder: Path) -> FusionModel:
    """Read a model that `save_model` wrote.

    Parameters
    ----------
    folder
        Folder with both files.

    Returns
    -------
    FusionModel
        In evaluation mode, on the CPU.

    Raises
    ------
    ArtifactError
        If a file is missing or damaged, or the weights do not fit the shape.
    """
    model = _read_shape(folder / SHAPE_NAME)
    path = folder / WEIGHTS_NAME
    try:
        tensors = {
            PREFIX + name.removeprefix(FORMER_PREFIX) if name.startswith(FORMER_PREFIX) else name: t
            for name, t in load_file(path).items()
        }
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read; run the training stage again") from error
    except SafetensorError as error:
        raise ArtifactError(
            f"{path} is damaged ({error}); delete its folder and train again"
        ) from error
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in tensors.items()}
    if found != expected:
        name = min(name for name, _ in expected.items() ^ found.items())
        raise ArtifactError(
            f"{path} does not fit {SHAPE_NAME}: {name} is {found.get(name, 'absent')}, expected "
            f"{expected.get(name, 'no such tensor')}; both files must come from one training run"
        )
    model.load_state_dict(tensors)
    return model.eval()


def _read_shape(path: Path) -> FusionModel:
    try:
        shape = json.loads(path.read_bytes())
        if shape["fusion"] not in FUSIONS:
            raise ArtifactError(
                f"{path} asks for fusion {shape['fusion']!r}; this version knows "
                f"{', '.join(FUSIONS)}"
            )
        shape |= {now: shape[old] for now, old in FORMER_OPTIONS.items() if old in shape}
        named = {field.name: shape[field.name] for field in OPTIONS if field.name in shape}
        return FusionModel(
            {str(name): int(dim) for name, dim in shape["dims"]},
            int(shape["hidden_dim"]),
            int(shape["embedding_dim"]),
            float(shape["dropout"]),
            ModelOptions(**named),  # models of before there were options name their fusion only
        )
    except OSError as error:
        raise ArtifactError(
            f"no model at {path.parent}: {path.name} is missing; train one"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"{path} does not describe a model ({type(error).__name__}: {error}); train again"
        ) from error
