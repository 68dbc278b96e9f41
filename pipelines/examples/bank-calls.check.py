#!/usr/bin/env python3
"""What the interval tables of bank-calls.yaml must say, straight from the file, sharing nothing with Quarterhour.

    bank-calls.check.py CALLS.tsv queue_intervals | agent_queue_intervals

prints the table as tab-separated values, ordered by its key, as these queries do:
"""
import csv
import datetime
import sys
import zoneinfo
from collections import defaultdict

QUERY = {
    "queue_intervals": "interval_start queue_id offered answered abandoned short_abandoned answered_in_sl abandoned_in_sl "
    "transferred_out overflowed wait_ms abandon_wait_ms max_wait_ms talk_ms hold_ms wrap_ms contact_ms handle_ms backlog",
    "agent_queue_intervals": "interval_start agent_id queue_id answered contact_ms talk_ms hold_ms wrap_ms handle_ms direct_out",
}
KEYS = {"queue_intervals": 2, "agent_queue_intervals": 3}
ZONE = zoneinfo.ZoneInfo("Asia/Jerusalem")
SIZE, SERVICE_LEVEL, SHORT = 900, 20, 5


def instant(day, clock, after=None):
    """Seconds since 1970 of a clock time; past midnight where it would lie more than half a day before what it follows."""
    if clock == "0:00:00":
        return None
    hours, minutes, seconds = map(int, clock.split(":"))
    start = datetime.datetime.strptime("19" + day, "%Y%m%d").replace(tzinfo=ZONE)
    at = int(start.timestamp()) + hours * 3600 + minutes * 60 + seconds
    return at + 86400 if after is not None and at < after - 43200 else at


def calls(path):
    """One (queue, agent, offered, answered, ended) per call that waited or was served."""
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            waited = row["q_start"] != "0:00:00"
            served = row["outcome"] == "AGENT" and row["ser_start"] != "0:00:00"
            if row["outcome"] == "PHANTOM" or not (waited or served):
                continue
            queued = instant(row["date"], row["q_start"])
            left = instant(row["date"], row["q_exit"], queued)
            start = instant(row["date"], row["ser_start"], queued)
            offered = queued if waited else start
            answered = max(start, offered) if served else None  # a clock a few seconds behind is moved forward
            ended = max(instant(row["date"], row["ser_exit"], start), answered) if served else max(left, offered)
            yield row["type"], "" if row["server"] == "NO_SERVER" else row["server"], offered, answered, ended


def main(path, table):
    queues, agents = defaultdict(lambda: defaultdict(int)), defaultdict(lambda: defaultdict(int))
    for queue, agent, offered, answered, ended in calls(path):
        left = ended if answered is None else answered
        at = lambda t: queues[t // SIZE * SIZE, queue]
        by = lambda t: agents[t // SIZE * SIZE, agent, queue] if agent and answered is not None else defaultdict(int)
        at(offered)["offered"] += 1
        wait, row = left - offered, at(left)
        row["max_wait_ms"] = max(row["max_wait_ms"], wait * 1000)
        outcome = "abandoned" if answered is None else "answered"
        row[outcome] += 1
        row[outcome + "_in_sl"] += wait <= SERVICE_LEVEL
        row["abandon_wait_ms" if answered is None else "wait_ms"] += wait * 1000
        row["short_abandoned"] += answered is None and wait < SHORT
        for end in range(offered // SIZE * SIZE + SIZE, left + 1, SIZE):
            at(end - 1)["backlog"] += 1
        if answered is not None:
            by(answered)["answered"] += 1
            for start in range(answered // SIZE * SIZE, ended, SIZE):
                part = (min(ended, start + SIZE) - max(answered, start)) * 1000
                for measure in ("talk_ms", "contact_ms", "handle_ms"):
                    at(start)[measure] += part
                    by(start)[measure] += part
    rows, columns = (queues, 2) if table == "queue_intervals" else (agents, 3)
    for key in sorted(rows):
        values = [rows[key][name] for name in QUERY[table].split()[columns:]]
        if any(values):
            when = datetime.datetime.fromtimestamp(key[0], datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
            print(when, *key[1:], *values, sep="\t")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[2] not in QUERY:
        sys.exit(__doc__ + "".join(f"\n    SELECT {', '.join(c.split())} FROM {t} ORDER BY {', '.join(c.split()[:KEYS[t]])}" for t, c in QUERY.items()))
    main(*sys.argv[1:])
