#!/usr/bin/env python3
"""slurm_test.py REPOSITORY OTFLEET: the scripts of jobs/ on a real SLURM, a cluster of this
machine's own (cluster.py). Exit code 77, and a line that says why, where there can be none."""

import concurrent.futures
import json
import os
import re
import signal
import sys
import time
import traceback

import cluster as slurm

SKIPPED = 77

JOB = """
[problem]
epsilon = 0.05
[make]
source_weights = "uniform"
grid = [8, 8]
train_problems = 200
test_problems = {problems}
repeat_pairs = true
train_measures = 40
test_measures = 20
[model]
architecture = "mlp"
hidden = [32]
[train]
steps = {steps}
batch = 16
checkpoint_seconds = 3600
[solver]
initializer = "model"
[evaluate]
thresholds = [1e-2]
trace_iterations = 5
"""
PROBLEMS = 2000
ENDLESS = 10**9
ENDED = ("COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL", "OUT_OF_MEMORY")


def require(condition, *what):
    if not condition:
        raise AssertionError(" ".join(str(one) for one in what))


class Tests:
    """Every job writes to a folder of its own, or to that of the training it builds on."""

    def __init__(self, cluster, repository, otfleet):
        self.cluster, self.repository, self.otfleet = cluster, repository, otfleet
        self.folder = cluster.folder / "jobs"
        self.folder.mkdir()

    def path(self, name):
        return self.folder / name

    def log(self, name):
        path = self.path(name + ".log")
        return path.read_text(errors="replace") if path.exists() else ""

    def write_job(self, name, steps):
        temporary = self.path(name + ".partial")
        temporary.write_text(JOB.format(steps=steps, problems=PROBLEMS))
        temporary.rename(self.path(name + ".toml"))

    def submit(self, script, name, *flags, job="short", output=None, **environment):
        """Submits jobs/SCRIPT; its log is NAME.log, its results are in OUTPUT or NAME."""
        variables = {"ROOT": self.repository, "OTFLEET": self.otfleet,
                     "JOB": self.path(job + ".toml"), "OUTPUT": self.path(output or name),
                     "OMPI_ALLOW_RUN_AS_ROOT": 1, "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": 1}
        return self.cluster.run("sbatch", "--parsable", f"--output={self.path(name + '.log')}",
                                "--time=5", *flags, f"{self.repository}/jobs/{script}.sbatch",
                                **{key: str(value)
                                   for key, value in (variables | environment).items()})

    def wait(self, name, number, done, seconds=60):
        """Waits until done(job) holds of what SLURM says about a job; returns that."""
        end = time.monotonic() + seconds
        while True:
            job = self.cluster.job(number)
            if done(job):
                return job
            require(time.monotonic() < end and job["JobState"] not in ENDED,
                    name, job["JobState"], job["ExitCode"], job["RunTime"], self.log(name))
            time.sleep(0.5)

    def finish(self, name, number, seconds=120):
        """Waits for the end of a job, which has to be a good one; returns its log."""
        self.wait(name, number, lambda job: job["JobState"] == "COMPLETED", seconds)
        return self.log(name)

    def checkpoints(self, output):
        return list((self.path(output) / "train").glob("training-*.h5"))

    def report(self, output, command):
        report = json.loads((self.path(output) / command / "report.json").read_text())
        require(report["ranks"] == 2, command, "ran on", report["ranks"], "ranks")
        return report

    # The tests ---------------------------------------------------------------------------------

    def limited_training(self, name, launcher, warning, nodes, ended_by_limit):
        """A training without end is ended by its time limit, and told by the job file, while it
        waits in the queue, how many steps are left."""
        more = 30
        self.write_job(name, ENDLESS)
        number = self.submit("train", name, "--time=1", f"--signal={warning}", f"--nodes={nodes}",
                             f"--ntasks-per-node={2 // nodes}", job=name, LAUNCHER=launcher)
        self.wait(name, number, lambda job: job["Restarts"] == "1", 150)
        first = self.log(name)
        saved = saved_step(first)
        require(saved > 0 and self.checkpoints(name), first)
        require(("DUE TO TIME LIMIT" in first) == ended_by_limit, first)
        self.write_job(name, saved + more)
        log = self.finish(name, number)
        require(log.count(f"going on at step {saved} of an unfinished run") == 1, log)
        report = self.report(name, "train")
        require(report["steps"] == saved + more, report["steps"], log)
        steps = [row["step"] for row in report["history"]]
        require(steps == sorted(set(steps)) and saved in steps, steps)
        require((self.path(name) / "train/model.h5").exists())
        require(not self.checkpoints(name))

    def a_training_goes_on_after_its_time_limit(self):
        self.limited_training("at-limit", "srun", "B:USR1@0", nodes=1, ended_by_limit=True)

    def a_training_goes_on_after_a_warning(self):
        self.limited_training("warned", "mpirun", "B:USR1@5", nodes=2, ended_by_limit=False)

    def every_script_works_with_both_launchers(self):
        launchers = ("srun", "mpirun")
        self.write_job("short", 20)
        for command, nodes in (("train", 2), ("solve", 1), ("evaluate", 2), ("scale", 1)):
            numbers = {launcher: self.submit(command, f"{command}-{launcher}", f"--nodes={nodes}",
                                             f"--ntasks-per-node={2 // nodes}", output=launcher,
                                             LAUNCHER=launcher, OPTIONS="--set scale.steps=3 "
                                             "--set scale.repetitions=1")
                       for launcher in launchers}
            for launcher, number in numbers.items():
                self.finish(f"{command}-{launcher}", number)
        for launcher in launchers:
            require(self.report(launcher, "train")["steps"] == 20)
            require(self.report(launcher, "solve")["converged"] == PROBLEMS)
            require(len(self.report(launcher, "evaluate")["thresholds"]) == 1)
            require(len(self.report(launcher, "scale")["train"]["measured"]["strong"]) == 2)

    def ranks_get_their_own_cores_and_gpus(self):
        program = self.path("show.sh")
        program.write_text("#!/bin/bash\ncores=$(taskset -cp $$)\n"
                           "echo shown $(nproc) ${cores##*: } $CUDA_VISIBLE_DEVICES\n")
        program.chmod(0o755)
        for launcher in ("srun", "mpirun"):
            name = f"show-{launcher}"
            number = self.submit("solve", name, "--gpus-per-node=2", LAUNCHER=launcher,
                                 OTFLEET=program)
            log = self.finish(name, number)
            ranks = [line.split()[1:] for line in log.splitlines() if line.startswith("shown")]
            require(len(ranks) == 2 and all(rank[0] == "1" for rank in ranks), log)
            require(len({rank[1] for rank in ranks}) == 2, "cores", log)
            require({rank[2] for rank in ranks} == {"0", "1"}, "GPUs", log)

    def a_solve_that_is_asked_to_end_goes_on(self):
        """In the queue again, and what it had solved is not solved twice."""
        options = "--set solver.initializer=zeros --set solver.method=sinkhorn " \
                  "--set solver.acceleration=none --set problem.epsilon=1e-3 " \
                  "--set solver.threshold=1e-300 --set solver.max_iterations=20000 " \
                  "--set solver.checkpoint_seconds=0 --set files.test_population=" \
                  f"{self.path('srun')}/make/test.h5"
        numbers = {launcher: self.submit("solve", f"asked-{launcher}", LAUNCHER=launcher,
                                         OPTIONS=options) for launcher in ("srun", "mpirun")}
        for launcher, number in numbers.items():
            name = f"asked-{launcher}"
            parts = self.path(name) / "solve/solution.parts"
            self.wait(name, number, lambda _: list(parts.glob("rows-*.h5")))
            self.cluster.run("scancel", "--batch", "--signal=USR1", number)
        for launcher, number in numbers.items():
            name = f"asked-{launcher}"
            job = self.wait(name, number, lambda job: job["JobState"] == "COMPLETED", 180)
            log, report = self.log(name), self.report(name, "solve")
            require(job["Restarts"] == "1", job, log)
            require(log.count(f"of {PROBLEMS} problems are solved; run it again") == 1, log)
            require(log.count("going on: ") == 1, log)
            require(0 < report["solved_before"] < PROBLEMS, report["solved_before"], log)
            require((self.path(name) / "solve/solution.h5").exists())

    def an_array_of_shares_is_put_together(self):
        number = self.submit("solve_array", "array", "--array=3-5", output="shares",
                             OPTIONS=f"--set files.test_population={self.path('srun')}/make/test.h5"
                                     " --set solver.initializer=zeros")
        merge = self.submit("solve", "merge", f"--dependency=afterok:{number}", output="shares",
                            OPTIONS=f"--set files.test_population={self.path('srun')}/make/test.h5"
                                    " --set solver.initializer=zeros")
        self.finish("merge", merge)
        report = self.report("shares", "solve")
        require(report["solved_before"] == PROBLEMS == report["converged"], report, self.log("array"))
        # The picture is drawn where gnuplot is, or can do without.
        left = sorted({path.name for path in (self.path("shares") / "solve").iterdir()} - {"solution.png"})
        require(left == [f"report-share-{k}-of-3.json" for k in range(3)]
                + ["report.json", "solution.h5"], "left", left)

    def a_canceled_training_is_saved_but_stays_canceled(self):
        self.write_job("canceled", ENDLESS)
        number = self.submit("train", "canceled", job="canceled",
                             OPTIONS="--set train.log_every=10")
        self.wait("canceled", number, lambda _: "loss" in self.log("canceled"))
        self.cluster.run("scancel", number)
        job = self.wait("canceled", number, lambda job: job["JobState"] == "CANCELLED")
        require(job["Restarts"] == "0", job, self.log("canceled"))
        require(saved_step(self.log("canceled")) > 0)
        require(self.checkpoints("canceled"))


