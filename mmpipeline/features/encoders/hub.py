"""The loading of transformers models by name or from a folder.

Weights are read from safetensors only and code of a model's own is never run. The fingerprint is a
digest of the weights as loaded, so it does not matter where they came from, and a folder whose
content changed cannot pass for the old one. A name that is no folder is fetched from the hub by
the library, once, into its own cache; a folder needs no network.
"""

import hashlib
import importlib.util
from pathlib import Path

import torch

from mmpipeline.errors import ConfigError


def require_hub(name: str, package: str) -> None:
    """Make sure that the optional packages are there.

    Raises
    ------
    ConfigError
        If not.
    """
    if importlib.util.find_spec(package) is None:
        raise ConfigError(
            f"the encoder {name!r} needs {package}; install it with: pip install 'mmpipeline[hub]'"
        )


def model_source(model: str | None, name: str, key: str) -> tuple[str, bool]:
    """Return what a config names as a model, and whether it is a folder.

    Parameters
    ----------
    model
        A folder or a name.
    name
        Of the encoder, for the message.
    key
        Of the config.

    Returns
    -------
    tuple of str and bool
        The folder's absolute path or the name as it is; whether it is a folder.

    Raises
    ------
    ConfigError
        If none is named, or a path is named where no folder is.
    """
    if model is None:
        raise ConfigError(f"the encoder {name!r} needs features.{key}: a folder or a model's name")
    folder = Path(model).expanduser()
    if folder.is_dir():
        return str(folder.resolve()), True
    if folder.is_absolute() or model.startswith((".", "~")):
        raise ConfigError(f"features.{key} = {model!r}: there is no such folder")
    return model, False


def digest_weights(module: torch.nn.Module) -> str:
    """Return the sha256 of a torch module's weights, by name, shape and bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        values = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {values.dtype} {tuple(values.shape)}\n".encode())
        digest.update(values.view(torch.uint8).numpy().tobytes() if values.dim() else b"")
        digest.update(str(values.item()).encode() if not values.dim() else b"")
    return digest.hexdigest()
