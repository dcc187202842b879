# shellcheck shell=bash
# Sourced by the SLURM scripts here, after their own variables: starts ranks inside an allocation, has
# SLURM's signals reach them, and has an unfinished job run again. Variables that all scripts take:
OTFLEET=${OTFLEET:-$ROOT/build/release/otfleet}  # the program
OPTIONS=${OPTIONS:-}                             # further ones for otfleet: "--set train.minutes=60"
LAUNCHER=${LAUNCHER:-srun}                       # or mpirun, of Open MPI
MPI=${MPI:-pmix}                                 # with srun: how ranks find each other, srun --mpi=list

interrupted_exit_code=75  # otfleet: asked to end before it was done

# SIGUSR1 and SIGTERM to this script go to the command on its way as SIGUSR1, which srun and mpirun
# pass on to every rank; after them no other command begins.
command_on_its_way=
signals=0
pass_signal() {
  signals=$((signals + 1))
  [ -z "$command_on_its_way" ] || kill -USR1 "$command_on_its_way" 2>/dev/null || true
}
trap pass_signal USR1 TERM

# Runs a command and returns its exit code.
passing_signals() {
  local code before
  [ "$signals" -eq 0 ] || return "$interrupted_exit_code"
  "$@" &
  command_on_its_way=$!
  while true; do
    before=$signals code=0
    wait "$command_on_its_way" || code=$?
    [ "$signals" -ne "$before" ] || break  # a signal ended the wait, not the command
  done
  command_on_its_way=
  return "$code"
}

# Open MPI 4 puts its files on every node into a folder of the user's, and an mpirun that ends removes it
# while that of another job begins there: 'An ORTE daemon has unexpectedly failed'. This job gets its own.
keep_open_mpi_apart() {
  export OMPI_MCA_orte_tmpdir_base=${TMPDIR:-/tmp}/otfleet-$SLURM_JOB_ID
  trap 'srun --ntasks="$SLURM_NNODES" --ntasks-per-node=1 rm -rf "$OMPI_MCA_orte_tmpdir_base" 2>/dev/null || true' EXIT
}

# on_ranks COMMAND: otfleet COMMAND for the job, on every rank of the allocation, into the folder of
# that name in OUTPUT. A rank gets its own cores, and of the node's GPUs the one of its local rank.
on_ranks() {
  local cores=${SLURM_CPUS_PER_TASK:-1} ranks=()
  case $LAUNCHER in
    # A rank that fails ends the others.
    srun) ranks=(srun --mpi="$MPI" --cpus-per-task="$cores" --cpu-bind=cores --kill-on-bad-exit=1) ;;
    mpirun)
      keep_open_mpi_apart
      ranks=(mpirun --map-by "slot:PE=$cores" --bind-to core) ;;
    *) echo "jobs/slurm.sh: LAUNCHER=$LAUNCHER: srun or mpirun was expected" >&2; return 2 ;;
  esac
  # shellcheck disable=SC2086  # OPTIONS are words
  passing_signals "${ranks[@]}" bash "$ROOT/jobs/rank.sh" \
    "$OTFLEET" "$1" "$JOB" --output "$OUTPUT/$1" $OPTIONS
}

# What a command has saved so far, as a number.
saved() {
  { ls -l --time-style=full-iso "$OUTPUT/$1" "$OUTPUT/$1/solution.parts" 2>/dev/null || true; } | cksum
}

# on_ranks, for a command that goes on where it was asked to end: SLURM is then asked to run this job
# again, unless the user canceled it.
on_ranks_until_done() {
  local code=0 state before
  before=$(saved "$1")
  on_ranks "$1" || code=$?
  # Of ranks that did not end by themselves when all were asked to, srun may tell the signal instead.
  if [ "$code" -eq "$interrupted_exit_code" ] || { [ "$signals" -gt 0 ] && [ "$code" -ge 128 ]; }; then
    if [ "$(saved "$1")" = "$before" ]; then
      echo "otfleet $1 saved nothing new in this time: submit again with more (--time)"
      return "$code"
    fi
    state=$(squeue --noheader --jobs="$SLURM_JOB_ID" --format='%T %r')
    case $state in
      RUNNING* | *" TimeLimit")  # warned in time, or at the limit itself
        echo "otfleet $1 is not done; the job goes back into the queue"
        scontrol requeue "$SLURM_JOB_ID" ;;
      *) echo "otfleet $1 is not done; submit again to go on ($state)" ;;
    esac
  fi
  return "$code"
}

# The populations, once.
make_populations() {
  [ -e "$OUTPUT/make/test.h5" ] && return
  # shellcheck disable=SC2086
  passing_signals "$OTFLEET" make "$JOB" --output "$OUTPUT/make" $OPTIONS
}
