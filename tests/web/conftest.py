from tests.sources.tenthousand.conftest import site  # noqa: F401  a fixture
