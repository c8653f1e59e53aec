"""The base of all config sections, and the words for what is wrong in one."""

from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from mmpipeline.config.former import admit_former_names, use_present_names


class Section(BaseModel):
    """Base of all sections: frozen, and unknown keys are rejected; former names are read."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=admit_former_names)

    @model_validator(mode="before")
    @classmethod
    def _read_former_names(cls, values: object) -> object:
        return use_present_names(values, cls.model_fields) if isinstance(values, dict) else values


MAX_PIXELS = 25_000_000
"""Of a photo: a larger one is not decoded, unless a setting says otherwise."""


def describe_problems(error: ValidationError, root: type[BaseModel], prefix: str = "") -> str:
    """Say on one line what pydantic found wrong.

    Parameters
    ----------
    error
        The validation error.
    root
        What was validated.
    prefix
        Prefix of environment variables, when that is where the values came from.

    Returns
    -------
    str
        Such as ``unknown key 'train.epoch' (known: epochs, seed, ...)``.
    """
    problems = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        key = prefix + key.upper() if prefix else key
        if problem["type"] == "extra_forbidden":
            known = ", ".join(sorted(_known_keys(root, problem["loc"][:-1])))
            problems.append(f"unknown key '{key}' (known here: {known})")
        else:
            message = problem["msg"].removeprefix("Value error, ")
            message = message[:1].lower() + message[1:]
            problems.append(f"'{key}' = {problem.get('input')!r}: {message}")
    return "; ".join(problems)


def _known_keys(root: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    section = root
    parts = iter(place)
    for part in parts:
        annotation: Any = section.model_fields[str(part)].annotation
        if get_origin(annotation) is dict:  # of named sections: the next part is a name
            next(parts, None)
            annotation = get_args(annotation)[1]
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        section = annotation
    return list(section.model_fields)
