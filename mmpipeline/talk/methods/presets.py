"""Named methods for the synthetic data: the talk's two, ours, and the steps between them.

The ladder lists what was tried in order, each step one change on top of the one before, so that
a flow can run it as one run a step and the tables say what each change is worth.
"""

from mmpipeline.config.talk import (
    MomentConfig,
    SyntheticConfig,
    TalkMethodConfig,
    VirtualClassConfig,
)
from mmpipeline.errors import ConfigError

_EUC = TalkMethodConfig(loss="euclid_pair")
_COS = TalkMethodConfig(loss="cosine_pair")
_PROTOTYPICAL = _COS.model_copy(update={"loss": "prototypical"})
_VIRTUAL = _PROTOTYPICAL.model_copy(update={"virtual_classes": 34})
_WIDE = _VIRTUAL.model_copy(update={"plain": False, "hidden_dim": 192, "embedding_dim": 128})
_CROSS = _WIDE.model_copy(
    update={
        "cross_weight": 1.5,
        "full_weight": 0.5,
        "fit": _COS.fit.model_copy(update={"rounds": 20}),  # two embeddings an item: as long
    }
)
_BUMPS = _CROSS.model_copy(update={"bumps": 13})
_BLOCKS = _BUMPS.model_copy(update={"fusion": "blocks", "embedding_dim": 256, "cross_weight": 2.0})
_OURS = _BLOCKS.model_copy(update={"moments": MomentConfig()})
_FIXED_AXES = VirtualClassConfig(permute=False, flip=False)

LADDER: dict[str, TalkMethodConfig] = {
    "slides_euc": _EUC,
    "slides_cos": _COS,
    "prototypical": _PROTOTYPICAL,
    "virtual_classes": _VIRTUAL,
    "wider_layers": _WIDE,
    "full_references": _CROSS,
    "bumps": _BUMPS,
    "blocks": _BLOCKS,
    "ours": _OURS,
}
"""Attempts in order, each with the changes of those before it; the last is ours."""

LADDER_STEPS: dict[str, str] = {
    "slides_euc": "the talk's nets, Euclid pair loss",
    "slides_cos": "cosine pair loss in its place",
    "prototypical": "prototypical loss",
    "virtual_classes": "34 virtual classes beside the known ones",
    "wider_layers": "wider layers, with norms and a linear way around",
    "full_references": "queries of a subset against means of full items",
    "bumps": "each value beside 13 Gaussian bumps",
    "blocks": "a block of the embedding for each modality",
}
"""By step, what it changes; ours has moment-aware prototypes beside the last one's embedding."""

TALK_METHODS: dict[str, TalkMethodConfig] = {
    **LADDER,
    "ours_fixed_axes": _OURS.model_copy(
        update={"virtual": _FIXED_AXES, "moments": MomentConfig(dims_apart=True)}
    ),
}
"""All named methods.

`ours_fixed_axes` assumes nothing exchangeable: no permuted dimensions, no flipped signs, and
moment-aware nets that know each dimension by its number.
"""

TALK_LIKE_DATA = SyntheticConfig(
    families=("uniform", "normal", "uniform"), deviation_range=(0.1, 0.6)
)
"""The setting whose figures come nearest to the talk's table; the author's own is unknown."""


def seed_method(name: str) -> TalkMethodConfig:
    """Look a method up.

    Parameters
    ----------
    name
        Of `TALK_METHODS`.

    Returns
    -------
    TalkMethodConfig
        Its config.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    try:
        return TALK_METHODS[name]
    except KeyError:
        known = ", ".join(TALK_METHODS)
        raise ConfigError(f"no method is called {name!r}; known: {known}") from None


def shorten(config: TalkMethodConfig, share: float) -> TalkMethodConfig:
    """Make a method's trainings shorter, for a quick look.

    Parameters
    ----------
    config
        The method.
    share
        Of the rounds to keep, above 0; at least one round stays.

    Returns
    -------
    TalkMethodConfig
        The same method with fewer rounds.

    Raises
    ------
    ValueError
        If `share` is not above 0.
    """
    if not share > 0:
        raise ValueError(f"share is {share}; expected more than 0")
    fit = config.fit.model_copy(update={"rounds": max(1, round(share * config.fit.rounds))})
    moments = config.moments
    if moments is not None:
        rounds = max(1, round(share * moments.fit.rounds))
        shorter = moments.fit.model_copy(update={"rounds": rounds})
        moments = moments.model_copy(update={"fit": shorter})
    return config.model_copy(update={"fit": fit, "moments": moments})
