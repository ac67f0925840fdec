#!/usr/bin/env bash
# Validate and compare the networks that changed since a base revision, for a CI server.
#
# Environment: INPUT_PATHS and INPUT_FAIL_ON (one entry a line), INPUT_BASE, INPUT_BASELINE; REPORTS, the folder for
# the reports. On GitHub, the job summary and the output "status" are written as well; elsewhere it is the exit status.
set -euo pipefail

mkdir -p "$REPORTS"
mapfile -t paths < <(printf '%s\n' "${INPUT_PATHS:-.}" | sed '/^[[:space:]]*$/d')
mapfile -t limits < <(printf '%s\n' "${INPUT_FAIL_ON:-}" | sed '/^[[:space:]]*$/d')
base=${INPUT_BASE:-}
status=0

if [[ -z $base || $base =~ ^0+$ ]]; then # the first push of a branch has nothing before it
    base=$(git rev-parse HEAD)
elif ! git rev-parse --verify --quiet "$base^{commit}" >/dev/null; then # a shallow clone
    git fetch --quiet --no-tags --depth=1 origin "$base" || true # the comparison says what is missing
fi

options=()
for limit in ${limits[@]+"${limits[@]}"}; do
    options+=(--fail-on "$limit")
done
if [[ -n ${INPUT_BASELINE:-} ]]; then
    options+=(--baseline "$INPUT_BASELINE")
fi

files=()
while IFS= read -r -d '' file; do
    case ${file,,} in
        *.yaml | *.yml | *.json | *.pt2 | *.onnx | *.tflite | *.keras | *.h5 | *.hdf5) files+=("$file") ;;
    esac
done < <(git diff --name-only --relative -z --diff-filter=d "$base" -- "${paths[@]}" 2>/dev/null || true)
if ((${#files[@]})); then
    archcalc validate --specs-only --report json="$REPORTS/validate.json" -- "${files[@]}" || status=$?
fi

archcalc diff "$base" ${options[@]+"${options[@]}"} --report json="$REPORTS/diff.json" \
    --report markdown="$REPORTS/diff.md" -- "${paths[@]}" || { code=$?; status=$((code > status ? code : status)); }

if [[ -n ${GITHUB_STEP_SUMMARY:-} && -f $REPORTS/diff.md ]]; then
    cat "$REPORTS/diff.md" >>"$GITHUB_STEP_SUMMARY"
fi
if [[ -n ${GITHUB_OUTPUT:-} ]]; then
    echo "status=$status" >>"$GITHUB_OUTPUT"
    exit 0 # the last step of the action reports it, after the comment
fi
exit "$status"
