#!/usr/bin/env python3
"""Draws the samples of a soak: docs/soak/plot.py REPORT.json docs/soak.png

Needs matplotlib (which brings Pillow), from wherever Python's packages come.
"""
import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from PIL import Image

report = json.load(open(sys.argv[1]))
samples = report["samples"]
minutes = [sample["at"] / 60 for sample in samples]
blue, orange, green, red, grey = "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#999999"
figure, rows = plt.subplots(5, 1, figsize=(10, 13), sharex=True, constrained_layout=True)


def series(row, label, value, **style):
    row.plot(minutes, [value(sample) for sample in samples], label=label, linewidth=1, **style)


def of(name, key, unit=1):
    return lambda sample: sample[name][key] / unit if sample.get(name) else None


def time(call, percentile):
    return lambda sample: sample["times"].get(call, {}).get(percentile)


memory, descriptors, depth, times, failures = rows
series(memory, "scheduler 1", of("first", "resident_bytes", 2**20), color=blue)
series(memory, "scheduler 2, killed now and then", of("second", "resident_bytes", 2**20), color=orange)
series(memory, "Redis", lambda sample: (sample.get("redis_bytes") or 0) / 2**20, color=grey)
memory.set_ylabel("memory, MiB")
series(descriptors, "scheduler 1", of("first", "descriptors"), color=blue)
series(descriptors, "scheduler 2", of("second", "descriptors"), color=orange)
descriptors.set_ylabel("descriptors")
series(depth, "tasks submitted and not ended", lambda sample: sample["open_tasks"], color=green)
depth.set_ylabel("tasks")
for call, color in [("enqueue", blue), ("finish", green), ("get", orange), ("REST enqueue", red)]:
    series(times, f"{call}, p50", time(call, "p50"), color=color)
    series(times, f"{call}, p99", time(call, "p99"), color=color, linestyle=":")
times.set_yscale("log")
times.set_ylabel("ms")
series(failures, "calls", lambda sample: sample["calls"], color=blue)
series(failures, "failed", lambda sample: sum(sample["failures"].values()), color=red)
failures.set_yscale("symlog")
failures.set_ylabel("in two seconds")
failures.set_xlabel("minutes")
marks = {"scheduler killed": red, "connections dropped": orange, "scripts forgotten": green, "Redis stopped": grey}
for row in rows:
    row.set_ylim(bottom=None if row is times else 0)
    row.grid(alpha=0.3)
for fault, color in marks.items():
    at = [sample["at"] / 60 for sample in samples if fault in sample["faults"]]
    failures.plot(at, [0] * len(at), "|", color=color, markersize=12, label=fault)
for row in rows:
    row.legend(loc="upper left", fontsize=7, ncol=3)
figure.suptitle("Two schedulers, %d idle and %d active clients" % (report["plan"]["idle"], report["plan"]["active"]))
figure.savefig(sys.argv[2], dpi=75)
# A few colours are enough, and a third of the bytes.
Image.open(sys.argv[2]).convert("RGB").quantize(24).save(sys.argv[2], optimize=True)
