"""Asks the API whatever its own description allows, and what it forbids: nothing answers 500.

Every answer must also be one that the description promises: a status it lists, of the form it says.
"""

from contextlib import suppress

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

PROMISES = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 40


def test_the_api_keeps_its_promises_whatever_is_asked(address: str) -> None:
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    asked = 0
    with requests.Session() as session:
        for operation in schema.get_all_operations():
            for mode in GenerationMode.POSITIVE, GenerationMode.NEGATIVE:

                @seed(8)
                @settings(
                    max_examples=EXAMPLES,
                    deadline=None,
                    database=None,
                    derandomize=True,
                    phases=[Phase.explicit, Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )
                @given(case=operation.ok().as_strategy(generation_mode=mode))
                def ask(case: Case) -> None:
                    nonlocal asked
                    asked += 1
                    case.call_and_validate(checks=PROMISES, session=session, timeout=20)

                # Where nothing can be asked wrongly, there is nothing to try.
                with suppress(Unsatisfiable):
                    ask()
    assert asked > 200
    assert requests.get(f"{address}/ready", timeout=20).status_code == 200
