"""Workers that a stage is given for its map work; who gives them ends them."""

from concurrent.futures import Executor
from dataclasses import dataclass

_TASKS_A_WORKER = 2  # one under way, one waiting beside it


@dataclass(frozen=True, slots=True)
class Workers:
    """Processes that a stage's tasks are handed to, on this machine or on others.

    Attributes
    ----------
    executor
        Runs functions of a module on arguments that can be sent; a task whose process dies is run
        again by another. It is not shut down by the stage.
    count
        How many tasks run at the same time.
    """

    executor: Executor
    count: int

    def max_in_flight(self, least: int) -> int:
        """Return how many tasks to have under way so that no worker waits.

        Parameters
        ----------
        least
            What the stage would have under way anyway.
        """
        return max(least, _TASKS_A_WORKER * self.count)
