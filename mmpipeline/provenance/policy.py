"""The policy of keys: code around a stage that decides no byte of what it leaves.

The list is short and each line has its reason. What is named here is neither counted nor followed,
so a change in it renews nothing; `COUNTED` names what decides content all the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

PLUMBING: Mapping[str, str] = {
    "mmpipeline.errors": "says what is wrong; an artifact holds no error",
    "mmpipeline.progress": "says how far long work is",
    "mmpipeline.parallel": "where tasks are computed changes no result",
    "mmpipeline.provenance": "counts code, and makes none of the content",
    "mmpipeline.storage.artifact": "finds, names and publishes folders that others fill",
    "mmpipeline.storage.atomic": "how bytes reach the disk",
    "mmpipeline.storage.held": "locks on what is unfinished",
    "mmpipeline.storage.layout": "where folders lie",
    "mmpipeline.storage.manifest": "checks what others wrote",
    "mmpipeline.storage.provenance": "the id itself",
    "mmpipeline.storage.failures": "says that a shared storage refuses",
    "mmpipeline.storage.shared": "copies whole artifacts between machines",
    "mmpipeline.features.encoders.registry:_module": "imports an encoder by name, which keys name",
    "mmpipeline.schemas:schema_version": "the versions are part of the id",
    "mmpipeline.config.former": "former names of settings; the values are part of the id",
    "mmpipeline.config.environment:EnvironmentSettings": "threads and places change no result",
    "mmpipeline.config.environment:load_settings": "the same",
    "mmpipeline.config.pipeline:load_config": "reads values, which are part of the id",
    "mmpipeline.config.base:describe_problems": "says what is wrong with a config",
}
"""Modules with what is below them, and definitions as ``module:name``: the reason why not."""

COUNTED: Mapping[str, tuple[str, ...]] = {
    "mmpipeline.storage.atomic:write_json_atomic": (),  # the bytes of JSON files follow from it
    "mmpipeline.storage.layout:DataLayout": ("relative", "resolve"),  # tables hold such paths
    "mmpipeline.storage.manifest:digest_file": (),  # tables hold digests
}
"""What counts within it: definitions, and of a class these methods; empty means all of it."""

DECLARATIONS = frozenset({"mmpipeline.config"})
"""Packages whose classes declare settings: values are part of the id, methods are code."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What counts as code.

    Attributes
    ----------
    plumbing, counted, declarations
        As the constants of this module.
    """

    plumbing: Mapping[str, str] = field(default_factory=lambda: PLUMBING)
    counted: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: COUNTED)
    declarations: frozenset[str] = DECLARATIONS

    def plumbs(self, module: str, name: str) -> bool:
        """Return whether a definition is left out."""
        key = f"{module}:{name}"
        if key in self.counted:
            return False
        return key in self.plumbing or self.plumbs_module(module)

    def plumbs_module(self, module: str) -> bool:
        """Return whether a module is left out, but for what `counted` names of it."""
        parts = module.split(".")
        return any(".".join(parts[:count]) in self.plumbing for count in range(1, len(parts) + 1))

    def declares(self, module: str) -> bool:
        """Return whether the classes of a module declare settings."""
        return any(f"{module}.".startswith(f"{package}.") for package in self.declarations)
