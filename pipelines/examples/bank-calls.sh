#!/usr/bin/env bash
# Loads a week of real calls and compares the interval tables, cell by cell, with what bank-calls.check.py computes straight from the
# file: as it is, loaded again, with its rows shuffled, and with its rows doubled.
#
#   pipelines/examples/bank-calls.sh CALLS.tsv
set -euo pipefail
calls=$(realpath "${1:?usage: bank-calls.sh CALLS.tsv}")
cd "$(dirname "$0")"
quarterhour=${QUARTERHOUR:-../../bin/quarterhour}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

for table in queue_intervals agent_queue_intervals; do
  ./bank-calls.check.py "$calls" "$table" >"$dir/$table.expected"
done
queue_columns="interval_start, queue_id, offered, answered, abandoned, short_abandoned, answered_in_sl, abandoned_in_sl, transferred_out, overflowed,
  wait_ms, abandon_wait_ms, max_wait_ms, talk_ms, hold_ms, wrap_ms, contact_ms, handle_ms, backlog"
agent_columns="interval_start, agent_id, queue_id, answered, contact_ms, talk_ms, hold_ms, wrap_ms, handle_ms, direct_out"

check() { # what, file, data folder
  BANK_CALLS=$2 "$quarterhour" run --drain --data "$3" bank-calls.yaml
  "$quarterhour" query --data "$3" --format TSV "SELECT $queue_columns FROM queue_intervals ORDER BY interval_start, queue_id" >"$dir/queue_intervals.got"
  "$quarterhour" query --data "$3" --format TSV "SELECT $agent_columns FROM agent_queue_intervals ORDER BY interval_start, agent_id, queue_id" >"$dir/agent_queue_intervals.got"
  for table in queue_intervals agent_queue_intervals; do
    diff -u "$dir/$table.expected" "$dir/$table.got" >"$dir/diff" || { echo "$1: $table differs:"; head -40 "$dir/diff"; exit 1; }
    echo "$1: $table: $(wc -l <"$dir/$table.got") rows equal, cell by cell"
  done
}

shuffled() { head -1 "$calls"; { tail -n +2 "$calls"; echo; } | sed '/^$/d' | shuf; }
shuffled >"$dir/shuffled.tsv"
{ shuffled; shuffled | tail -n +2; } >"$dir/doubled.tsv"

check "as it is" "$calls" "$dir/one"
check "loaded again" "$calls" "$dir/one"
check "shuffled, over what is there" "$dir/shuffled.tsv" "$dir/one"
check "shuffled and doubled, anew" "$dir/doubled.tsv" "$dir/two"
