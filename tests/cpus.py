"""The numeric part of the tests under each instruction set of this CPU: ``make test-cpus``.

torch, oneDNN, MKL, OpenBLAS, numpy and faiss choose their kernels by what the CPU can, and each
choice adds up in another order. Variables hold them to less; a process reads them at its start, so
every set is a process of its own, one after the other. Before a set runs, the libraries are
asked in such a process what they took (`probe`): a set that did not take effect is reported as
not run, never as passed. MKL alone ignores its variable on CPUs that are not Intel's; that is
said and does not count. In `own` the libraries choose by themselves, as on a user's machine, in
`threads` also with five threads, and in `uneven` they are kernels that no CPU has (see
`uneven_kernels`). ``--short`` takes a handful of the tests that depend on kernels most; the suite
runs it (`test_cpus.py`).
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NUMERIC = (
    "tests/evaluation", "tests/features", "tests/losses", "tests/models",
    "tests/sample/test_bayes.py", "tests/search", "tests/serving/map/test_layout.py",
    "tests/talk", "tests/training",
)  # fmt: skip
SENSITIVE = (
    "tests/talk/models/test_moment_prototypes.py", "tests/models/fusions/test_weighted_sum.py",
    "tests/search/publish/test_merge.py::test_merged_versions_answer_as_one_over_all",
    "tests/search/test_one_order.py::test_near_copies_stand_in_the_order_of_their_rows",
    "tests/search/test_one_order.py::test_scores_are_the_same_numbers_on_every_machine",
    "tests/search/vectors/test_prototypes.py",
    "tests/training/pairs/test_validation.py::test_a_constant_model_scores_no_better_than_last_place",
)  # fmt: skip
VARIABLES = (
    "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS", "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE", "FAISS_SIMD_LEVEL", "NPY_DISABLE_CPU_FEATURES",
)  # fmt: skip
OPTIONAL = ("mkl",)
PROBE = """
import json, sys
import numpy
from threadpoolctl import threadpool_info
from numpy._core._multiarray_umath import __cpu_features__ as features
wide = [name for name in ("X86_V4", "AVX512_SPR") if features.get(name)]
blas = [found["architecture"] for found in threadpool_info() if found["internal_api"] == "openblas"]
import faiss, torch
torch.ones(4, 4).to_mkldnn().relu()
torch.ones(4, 4) @ torch.ones(4, 4)
levels = {value: name for name, value in vars(faiss).items() if name.startswith("SIMDLevel_")}
level = faiss.SIMDConfig.get_level() if hasattr(faiss, "SIMDConfig") else None
sys.stdout.flush()
print("PROBE" + json.dumps({
    "torch": torch.backends.cpu.get_cpu_capability(),
    "openblas": ",".join(blas),
    "numpy": ",".join(wide) or "no AVX-512",
    "faiss": str(levels.get(level)),
}))
"""


@dataclass(frozen=True, slots=True)
class Kernels:
    """What the libraries are held to.

    Attributes
    ----------
    name
        Of the set.
    environment
        Variables.
    shows
        By library, a pattern that its answer must match if the variables took effect.
    options
        Of pytest.
    """

    name: str
    environment: Mapping[str, str] = field(default_factory=dict)
    shows: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()


SETS = (
    Kernels(
        "avx2",
        {
            "ATEN_CPU_CAPABILITY": "avx2",
            "ONEDNN_MAX_CPU_ISA": "AVX2",
            "MKL_ENABLE_INSTRUCTIONS": "AVX2",
            "OPENBLAS_CORETYPE": "Haswell",
            "FAISS_SIMD_LEVEL": "AVX2",
            "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
        },
        {
            "torch": "AVX2$",
            "onednn": "AVX2",
            "mkl": "AVX2",
            "openblas": "Haswell$",
            "faiss": "SIMDLevel_AVX2$",
            "numpy": "no AVX-512",
        },
    ),
    Kernels(
        "avx512",
        {
            "ATEN_CPU_CAPABILITY": "avx512",
            "ONEDNN_MAX_CPU_ISA": "AVX512_CORE",
            "MKL_ENABLE_INSTRUCTIONS": "AVX512",
            "OPENBLAS_CORETYPE": "SkylakeX",
            "FAISS_SIMD_LEVEL": "AVX512",
            "NPY_DISABLE_CPU_FEATURES": "AVX512_SPR",
        },
        {
            "torch": "AVX512$",
            "onednn": "AVX512BW",
            "mkl": "AVX-512",
            "openblas": "SkylakeX$",
            "faiss": "SIMDLevel_AVX512$",
            "numpy": "X86_V4$",
        },
    ),
    Kernels(
        "amx",
        {
            "ATEN_CPU_CAPABILITY": "avx512",
            "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_AMX",
            "OPENBLAS_CORETYPE": "SkylakeX",
        },
        {"torch": "AVX512$", "onednn": "AMX", "openblas": "SkylakeX$"},
    ),
    Kernels("own"),
    Kernels("threads", {"OMP_NUM_THREADS": "5", "OPENBLAS_NUM_THREADS": "5"}),
    Kernels("uneven", {}, {}, ("-p", "tests.uneven_kernels")),
)


def environment_of(kernels: Kernels) -> dict[str, str]:
    """Return this process's environment with the set's variables, and none of the others."""
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    return kept | dict(kernels.environment)


def probe(environment: Mapping[str, str]) -> dict[str, str]:
    """Ask the libraries in a process of their own what they took.

    Parameters
    ----------
    environment
        Of the process.

    Returns
    -------
    dict of str to str
        By library.

    Raises
    ------
    RuntimeError
        If the process fails.
    """
    asked = dict(environment) | {"ONEDNN_VERBOSE": "1", "MKL_VERBOSE": "1"}
    command = [sys.executable, "-W", "ignore", "-c", PROBE]
    done = subprocess.run(command, env=asked, capture_output=True, text=True, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith("PROBE")), None)
    if line is None:
        raise RuntimeError(f"the libraries cannot be asked: {done.stderr[-500:]}")
    found: dict[str, str] = json.loads(line.removeprefix("PROBE"))
    for library, pattern in (
        ("onednn", r"info,cpu,isa:(.*)"),
        ("mkl", r"oneMKL .* architecture (.*?),"),
    ):
        told = re.search(pattern, done.stdout)
        found[library] = told[1].strip() if told else "not told"
    return found


def find_unmoved(kernels: Kernels, found: Mapping[str, str]) -> list[str]:
    """Return what the libraries took that the set does not hold them to; empty if it holds."""
    return [
        f"{library} took {found[library]}"
        for library, pattern in kernels.shows.items()
        if library not in OPTIONAL and not re.search(pattern, found[library])
    ]


def run(kernels: Kernels, tests: Sequence[str], *, is_quiet: bool) -> tuple[str, str]:
    """Run tests under a set.

    Parameters
    ----------
    kernels
        The set.
    tests
        Files, folders or names of tests.
    is_quiet
        Show pytest's output only where something failed.

    Returns
    -------
    outcome : str
        ``passed``, ``failed`` or ``not run``.
    note : str
        What the libraries took, or why it did not run.
    """
    environment = environment_of(kernels)
    found = probe(environment) if kernels.shows else {}
    unmoved = find_unmoved(kernels, found)
    if unmoved:
        return "not run", "this CPU or its libraries lack it: " + "; ".join(unmoved)
    command = [
        sys.executable, "-m", "pytest", "-q", "-m", "not soak", "-p", "no:cacheprovider",
        *kernels.options, *tests,
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=is_quiet, text=True, check=False
    )
    if is_quiet and done.returncode:
        print(done.stdout[-6000:], done.stderr[-2000:])  # noqa: T201
    note = ", ".join(f"{library} {value}" for library, value in sorted(found.items()))
    note = note or "what the libraries choose by themselves"
    return "failed" if done.returncode else "passed", note


def main(arguments: list[str] | None = None) -> int:
    """Run the sets that this CPU has and say how each went.

    Parameters
    ----------
    arguments
        The command line without the program's name.

    Returns
    -------
    int
        0 if every set that ran passed.
    """
    names = [kernels.name for kernels in SETS]
    parser = argparse.ArgumentParser(prog="python -m tests.cpus", description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=names, default=names)
    parser.add_argument("--short", action="store_true", help="a handful of tests a set")
    parser.add_argument("tests", nargs="*", help="instead of the numeric part")
    options = parser.parse_args(arguments)
    tests = options.tests or (SENSITIVE if options.short else NUMERIC)
    lines, outcomes = [], []
    for kernels in SETS:
        if kernels.name in options.sets:
            print(f"--- {kernels.name}", flush=True)  # noqa: T201
            outcome, note = run(kernels, tests, is_quiet=options.short)
            outcomes.append(outcome)
            lines.append(f"{kernels.name:8} {outcome:8} {note}")
    print("\n".join(lines), flush=True)  # noqa: T201
    return 1 if "failed" in outcomes or "passed" not in outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
