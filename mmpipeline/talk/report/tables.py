"""Tables of the experiment's draws for its report, and words on them.

The words say what the figures are of, so they are kept here, beside the methods, and count as what
the report is made by.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mmpipeline.config.talk import SyntheticConfig, TalkExperimentConfig
from mmpipeline.talk.methods.presets import LADDER_STEPS, TALK_LIKE_DATA, seed_method
from mmpipeline.talk.report.page import SeedTables

OURS = "ours"
LABELS = {"slides_euc": "EUC", "slides_cos": "COS", "ours_fixed_axes": "ours, fixed axes"}
"""What tables call the methods, where it is not their name."""


def gather_tables(
    draws: Sequence[Path],
    reproductions: Sequence[Path],
    ladder: Sequence[Path],
    config: TalkExperimentConfig,
) -> SeedTables:
    """Gather what the report shows.

    Parameters
    ----------
    draws
        Folders of what was measured, one a draw.
    reproductions
        The same on talk-like data.
    ladder
        The same of the steps from the talk to ours.
    config
        The experiment.

    Returns
    -------
    SeedTables
        For `write_talk_report`.
    """
    return SeedTables(
        cells=read_tables(draws, "cells"),
        open_set=read_tables(draws, "open_set"),
        maps=read_tables(draws[:1], "maps"),
        reproduction=read_tables(reproductions, "cells"),
        reproduction_note="The setting whose figures come nearest to the talk's; the author's "
        f"own is not known. {describe_data(TALK_LIKE_DATA)}",
        notes=describe_settings(config),
        ladder=read_tables(ladder, "cells"),
        changes={LABELS.get(name, name): step for name, step in LADDER_STEPS.items()},
    )


def read_tables(folders: Sequence[Path], name: str) -> pd.DataFrame:
    """Read one table of several draws; empty without any."""
    parts = [pd.read_csv(folder / f"{name}.csv") for folder in folders]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def describe_settings(config: TalkExperimentConfig) -> list[str]:
    """Say in a few lines of Markdown what the figures are of."""
    data, ours = config.data, seed_method(OURS)
    lines = [
        f"{describe_data(data)} {data.pool_per_class} samples a class to train on and draw "
        f"references from, {data.test_per_class} queries a class.",
        "EUC and COS are the talk's: plain layers, the pair losses, one net for all subsets by "
        f"random masks. Ours: a {ours.loss} loss over {ours.real_classes} known and "
        f"{ours.virtual_classes} virtual classes, and moment-aware prototypes. All of its scores "
        "are learned; no raw distance is mixed in. Nothing was chosen on these draws.",
        "Ours keeps a block of the embedding for each modality, so subsets without a modality in "
        "common have nothing to compare and such cells are 0; nets that share one space answer "
        "them for classes they were trained on (the ladder's steps before it).",
    ]
    once = {
        "ours_fixed_axes": "*Fixed axes* is ours without permuted dimensions and flipped signs of "
        "virtual classes, which use that this generator's dimensions are exchangeable. It was "
        "trained on the first draw only."
    }
    return [*lines, *(once[name] for name in config.once if name in once)]


def describe_data(data: SyntheticConfig) -> str:
    """Say in a sentence how classes are drawn."""
    return (
        f"Data: {data.classes} classes, the first {data.known_classes} trained; modalities of "
        f"{', '.join(map(str, data.modality_dims))} values; {data.parameters} parameters, families "
        f"{'/'.join(data.families)}, means in {data.mean_range[0]:g} to {data.mean_range[1]:g}, "
        f"deviations in {data.deviation_range[0]:g} to {data.deviation_range[1]:g}."
    )
