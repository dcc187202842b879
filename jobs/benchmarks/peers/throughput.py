"""Our problems per second by batch size, and our kernels' rate beside the matrix product's."""

import json
import os
import pathlib
import statistics
import subprocess
import sys

import instances
import ours

EPSILON, THRESHOLDS, REPEATS = 1e-2, (1e-2, 1e-3), 3
BATCHES = (1, 16, 128, 1024, 16384)

PRODUCT = """
import json, sys, time
import numpy, threadpoolctl
n = int(sys.argv[1])
x, y = numpy.random.default_rng(0).normal(size=(2, n, n))
numpy.dot(x, y)
best = float("inf")
for _ in range(8):
    begin = time.perf_counter()
    numpy.dot(x, y)
    best = min(best, time.perf_counter() - begin)
blas = [library for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"]
for library in blas: library.pop("filepath")
print(json.dumps(dict(gflops=2 * n**3 / best * 1e-9, blas=blas)))
"""


def throughput(program, inputs, quick):
    """Rows {batch, threshold, instances_per_second}, the median of three runs."""
    images = instances.digit_images(inputs)
    rows = []
    for threshold in THRESHOLDS:
        for batch in BATCHES[:2] if quick else BATCHES:
            case = instances.digits(inputs, 1, EPSILON, threshold)
            case = instances.dataclasses.replace(case, a=images, b=images)
            population = program.scratch / "throughput.h5"
            ours.write_population(population, case, *instances.digit_pairs(batch))
            values = {
                "problem.epsilon": EPSILON,
                "solver.initializer": "zeros",
                "solver.threshold": threshold,
                "solver.inner_iterations": 1,
                "solution.potentials": "false",
            }
            row = dict(case="digits 28x28", epsilon=EPSILON, threshold=threshold, batch=batch)
            try:
                reports = [program.solve(population, values, 300)[0] for _ in range(REPEATS)]
                seconds = statistics.median(map(ours.seconds_per_problem, reports))
                row |= dict(
                    instances_per_second=1 / seconds, mean_iterations=reports[0]["mean_iterations"]
                )
            except ours.Failure as failure:
                row |= dict(instances_per_second=None, failure=str(failure))
            print(f"  throughput {row}", flush=True)
            rows.append(row)
    return rows


def roofline(benchmark, quick):
    """The rate of NumPy's matrix product on all cores and on one, and that of our grid kernel."""
    n = 256 if quick else 2048
    result = {
        "gemm": dict(
            size=n,
            precision="float64",
            all_cores=_product(n, os.cpu_count()),
            one_core=_product(n, 1),
        )
    }
    benchmark = pathlib.Path(benchmark)
    if not benchmark.exists():
        return result | {"failure": f"{benchmark} is not built"}
    text = subprocess.run(
        [str(benchmark), "--benchmark_format=json", "--benchmark_filter=^grid_double/1024/10/"]
        + (["--benchmark_min_time=0.01"] if quick else []),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    measured = json.loads(text)
    kernel, context = measured["benchmarks"][0], measured["context"]
    result["kernel"] = dict(
        name=kernel["name"],
        flops_per_second=kernel["flops"],
        multiply_adds_per_second=kernel["flops"] / 2,
        microseconds_per_iteration=kernel["microseconds_per_iteration"],
        execution_space=context.get("execution_space"),
        counts="two flops for each multiply-add of two dense 28 x 28 products "
        "a kernel application, over the whole grid: zero weights that the kernel skips are "
        "counted, exponentials, divisions and stop tests are not",
    )
    result["of_one_core_gemm"] = kernel["flops"] * 1e-9 / result["gemm"]["one_core"]["gflops"]
    return result


def _product(n, threads):
    environment = os.environ | {
        name: str(threads)
        for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    }
    text = subprocess.run(
        [sys.executable, "-c", PRODUCT, str(n)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return json.loads(text)
