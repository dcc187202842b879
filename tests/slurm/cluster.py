"""A SLURM cluster for tests, two nodes on one machine: daemons, key, sockets, ports and spool of its
own, all in a temporary folder. Whatever becomes of the test, a keeper ends exactly what was started."""

import ctypes
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

CONFIGURATION = """
ClusterName=otfleet-test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser=root
AuthType=auth/munge
# A job that is requeued may begin when its first credential has expired.
AuthInfo=socket={folder}/munge.socket,cred_expire=10
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
TmpFS={folder}/tmp-%n
ProctrackType=proctrack/pgid
TaskPlugin=task/affinity
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
GresTypes=gpu
# A job is looked at every two seconds and may be run again at once.
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2
KillWait=10
MinJobAge=300
PartitionName=test Nodes=ALL Default=YES MaxTime=10 OverSubscribe=FORCE:4 State=UP
"""
# Both have all cores of the machine.
NODE = """NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} Gres=gpu:2
"""
NODES = ("one", "two")

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue", "scancel",
            "sinfo")


class Unavailable(Exception):
    """Why there can be no cluster here."""


def find(program):
    """Where a program is, also where a user's PATH does not have the daemons."""
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def descendants(ancestor):
    """Process ids below `ancestor`, from /proc."""
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, open_ends = [], [ancestor]
    while open_ends:
        below = children.get(open_ends.pop(), [])
        found += below
        open_ends += below
    return found


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        pass


def keep(folder, commands, life):
    """The keeper: starts the daemons, waits until the other end of the pipe `life` is closed, which
    happens at the latest when the test's process ends, and ends all that has come from them. Daemons
    stay in the foreground, and what loses its parent becomes a child of the keeper, so that all are
    below it."""
    os.setsid()
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    become_subreaper = 36
    ctypes.CDLL(None).prctl(become_subreaper, 1, 0, 0, 0)
    with open(folder / "daemons.log", "w") as log:
        for command in commands:
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                             start_new_session=True,
                             preexec_fn=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    while not select.select([life], [], [], 0.1)[0]:
        reap()  # SLURM takes a job for alive as long as a process of it is not waited for
    for end in [signal.SIGTERM] + 50 * [signal.SIGKILL]:
        below = descendants(os.getpid())
        if not below:
            break
        for process in below:
            try:
                os.kill(process, end)
            except ProcessLookupError:
                pass
        time.sleep(0.2)
        reap()
    shutil.rmtree(folder, ignore_errors=True)


class Cluster:
    """`with Cluster() as cluster:` — raises Unavailable where it cannot be started."""

    def __enter__(self):
        missing = [program for program in PROGRAMS if find(program) is None]
        if missing:
            raise Unavailable("not installed: " + ", ".join(missing))
        if os.geteuid() != 0:
            raise Unavailable("slurmd has to run as root")
        if len(os.sched_getaffinity(0)) < max(2, os.cpu_count()):
            raise Unavailable("it takes two cores, and the right to bind ranks to every core")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="otfleet-slurm-"))
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("SLURM", "SBATCH", "SRUN", "PMI", "OMPI"))}
        self.environment["SLURM_CONF"] = str(self.folder / "slurm.conf")
        self.write_files()
        configuration = ["-f", str(self.folder / "slurm.conf")]
        self.start([
            [find("munged"), "--foreground", "--force", f"--socket={self.folder}/munge.socket",
             f"--key-file={self.folder}/munge.key", f"--pid-file={self.folder}/munged.pid",
             f"--seed-file={self.folder}/munged.seed", f"--log-file={self.folder}/munged.log",
             "--num-threads=2"],
            [find("slurmctld"), "-D", "-c", *configuration],
            *([find("slurmd"), "-D", "-c", "-N", node, *configuration] for node in NODES),
        ])
        try:
            self.wait_until_idle()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        os.close(self.life)
        os.waitpid(self.keeper, 0)

    def write_files(self):
        (self.folder / "state").mkdir()
        host = socket.gethostname().split(".")[0]
        controller_port, *ports = free_ports(1 + len(NODES))
        text = CONFIGURATION.format(folder=self.folder, host=host, controller_port=controller_port)
        for node, port in zip(NODES, ports):
            for use in ("spool", "tmp"):
                (self.folder / f"{use}-{node}").mkdir()
            text += NODE.format(node=node, host=host, port=port, cpus=os.cpu_count())
        (self.folder / "slurm.conf").write_text(text)
        (self.folder / "gres.conf").write_text("Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n")
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n")
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))
        self.folder.chmod(0o755)

    def start(self, commands):
        read_end, self.life = os.pipe()
        self.keeper = os.fork()
        if self.keeper == 0:
            try:
                os.close(self.life)
                os.environ.clear()
                os.environ.update(self.environment)
                keep(self.folder, commands, read_end)
            finally:
                os._exit(1)
        os.close(read_end)

    def run(self, *words, check=True, **environment):
        """Runs one of SLURM's commands; returns what it printed."""
        result = subprocess.run(words, env=self.environment | environment, text=True,
                                capture_output=True)
        if check and result.returncode != 0:
            raise RuntimeError(f"{' '.join(words)}: {result.stderr}")
        return result.stdout.strip()

    def wait_until_idle(self):
        for _ in range(150):
            state = self.run("sinfo", "--noheader", "--format=%D %T", check=False)
            if state == f"{len(NODES)} idle":
                return
            time.sleep(0.2)
        log = (self.folder / "daemons.log").read_text(errors="replace")
        raise Unavailable(f"SLURM did not start within 30 s (nodes: '{state}')\n{log[-3000:]}")

    def job(self, number):
        """What SLURM knows about a job: JobState, Reason, ExitCode, Restarts and more."""
        text = self.run("scontrol", "--oneliner", "show", "job", number)
        return dict(word.split("=", 1) for word in text.split() if "=" in word)
