#!/usr/bin/env python3
"""table.py DIRECTORY LOSS...: what bin/bench-mesh measured, beside the goals."""
import json
import os
import statistics
import sys

GOALS = {
    "kill to all (s)": {0: "4", 45: "median 6, max 8", 70: "20"},
    "false failures": {0: "0", 45: "0", 70: "0"},
    "traffic (B/s a node)": {0: "370", 45: "1000"},
    "event delivery (%)": {45: "100"},
    "event p50 / p99 / max (s)": {45: "0.4 / 2.5 / 6"},
    "cold start / last join (s)": {45: "5 / 3"},
    "heal to all pairs (s)": {0: "4", 45: "10"},
    "event of the other half (s)": {45: "100 % in 10"},
    "CPU (%) / RSS (MiB)": {0: "0.5 / +8", 45: "0.5 / +8"},
    "64 KiB to a peer (s)": {45: "0.5"},
}


def load(directory, name):
    path = os.path.join(directory, name)
    if not os.path.exists(path):
        return None
    with open(path) as file:
        return json.load(file)


def show(value):
    return "-" if value is None else str(value)


def rows(run):
    """The figures of one run, in words; a part that did not run is missing."""
    found = {}
    if run is None:
        return found
    kills = [kill["all_s"] for kill in run.get("kills", [])]
    if kills:
        known = [k for k in kills if k is not None]
        found["kill to all (s)"] = " ".join(map(show, kills)) + (
            " (median %.1f)" % statistics.median(known) if known else "")
    if "steady" in run:
        steady = run["steady"]
        found["false failures"] = "%d in %.0f s" % (steady["false_failed_events"], steady["seconds"])
        found["traffic (B/s a node)"] = "%.0f" % steady["tx_Bps_per_node_mean"]
        found["CPU (%) / RSS (MiB)"] = "%.2f / %.1f" % (
            steady["cpu_pct_per_node"], steady["rss_MiB_mean"])
    if "events" in run:
        events = run["events"]
        found["event delivery (%)"] = "%.2f" % (100 * events["delivery_ratio"])
        found["event p50 / p99 / max (s)"] = " / ".join(
            show(events["latency_%s_s" % part]) for part in ("p50", "p99", "max"))
    if "cold_start" in run and "last_join" in run:
        found["cold start / last join (s)"] = "%s / %s" % (
            show(run["cold_start"]["full_s"]), show(run["last_join"]["all_see_all_s"]))
    if "partition" in run:
        cut = run["partition"]
        found["heal to all pairs (s)"] = show(cut["heal_full_s"])
        found["event of the other half (s)"] = "%.0f %% in %s" % (
            100 * cut["event_across_after_heal_ratio"], show(cut["event_across_after_heal_max_s"]))
    return found


def main():
    directory, losses = sys.argv[1], [float(word) for word in sys.argv[2:]]
    for loss in losses:
        skerry = rows(load(directory, "skerry-%g.json" % loss))
        serf = rows(load(directory, "serf-%g.json" % loss))
        bulk = load(directory, "bulk-%g.json" % loss)
        if bulk:
            skerry["64 KiB to a peer (s)"] = " ".join(map(show, bulk["skerry_s"]))
            serf["64 KiB to a peer (s)"] = "TCP: " + " ".join(map(show, bulk["tcp_s"]))
        print("\n%g %% loss" % loss)
        print("| what | serf | Skerry | goal |\n|---|---|---|---|")
        for name, goals in GOALS.items():
            print("| %s | %s | %s | %s |" % (
                name, serf.get(name, "-"), skerry.get(name, "-"), goals.get(int(loss), "-")))


main()
