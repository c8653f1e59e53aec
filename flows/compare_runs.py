"""Compare ways to train: a grid of runs over one catalogue, and its leaderboard."""

from dataclasses import replace
from pathlib import Path

from prefect import flow

from mmpipeline.config.pipeline import PipelineConfig
from mmpipeline.planning.newest import default_root, or_newest
from tasks.runtime.hooks import HOOKS
from tasks.runtime.stage import without_marking_latest
from tasks.runtime.stale_runs import locked_flow_run
from tasks.stages import comparison, evaluation, features, frozen, training
from tasks.stages.comparison import TrainedCell


@flow(name="compare_runs", **HOOKS)
def compare_runs(
    config: PipelineConfig = PipelineConfig(),
    catalog: Path | None = None,
    pairs: Path | None = None,
    data_root: Path | None = None,
) -> dict[str, object]:
    """Train every cell of a grid, choose one on validation recipes, and write the leaderboard.

    Parameters
    ----------
    config
        The experiment; `comparison` is the grid, `train` and `features` what it does not name.
    catalog, pairs
        Folders of artifacts that belong together; None takes the newest.
    data_root
        The data folder; None takes the environment's.

    Returns
    -------
    dict
        See `tasks.stages.comparison.summarise`.
    """
    root = data_root or default_root()
    grid, cells = config.comparison, comparison.plan_cells(config)
    validation = config.evaluate.model_copy(update={"split": "val"})
    with locked_flow_run(root), comparison.grid_run(grid, root) as parent:
        recipes, paired = or_newest(catalog, "catalog", root), or_newest(pairs, "pairs", root)
        drawn = frozen.freeze(recipes, config.frozen, root)
        progress, done = comparison.Progress(cells), []
        with without_marking_latest():
            for cell in cells:
                progress.announce(cell, recipes, paired, root)
                how = comparison.describe_run(cell, grid, parent)
                encoded = features.extract(recipes, cell.feature_config, root)
                model = training.train(encoded, paired, cell.train_config, root, how)
                measured = evaluation.evaluate(model, encoded, recipes, validation, root)
                scores = frozen.score(model, encoded, drawn, config.evaluate, root)
                baselines = comparison.measure_score_baselines(encoded, paired, cell.train_config)
                done.append(TrainedCell(cell, encoded, model, measured, baselines, scores))
                comparison.log_cell(done[-1], how, drawn, root)
            best = comparison.choose(done)
            asked = (done[best].model, done[best].features, recipes, config.evaluate, root)
            done[best] = replace(done[best], test=evaluation.evaluate(*asked))
            runs = [
                comparison.log_cell(
                    cell, comparison.describe_run(cell.cell, grid, parent), drawn, root
                )
                for cell in done
            ]
            folder = comparison.write_comparison(done, runs, grid, parent, root)
    comparison.say_chosen(folder)
    return comparison.summarise(folder, grid, progress.fresh)
