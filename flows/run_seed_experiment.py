"""The talk's experiment, reproduced and set beside ours: one report over several draws."""

from pathlib import Path

from prefect import flow

from mmpipeline.config.talk import TalkExperimentConfig
from mmpipeline.planning.newest import default_root
from tasks.runtime.hooks import HOOKS
from tasks.runtime.stale_runs import locked_flow_run
from tasks.stages import talk as seed_experiment


@flow(name="run_seed_experiment", **HOOKS)
def run_seed_experiment(
    config: TalkExperimentConfig = TalkExperimentConfig(),
    quick: bool = False,
    copy_to: Path | None = None,
    data_root: Path | None = None,
) -> Path:
    """Train the talk's models and ours on each draw of the data, measure them, write one report.

    Parameters
    ----------
    config
        Draws, models and what is measured.
    quick
        The same on little data and few steps: whether everything works, not how well.
    copy_to
        Folder that gets a copy of the report; None leaves it in the data folder.
    data_root
        The data folder; None takes the environment's.

    Returns
    -------
    Path
        Folder of the report artifact.
    """
    root = data_root or default_root()
    config = config.quick() if quick else config
    with locked_flow_run(root), seed_experiment.tracked_experiment(config, root) as parent:
        draws = []
        for data in seed_experiment.list_draws(config):
            methods = seed_experiment.train_methods(data, config, parent, root)
            draws.append(seed_experiment.evaluate_seed(data, methods, config, parent, root))
        reproductions = [
            seed_experiment.reproduce_talk(data, config, parent, root)
            for data in seed_experiment.list_reproductions(config)
        ]
        ladder = seed_experiment.climb_ladder(config, parent, root)
        report = seed_experiment.write_report(draws, reproductions, ladder, config, parent, root)
    seed_experiment.copy_report(report, copy_to)
    return report
