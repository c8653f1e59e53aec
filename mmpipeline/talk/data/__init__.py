"""The talk's synthetic data: classes as probability distributions, with their exact Bayes bound.

`generate` draws the classes' parameters and their samples from `SyntheticConfig` alone;
`bayes_scores` and `bayes_bound` say how well anybody could tell the classes apart;
`parameter_file` keeps the drawn parameters beside the results. The data are as simple as their
densities, which is the price of a bound that is exact.
"""

from mmpipeline.talk.data.bayes import Bound, bayes_bound, bayes_scores
from mmpipeline.talk.data.generator import SyntheticData, generate
from mmpipeline.talk.data.parameter_file import save_parameters
from mmpipeline.talk.data.parameters import ModalityParameters, Parameters, draw_parameters
from mmpipeline.talk.data.subsets import Subset, all_subsets, subset_name

__all__ = [
    "Bound",
    "ModalityParameters",
    "Parameters",
    "Subset",
    "SyntheticData",
    "all_subsets",
    "bayes_bound",
    "bayes_scores",
    "draw_parameters",
    "generate",
    "save_parameters",
    "subset_name",
]
