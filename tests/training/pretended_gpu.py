"""A GPU that is not there: tensors that say they are on it, and hold their values in memory.

An operation on such tensors computes on the values, so a whole training runs and its results can
be compared with those of the CPU, bit by bit. An operation that is given one of them beside a
tensor that was left on the CPU raises, as on a real GPU. What it cannot show: that kernels of a
GPU exist, that they are deterministic, how fast they are.

``python -m tests.training.pretended_gpu FOLDER`` trains there what ``FOLDER/work.json`` names. It
is a process of its own, since torch has to know of the device before its first backward pass.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

_setup_privateuseone_for_python_backend("pretended_gpu")
GPU = torch.device("pretended_gpu", 0)
ACROSS = {torch.ops.aten.copy_.default}  # the operations that may read from another device

Operation = Callable[..., object]


class GpuTensor(Tensor):
    held: Tensor

    @staticmethod
    def __new__(cls: type[Tensor], held: Tensor) -> "GpuTensor":
        tensor = Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=GPU,
        )
        tensor.held = held
        return tensor

    @classmethod
    def __torch_dispatch__(
        cls, func: Operation, types: object, args: Sequence[object] = (), kwargs: object = None
    ) -> object:
        raise AssertionError(f"{func} is used outside of the pretended GPU")


class PretendedGpu(TorchDispatchMode):
    """Answers for the GPU within a block.

    Attributes
    ----------
    operations
        How many it carried out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.operations = 0

    def __torch_dispatch__(
        self,
        func: Operation,
        types: object,
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        kwargs = dict(kwargs or {})
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        there = {id(tensor.held): tensor for tensor in given if isinstance(tensor, GpuTensor)}
        wished = kwargs.get("device")
        if wished is not None:
            kwargs["device"] = torch.device("cpu")
        stays = bool(there) if wished is None else torch.device(wished).type == GPU.type
        if there and stays and func not in ACROSS:
            refuse_mixing(func, given)
        self.operations += bool(there)
        # Gradients are kept track of above; in inference mode, a view could not be marked.
        with torch.inference_mode(False), torch.no_grad():
            result = func(*tree_map(unwrap, args), **tree_map(unwrap, kwargs))
            if func in ACROSS:
                return args[0]
            return tree_map(lambda value: mark(value, there), result) if stays else result


def refuse_mixing(func: Operation, given: Sequence[Tensor]) -> None:
    """Numbers without dimensions may come from the CPU, as with a real GPU."""
    for tensor in given:
        if not isinstance(tensor, GpuTensor) and tensor.ndim > 0:
            raise RuntimeError(f"{func}: a tensor of {tuple(tensor.shape)} was left on the CPU")


def unwrap(value: object) -> object:
    return value.held if isinstance(value, GpuTensor) else value


def mark(value: object, known: Mapping[int, GpuTensor]) -> object:
    """An operation in place returns the tensor that it was given."""
    if not isinstance(value, Tensor):
        return value
    found = known.get(id(value))
    return GpuTensor(value) if found is None else found


def main(folder: Path) -> None:
    from mmpipeline.config import TrainConfig
    from mmpipeline.models.device import computing_on
    from mmpipeline.training import Checkpoints, NullLogger, train_food_model, train_model

    torch.set_num_threads(1)
    work = json.loads((folder / "work.json").read_text())
    inputs = Path(work["features"]), Path(work["pairs"])
    for name, values in work["configs"].items():
        config = TrainConfig.model_validate(values)
        train = {"recipes": train_food_model, "pairs": train_model}[config.batches]
        states = Checkpoints(folder / f"{name}-states", every_s=0)
        with PretendedGpu() as gpu, computing_on(GPU):
            for place in (folder / name, folder / f"{name}-again"):  # again: from the last state
                place.mkdir()
                train(*inputs, place, config, NullLogger(), states)
        (folder / name / "operations").write_text(str(gpu.operations))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
