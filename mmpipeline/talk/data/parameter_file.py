"""The drawn classes on the disk: `parameters.safetensors` and `parameters.json` (their config).

Samples are not kept: they follow from the config. The parameters do too, as long as numpy's
generators stay as they are; kept beside the results, they make the bound checkable for good.
"""

import json
from pathlib import Path

import numpy as np
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from mmpipeline.config import SyntheticConfig, describe_problems
from mmpipeline.errors import ArtifactError
from mmpipeline.storage.atomic import write_bytes_atomic, write_json_atomic
from mmpipeline.talk.data.parameters import ModalityParameters, Parameters

VALUES_NAME = "parameters.safetensors"
CONFIG_NAME = "parameters.json"
FIELDS = ("mean", "deviation", "is_uniform")


def save_parameters(parameters: Parameters, config: SyntheticConfig, folder: Path) -> None:
    """Write the classes into a folder.

    Parameters
    ----------
    parameters
        The classes.
    config
        What they were drawn from.
    folder
        Made when missing.
    """
    tensors = {
        f"{number}.{field}": np.ascontiguousarray(getattr(modality, field))
        for number, modality in enumerate(parameters)
        for field in FIELDS
    }
    write_bytes_atomic(folder / VALUES_NAME, save(tensors))
    write_json_atomic(folder / CONFIG_NAME, config.model_dump(mode="json"))


def load_parameters(folder: Path) -> tuple[Parameters, SyntheticConfig]:
    """Read what `save_parameters` wrote.

    Parameters
    ----------
    folder
        Folder with both files.

    Returns
    -------
    parameters : tuple of ModalityParameters
        The classes.
    config : SyntheticConfig
        What they were drawn from.

    Raises
    ------
    ArtifactError
        If a file is missing or damaged, or they do not fit each other.
    """
    advice = "run the seed experiment again"
    try:
        config = SyntheticConfig.model_validate(json.loads((folder / CONFIG_NAME).read_bytes()))
        tensors = load_file(folder / VALUES_NAME)
        parameters = tuple(
            ModalityParameters(**{field: tensors[f"{number}.{field}"] for field in FIELDS})
            for number in range(len(config.modality_dims))
        )
    except ValidationError as error:
        raise ArtifactError(
            f"{folder / CONFIG_NAME}: {describe_problems(error, SyntheticConfig)}"
        ) from error
    except (OSError, ValueError, SafetensorError, KeyError) as error:
        raise ArtifactError(f"{folder} holds no whole parameters ({error}); {advice}") from error
    for modality, dim in zip(parameters, config.modality_dims, strict=True):
        if modality.mean.shape != (config.classes, dim):
            raise ArtifactError(
                f"{folder}: means of shape {modality.mean.shape}, expected "
                f"{(config.classes, dim)} by {CONFIG_NAME}; {advice}"
            )
    return parameters, config
