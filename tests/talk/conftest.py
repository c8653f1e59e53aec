from tests.evaluation.conftest import one_thread  # noqa: F401  a fixture