def saved_step(log):
    steps = re.findall(r"asked to end at step (\d+);", log)
    require(len(steps) == 1, log)
    return int(steps[0])


def run_test(test):
    """Runs a test, says how it went, and returns whether it passed."""
    begin, passed = time.monotonic(), False
    try:
        test()
        passed = True
    except Exception:
        traceback.print_exc()
    print(f"{'passed' if passed else 'FAILED'} {test.__name__}, {time.monotonic() - begin:.0f} s",
          flush=True)
    return passed


def run_tests(tests):
    # These two wait for SLURM's clock most of the time.
    with concurrent.futures.ThreadPoolExecutor() as background:
        slow = [background.submit(run_test, test)
                for test in (tests.a_training_goes_on_after_its_time_limit,
                             tests.a_training_goes_on_after_a_warning)]
        passed = [run_test(test)
                  for test in (tests.every_script_works_with_both_launchers,
                               tests.ranks_get_their_own_cores_and_gpus,
                               tests.a_solve_that_is_asked_to_end_goes_on,
                               tests.an_array_of_shares_is_put_together,
                               tests.a_canceled_training_is_saved_but_stays_canceled)]
        return all(passed + [one.result() for one in slow])


def main(repository, otfleet):
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ends the test at once; the cluster follows
    try:
        with slurm.Cluster() as cluster:
            return 0 if run_tests(Tests(cluster, repository, otfleet)) else 1
    except slurm.Unavailable as why:
        print(f"skipped, no SLURM here: {why}")
        return SKIPPED


if __name__ == "__main__":
    sys.exit(main(*map(os.path.abspath, sys.argv[1:])))
