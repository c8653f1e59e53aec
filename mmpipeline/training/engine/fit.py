"""One loop for every training: batches from a source, an objective, a schedule, the best weights.

After a round the module is scored, on classes or recipes held out from it, and the weights with
the best score are kept. All that happens follows from seeds and places (see `batch_source` and
`gradients`), so a training that was killed goes on from its checkpoint and ends with the same
bytes as one that was not: on one machine, with as many threads.
"""

import logging
import math
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from mmpipeline.config.train import FitConfig
from mmpipeline.errors import StageError
from mmpipeline.progress import Progress
from mmpipeline.training.engine.batch_source import BatchSource
from mmpipeline.training.engine.checkpoints import TrainingState
from mmpipeline.training.engine.determinism import determinism, digest_values
from mmpipeline.training.engine.gradients import GradientStep
from mmpipeline.training.engine.hooks import SCORE, Hooks
from mmpipeline.training.engine.objective import Objective
from mmpipeline.training.engine.optimizer import load_optimizer, make_optimizer, optimizer_tensors
from mmpipeline.training.engine.process_group import Processes
from mmpipeline.training.engine.schedule import learning_rate

Batch = TypeVar("Batch")
log = logging.getLogger("mmpipeline.run")


@dataclass(slots=True)
class TrainingResult:
    """What a training came to; the module holds the best weights.

    Attributes
    ----------
    history
        The metrics of each round, with ``round`` from 1.
    best_round
        Whose weights were kept: of the best score, or the last.
    best_score
        Its ``val_score``; None when there was none.
    steps
        Steps that were done in all.
    resumed_at
        Steps that had been done when this training was taken up again; 0 for none.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    best_round: int = 0
    best_score: float | None = None
    steps: int = 0
    resumed_at: int = 0


def fit(
    module: nn.Module,
    source: BatchSource[Batch],
    objective: Objective[Batch],
    config: FitConfig,
    hooks: Hooks = Hooks(),
) -> TrainingResult:
    """Train a module.

    Parameters
    ----------
    module
        Trained in place; what the objective learns beside (a temperature) belongs into it.
    source
        Of batches; on several processes, the same on each.
    objective
        What is minimised.
    config
        How.
    hooks
        Logger, checkpoints, selector.

    Returns
    -------
    TrainingResult
        History and the best round.

    Raises
    ------
    CheckpointError
        If a checkpoint is damaged, or of other data or another config.
    StageError
        If the loss or the gradient is not finite: names step and batch. The module and the last
        checkpoint then hold the last good state.
    """
    processes = Processes.current()
    training = Training(module, source, objective, config, hooks)
    with ExitStack() as stack:
        stack.enter_context(determinism(config.seed))
        if hooks.checkpoints is not None and processes.is_main:
            stack.enter_context(hooks.checkpoints.held())
        training.resume()
        return training.run()


class Training(Generic[Batch]):
    """A training between two steps; `fit` is the way to use it.

    Parameters
    ----------
    module, source, objective, config, hooks
        As for `fit`.
    """

    def __init__(
        self,
        module: nn.Module,
        source: BatchSource[Batch],
        objective: Objective[Batch],
        config: FitConfig,
        hooks: Hooks,
    ) -> None:
        self._module = module
        self._source = source
        self._config = config
        self._hooks = hooks
        self._processes = Processes.current()
        self._gradients = GradientStep(module, objective, config, self._processes)
        self._optimizer = make_optimizer(module, config)
        self._parameters = [p for p in module.parameters() if p.requires_grad]
        self._best: dict[str, Tensor] = {}
        self._sums: dict[str, float] = {}
        self._identity = self._identify() if hooks.checkpoints is not None else {}
        self.result = TrainingResult()

    def run(self) -> TrainingResult:
        """Take the steps that are left, and leave the best weights in the module."""
        config, result = self._config, self.result
        steps = config.rounds * config.steps_per_round
        with Progress("training", steps, initial=result.steps) as progress:
            self._module.train()
            while result.steps < steps and not self._is_over():
                self.take_step()
                if result.steps % config.steps_per_round == 0:
                    progress.set_postfix(loss=f"{self._end_round():.3f}", refresh=False)
                if self._hooks.checkpoints is not None and self._hooks.checkpoints.is_due:
                    self._save()
                progress.update()
        if self._best:
            self._module.load_state_dict(self._best)
        return result

    def take_step(self) -> None:
        """Move the weights once.

        Raises
        ------
        StageError
            If the loss or the gradient is not finite; the weights have not moved then.
        """
        step = self.result.steps + 1
        before = self._source.state_dict()
        batches = [self._source.take() for _ in range(self._config.batches_per_step)]
        self._optimizer.zero_grad(set_to_none=True)
        figures = self._gradients.compute(batches, step)
        figures["gradient_norm"] = self._cut_gradients()
        if not all(math.isfinite(figures[name]) for name in ("loss", "gradient_norm")):
            what = ", ".join(self._source.describe(batch) for batch in batches)
            self._source.load_state_dict(before)
            self._stop(figures, step, what)
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(step, self._config)
        self._optimizer.step()
        for name, value in figures.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self.result.steps = step

    def resume(self) -> None:
        """Go on from the newest checkpoint, if there is one.

        Raises
        ------
        CheckpointError
            If it is damaged, or of other data or another config.
        """
        state = self._find_state()
        if state is None:
            return
        self._module.load_state_dict(_part(state.tensors, "module."))
        load_optimizer(self._optimizer, self._module, state.tensors)
        self._best = _part(state.tensors, "best.")
        self._source.load_state_dict(state.values["source"])
        self._sums = dict(state.values["sums"])
        self.result = TrainingResult(**state.values["result"])
        self.result.resumed_at = self.result.steps
        log.info("training goes on from step %d", self.result.steps)

    def _find_state(self) -> TrainingState | None:
        """Let the first process decide which checkpoint it is; all read that one."""
        checkpoints, state = self._hooks.checkpoints, None
        if checkpoints is None:
            return None
        if self._processes.is_main:
            state = checkpoints.load(self._identity)
        step = int(self._processes.broadcast(-1 if state is None else state.step))
        return state if self._processes.is_main or step < 0 else checkpoints.read(step)

    def _save(self) -> None:
        checkpoints = self._hooks.checkpoints
        if checkpoints is None or not self._processes.is_main:
            return
        weights = self._module.state_dict()
        tensors = {f"module.{name}": value for name, value in weights.items()}
        tensors |= {f"best.{name}": value for name, value in self._best.items()}
        tensors |= optimizer_tensors(self._optimizer, self._module)
        values = {
            "source": self._source.state_dict(),
            "sums": self._sums,
            "result": asdict(self.result),
        }
        checkpoints.save(TrainingState(self.result.steps, self._identity, tensors, values))

    def _identify(self) -> dict[str, str]:
        shapes = {name: tuple(value.shape) for name, value in self._module.state_dict().items()}
        return {
            "config": digest_values(self._config.model_dump(mode="json")),
            "data": self._source.digest,
            "module": digest_values(shapes),
            **self._hooks.identity,
        }

    def _cut_gradients(self) -> float:
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        longest = self._config.max_gradient_norm
        if longest is not None:
            nn.utils.clip_grads_with_norm_(self._parameters, longest, norm)
        return float(norm)

    def _stop(self, figures: dict[str, float], step: int, what: str) -> None:
        self._save()
        name = "gradient_norm" if math.isfinite(figures["loss"]) else "loss"
        kept = self._hooks.checkpoints
        remedy = f"; the state before it is kept in {kept.folder}" if kept is not None else ""
        raise StageError(
            f"the {name.replace('_', ' ')} is {figures[name]} at step {step}, batch of {what}; "
            f"lower the learning rate, or look for broken values in this batch{remedy}"
        )

    def _end_round(self) -> float:
        config, result = self._config, self.result
        number = result.steps // config.steps_per_round
        means = {name: total / config.steps_per_round for name, total in self._sums.items()}
        self._sums = {}
        metrics = {f"train_{name}": mean for name, mean in means.items()}
        metrics["learning_rate"] = learning_rate(result.steps, config)
        metrics |= self._score()
        if self._processes.is_main:
            self._hooks.logger.log_metrics(metrics, step=number)
        result.history.append({"round": float(number), **metrics})
        score = metrics.get(SCORE)
        best = result.best_score
        if score is not None and (best is None or score > best):
            result.best_score, result.best_round = score, number
            self._best = {n: v.detach().clone() for n, v in self._module.state_dict().items()}
        elif best is None:
            result.best_round = number
        return metrics["train_loss"]

    def _score(self) -> dict[str, float]:
        if self._hooks.selector is None:
            return {}
        self._module.eval()
        with torch.no_grad():
            figures = dict(self._hooks.selector(self._module))
        self._module.train()
        if SCORE in figures:
            figures[SCORE] = self._processes.broadcast(figures[SCORE])
        return figures

    def _is_over(self) -> bool:
        patience, result = self._config.patience, self.result
        if patience is None or result.best_score is None:
            return False
        return len(result.history) - result.best_round >= patience


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
