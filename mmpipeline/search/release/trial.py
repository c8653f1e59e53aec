"""A version tried before it answers: opened as serving opens it, and asked.

Whole files are no promise that today's code can read them: a version may be of a format, a model
or a library that the code has left behind. So a version is opened with its model and asked two
questions, one in words and one by a vector of its own, before CURRENT names it. It takes some
hundredths of a second, for all that is large stays mapped, and nothing is written.
"""

from contextlib import suppress

import numpy as np

from mmpipeline.errors import ArtifactError, PipelineError, QueryError
from mmpipeline.search.current import open_version
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.load import open_verified
from mmpipeline.search.query import Query
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import Artifact

_QUESTION = Query(title="김치찌개 kimchi stew")
_MOST_NAMED = 3


def try_version(artifact: Artifact) -> int:
    """Open a version whose bytes were verified and ask it.

    Parameters
    ----------
    artifact
        The version.

    Returns
    -------
    int
        Number of recipes that it finds among.

    Raises
    ------
    ArtifactError
        If it cannot be opened or does not answer; the message names what cannot be read.
    """
    try:
        index = SearchIndex(artifact.id, open_verified(artifact))
        items = len(index)
        if items:
            _ask(index)
        index.close()
    except PipelineError as error:
        raise ArtifactError(f"version {artifact.id} cannot answer: {error}") from error
    except Exception as error:  # whatever another version's files make our code raise
        raise ArtifactError(
            f"version {artifact.id} cannot answer: {error!r}; publish again"
        ) from error
    return items


def name_usable(layout: DataLayout, but: str) -> str:
    """Say which versions can be opened and asked, for whoever was refused one.

    Parameters
    ----------
    layout
        The data folder.
    but
        The version that was refused.

    Returns
    -------
    str
        The newest few, or that there is none.
    """
    usable: list[tuple[str, str]] = []
    for folder in layout.artifacts("index").glob("*/"):
        with suppress(ArtifactError):
            artifact = open_version(layout, folder.name)
            if artifact.id != but and try_version(artifact):
                usable.append((artifact.manifest.created_at, artifact.id))
    if not usable:
        return "no other version can either: publish again (python -m flows publish_index)"
    names = [name for _, name in sorted(usable, reverse=True)[:_MOST_NAMED]]
    return f"versions that can: {', '.join(names)}"


def _ask(index: SearchIndex) -> None:
    """Ask with words, through encoders and model, and by the vector of the first recipe.

    Raises
    ------
    ArtifactError
        If no recipe is found, or one without a score.
    """
    answers = []
    with suppress(QueryError):  # of a model that takes no words
        answers.append(index.search(_QUESTION, 1))
    answers.append(index.search_vector(index.vectors_at(index.rows[:1])[0], 1))
    for answer in answers:
        if not answer.items or not np.isfinite(answer.items[0].score):
            raise ArtifactError("it opens, and finds no recipe; publish again")
