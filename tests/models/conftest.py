from tests.evaluation.conftest import one_thread, world  # noqa: F401  fixtures
