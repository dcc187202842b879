"""Peers run in processes of their own, so that one that hangs or dies costs its row only."""

import dataclasses
import importlib
import multiprocessing
import os
import signal
import time


@dataclasses.dataclass(frozen=True)
class Setting:
    """One way to use a peer. Of the settings with the same label the fastest is the row."""

    label: str
    options: dict
    chunk: int = 1  # problems in one call


class Failure(Exception):
    """Why there is no measurement."""


class Worker:
    """A process that imports a module and answers calls; started again after it was killed.

    The module has prepare(case, setting) -> solve(indices) -> {k: (f, g)}; whatever prepare does
    (compiling, searching a stopping value) is not timed.
    """

    def __init__(self, module):
        self.module = module
        self.process = None

    def _start(self):
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(self.module, other), daemon=True)
        self.process.start()
        other.close()
        self.prepared = set()

    def stop(self):
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.join()
            self.process = None

    def call(self, timeout, *request):
        """Sends a request and waits; throws Failure when it failed or took too long."""
        if self.process is None:
            self._start()
        self.pipe.send(request)
        if not self.pipe.poll(timeout):
            self.stop()
            raise Failure(f"stopped after {timeout:.0f} s")
        try:
            failure, answer = self.pipe.recv()
        except EOFError:
            self.process.join()
            code, self.process = self.process.exitcode, None
            raise Failure(f"the process died, exit code {code}") from None
        if failure:
            raise Failure(failure)
        return answer

    def prepare(self, timeout, key, case, setting):
        if self.process is None or key not in self.prepared:
            self.call(timeout, "prepare", key, case, setting)
            self.prepared.add(key)

    def forget(self):
        """Ends the process between blocks: compiled programs and plans need memory."""
        self.stop()


class Contender:
    """A setting of a peer on a case, measured by the seconds a problem takes."""

    def __init__(self, worker, case, setting, budget):
        self.worker, self.case, self.setting, self.budget = worker, case, setting, budget
        self.label = setting.label
        self.key = f"{case.name} {case.epsilon} {case.threshold} {len(case)} {setting}"

    def _ready(self):
        self.worker.prepare(4 * self.budget, self.key, self.case, self.setting)

    def first_pass(self, enough):
        """Solves chunk after chunk until all are done or `enough` seconds are spent. Returns
        seconds of the pass, seconds per problem, and the potentials {k: (f, g)}."""
        self._ready()
        return self.worker.call(self.budget + enough, "first_pass", self.key, enough)

    def sample(self, at_least, enough):
        """Seconds per problem over whole passes until `at_least` seconds, cut at `enough`."""
        self._ready()
        return self.worker.call(self.budget + enough, "sample", self.key, at_least, enough)


def _serve(module, pipe):
    peer = importlib.import_module(module)
    solvers = {}
    while True:
        try:
            verb, key, *arguments = pipe.recv()
        except EOFError:
            return
        try:
            if verb == "prepare":
                case, setting = arguments
                solvers[key] = _chunks(case, setting), peer.prepare(case, setting)
                answer = None
            elif verb == "first_pass":
                answer = _first_pass(*solvers[key], *arguments)
            else:
                answer = _sample(*solvers[key], *arguments)
            pipe.send((None, answer))
        except Exception as error:  # any failure of a peer becomes its row's text
            lines = str(error).strip().splitlines() or [""]
            pipe.send((f"{type(error).__name__}: {lines[0][:160]}", None))


def _chunks(case, setting):
    return [
        list(range(begin, min(begin + setting.chunk, len(case))))
        for begin in range(0, len(case), setting.chunk)
        if begin == 0 or begin + setting.chunk <= len(case)
    ]


def _first_pass(chunks, solve, enough):
    potentials, begin = {}, time.perf_counter()
    for chunk in chunks:
        potentials.update(solve(chunk))
        seconds = time.perf_counter() - begin
        if seconds > enough:
            break
    return seconds, seconds / len(potentials), potentials


def _sample(chunks, solve, at_least, enough):
    solved, begin = 0, time.perf_counter()
    while True:
        for chunk in chunks:
            solve(chunk)
            solved += len(chunk)
            seconds = time.perf_counter() - begin
            if seconds > enough:
                return seconds / solved
        if seconds >= at_least:
            return seconds / solved
