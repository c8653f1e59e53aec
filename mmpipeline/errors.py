"""Every error that this project raises on purpose, as one tree.

::

    PipelineError
    ├── ConfigError            a config file or an argument is wrong
    ├── InputError             a folder, file or record from outside is not what was promised
    │   ├── TruncatedInputError    a file ends in the middle
    │   └── ImageError             bytes that are no photo we accept
    ├── FetchError             a page could not be had (the only branch that is retried)
    │   ├── LayoutChangedError     pages came, but a required field is gone from them
    │   └── RequestFailedError     one request, with its reason (in web/failures.py)
    ├── ArtifactError          a stored artifact is missing, damaged or of another schema
    │   └── OutdatedArtifactError  of an older schema; the message names the command that migrates
    │   └── CheckpointError        a training cannot go on from what it stored
    ├── StageError             a stage has nothing to work on or cannot go on
    │   └── TooFewRecipesError     the recipes are sound, and too few or too alike for it
    ├── QueryError             a search request that cannot be answered
    │   ├── NotFoundError          it names a recipe, dish or subset that the index does not hold
    │   └── NoIndexError           nothing has been published yet
    ├── SharedStorageError     the storage that machines share does not answer, or refuses
    └── BusyError              somebody else holds what we need

A message says what was expected, what was found, and what to do. Commands print it on one line
and exit with a status other than 0; a traceback on the screen is a bug of ours.
"""


class PipelineError(Exception):
    """Root of all errors raised on purpose; catch this to print a message to a person."""


class ConfigError(PipelineError):
    """A config file or an argument does not say what it must."""


class InputError(PipelineError):
    """A folder, a file or a record from outside is not what was promised."""


class TruncatedInputError(InputError):
    """A file ends in the middle of its content."""


class ImageError(InputError):
    """Bytes that are not a photo we accept."""


class FetchError(PipelineError):
    """A page could not be fetched."""


class LayoutChangedError(FetchError):
    """Pages came, but a field that every recipe has is gone from too many of them."""


class ArtifactError(PipelineError):
    """A stored artifact is missing, damaged, or of a schema this version does not read."""


class CheckpointError(ArtifactError):
    """A stored state of a training is damaged, or of other data or another config."""


class OutdatedArtifactError(ArtifactError):
    """A stored artifact is of an older schema, and a command brings it up to date."""


class StageError(PipelineError):
    """A stage has nothing to work on, or cannot go on."""


class TooFewRecipesError(StageError):
    """A stage has sound recipes, but too few or too like ones for what it makes of them."""


class QueryError(PipelineError):
    """A search request that cannot be answered."""


class NotFoundError(QueryError):
    """A request names a recipe, a dish or a subset that the index does not hold."""


class NoIndexError(QueryError):
    """A request comes before anything was published."""


class SharedStorageError(PipelineError):
    """The storage that machines share does not answer, or refuses."""


class BusyError(PipelineError):
    """Another process holds what this one needs."""


def describe_os_error(error: OSError) -> str:
    """Say on one line what the system refused.

    Parameters
    ----------
    error
        What it raised.

    Returns
    -------
    str
        Such as ``data/x: No space left on device; see to it and run again``.
    """
    reason = error.strerror or str(error)
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{reason}; see to it and run again"
