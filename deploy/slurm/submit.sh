#!/usr/bin/env bash
# Submit both: VIDEOPASTA_PROJECT=/shared/project deploy/slurm/submit.sh [options of sbatch for both, --partition=...]
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
pairs="$(sbatch --parsable "$@" "$here/pairs.sbatch")"
sbatch --dependency="afterok:${pairs%%;*}" "$@" "$here/finish.sbatch"
