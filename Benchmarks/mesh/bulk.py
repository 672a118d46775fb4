#!/usr/bin/env python3
"""64 KiB from one namespace to another at a loss: Skerry's bulk transfer, and TCP for comparison.

bulk.py DRIVER LOSS OUT [skerry]   five times each; `skerry` leaves TCP out
"""
import json
import os
import subprocess
import sys

driver, loss, out = sys.argv[1], float(sys.argv[2]), sys.argv[3]
only = sys.argv[4] if len(sys.argv) > 4 else ""
sys.path.insert(0, driver)
import meshlab  # noqa: E402

SIZE = 65536
MODEL = os.path.join(os.path.abspath(driver), "models", "bulk_loss.py")


def main():
    lab = meshlab.Lab("skb", 2, net=93, loss=loss)
    lab.up()
    a, b = lab.nodes
    figures = {"loss_pct": loss, "bytes": SIZE, "skerry_s": [], "pieces": [], "tcp_s": []}
    receiver = None
    try:
        receiver = subprocess.Popen(
            ["ip", "netns", "exec", b.ns, "mesh-node", "bulk-receive", "--bind", b.ip + ":5000"],
            stdout=subprocess.PIPE, text=True)
        receiver.stdout.readline()
        for turn in range(5):
            done = lab.run_in(a, ["mesh-node", "bulk-send", "--bind", "%s:%d" % (a.ip, 5100 + turn),
                                  "--to", b.ip + ":5000", "--bytes", str(SIZE)], timeout=190)
            figure = json.loads(done.stdout) if done and done.returncode == 0 else {}
            figures["skerry_s"].append(figure.get("ms") and figure["ms"] / 1000)
            figures["pieces"].append(figure.get("pieces"))
        for turn in range(0 if only == "skerry" else 3):
            port = str(5200 + turn)
            peer = subprocess.Popen(
                ["ip", "netns", "exec", b.ns, sys.executable, MODEL, "tcp_recv", b.ip, port],
                stdout=subprocess.PIPE, text=True)
            peer.stdout.readline()
            done = lab.run_in(a, [sys.executable, MODEL, "tcp_send", b.ip, port, str(SIZE), "60"],
                              timeout=70)
            peer.kill()
            peer.wait()
            said = json.loads(done.stdout) if done and done.stdout else {"error": "no answer"}
            figures["tcp_s"].append(None if "error" in said else said["total_s"])
    finally:
        if receiver:
            receiver.kill()
            receiver.wait()
        lab.down()
    with open(out, "w") as file:
        json.dump(figures, file, indent=1)
    print("bulk %g%%: %s" % (loss, figures))


main()
