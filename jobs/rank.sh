#!/usr/bin/env bash
# rank.sh PROGRAM [ARGUMENTS]: what a rank runs. Of the GPUs that its node has for the job it shows
# the program one, by local rank; without GPUs it changes nothing.
# mpirun's own number comes first: its ranks inherit SLURM's of the script that started it.
local_rank=${OMPI_COMM_WORLD_LOCAL_RANK:-${SLURM_LOCALID:-0}}
IFS=, read -ra gpus <<<"${CUDA_VISIBLE_DEVICES:-}"
[ ${#gpus[@]} -gt 0 ] && export CUDA_VISIBLE_DEVICES=${gpus[local_rank % ${#gpus[@]}]}
exec "$@"
