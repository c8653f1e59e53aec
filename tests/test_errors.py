"""The tree in the docstring is the tree in the code."""

import inspect

from mmpipeline import errors


def test_every_error_is_drawn_and_descends_from_the_root() -> None:
    drawing = errors.__doc__ or ""
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        assert name in drawing
        assert issubclass(kind, errors.PipelineError)
        assert kind.__doc__
