"""The tree in the docstring is the tree in the code."""

import inspect

from mmpipeline import errors


def test_every_error_is_drawn_and_descends_from_the_root() -> None:
    drawing = errors.__doc__ or ""
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        assert name in drawing
        assert issubclass(kind, errors.PipelineError)
        assert kind.__doc__


def test_a_refusal_of_the_system_is_one_line() -> None:
    full = OSError(28, "No space left on device", "data/x")
    assert errors.describe_os_error(full) == (
        "data/x: No space left on device; see to it and run again"
    )
    assert errors.describe_os_error(OSError("odd")) == "odd; see to it and run again"
