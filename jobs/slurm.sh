# Sourced by the SLURM scripts here, after their own variables: starts ranks inside an allocation, has
# SLURM's signals reach them, and has an unfinished job run again. Variables that all scripts take:
OTFLEET=${OTFLEET:-$ROOT/build/release/otfleet}  # the program
OPTIONS=${OPTIONS:-}                             # further ones for otfleet: "--set train.minutes=60"
LAUNCHER=${LAUNCHER:-srun}                       # or mpirun, of Open MPI
MPI=${MPI:-pmix}                                 # with srun: how ranks find each other, srun --mpi=list

interrupted_exit_code=75  # otfleet: asked to end before it was done

# Runs a command; SIGUSR1 and SIGTERM to this script go to it as SIGUSR1, which srun and mpirun pass
# on to every rank. Returns the command's exit code.
passing_signals() {
  local child code signaled=yes
  "$@" &
  child=$!
  trap 'signaled=yes; kill -USR1 "$child" 2>/dev/null || true' USR1 TERM
  while [ "$signaled" ]; do  # a signal ends the wait, not the command
    signaled=
    code=0
    wait "$child" || code=$?
  done
  trap - USR1 TERM
  return "$code"
}

# on_ranks COMMAND: otfleet COMMAND for the job, on every rank of the allocation, into the folder of
# that name in OUTPUT. A rank gets its own cores, and of the node's GPUs the one of its local rank.
on_ranks() {
  local cores=${SLURM_CPUS_PER_TASK:-1} ranks=()
  case $LAUNCHER in
    # A rank that fails ends the others.
    srun) ranks=(srun --mpi="$MPI" --cpus-per-task="$cores" --cpu-bind=cores --kill-on-bad-exit=1) ;;
    mpirun) ranks=(mpirun --map-by "slot:PE=$cores" --bind-to core) ;;
    *) echo "jobs/slurm.sh: LAUNCHER=$LAUNCHER: srun or mpirun was expected" >&2; return 2 ;;
  esac
  # shellcheck disable=SC2086  # OPTIONS are words
  passing_signals "${ranks[@]}" bash "$ROOT/jobs/rank.sh" \
    "$OTFLEET" "$1" "$JOB" --output "$OUTPUT/$1" $OPTIONS
}

# on_ranks, for a command that goes on where it was asked to end: SLURM is asked to run this job
# again then, unless the user canceled it.
on_ranks_until_done() {
  local code=0
  on_ranks "$1" || code=$?
  if [ "$code" -eq "$interrupted_exit_code" ] && ! canceled; then
    echo "otfleet $1 is not done; the job goes back into the queue"
    scontrol requeue "$SLURM_JOB_ID"
  fi
  return "$code"
}

canceled() {
  [ -n "$(squeue --noheader --jobs="$SLURM_JOB_ID" --states=CANCELLED 2>/dev/null)" ]
}

# The populations, once.
make_populations() {
  [ -e "$OUTPUT/make/test.h5" ] && return
  # shellcheck disable=SC2086
  passing_signals "$OTFLEET" make "$JOB" --output "$OUTPUT/make" $OPTIONS
}
