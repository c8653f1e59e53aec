"""The tests under other instruction sets: the short form, and that nothing passes unseen."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import cpus

FAILING = """
import torch

def test_the_set_is_{name}() -> None:
    assert torch.backends.cpu.get_cpu_capability() == "{capability}"
"""


@pytest.mark.timeout(900)
def test_what_depends_on_kernels_holds_under_each_set_of_this_cpu() -> None:
    command = [sys.executable, "-m", "tests.cpus", "--short", "--sets", *SHORT]
    done = subprocess.run(command, cwd=cpus.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = {line.split()[0]: line.split(maxsplit=1)[1] for line in done.stdout.splitlines()[-4:]}
    assert set(told) == set(SHORT)
    for line in told.values():
        assert line.startswith(("passed", "not run")), line
    assert told["uneven"].startswith("passed")


SHORT = ("avx2", "avx512", "amx", "uneven")


def test_a_failing_test_fails_the_set_and_a_set_that_did_not_take_effect_is_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    test = tmp_path / "test_set.py"
    test.write_text(FAILING.format(name="other", capability="another"))
    assert cpus.main(["--short", "--sets", "own", "--", str(test)]) == 1
    assert "own      failed" in capsys.readouterr().out
    unheard = cpus.Kernels("avx2", {"ATEN_CPU_CAPABILITY": "avx2"}, {"torch": "no such set"})
    monkeypatch.setattr(cpus, "SETS", (unheard,))
    assert cpus.main(["--sets", "avx2", "--", str(test)]) == 1  # nothing ran, so nothing passed
    assert (
        "avx2     not run  this CPU or its libraries lack it: torch took "
        in capsys.readouterr().out
    )


def test_libraries_take_what_a_set_holds_them_to_and_nothing_of_the_caller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    own = cpus.environment_of(next(kernels for kernels in cpus.SETS if kernels.name == "own"))
    assert not set(cpus.VARIABLES) & set(own)
    held = dict(own) | {"ATEN_CPU_CAPABILITY": "default"}
    assert cpus.probe(held)["torch"] in {"DEFAULT", "NO AVX"}
