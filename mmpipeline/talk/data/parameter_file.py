"""The drawn classes on the disk: `parameters.safetensors` and `parameters.json` (their config).

Samples are not kept: they follow from the config. The parameters do too, as long as numpy's
generators stay as they are; kept beside the results, they make the bound checkable for good.
"""

from pathlib import Path

import numpy as np
from safetensors.numpy import save

from mmpipeline.config.talk import SyntheticConfig
from mmpipeline.storage.atomic import write_bytes_atomic, write_json_atomic
from mmpipeline.talk.data.parameters import Parameters

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
