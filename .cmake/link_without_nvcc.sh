#!/usr/bin/env bash
# link_without_nvcc.sh COMMAND ARGUMENTS…: runs a link command without the options that Kokkos adds for nvcc.
# nvcc_wrapper moves -Wl options away from the libraries that they are for, --whole-archive among them;
# without relocatable device code the host's compiler links as well.
arguments=()
for argument; do
  case $argument in
    -arch=* | -DKOKKOS_DEPENDENCE | -extended-lambda | --extended-lambda) ;;
    *) arguments+=("$argument") ;;
  esac
done
exec "${arguments[@]}"
