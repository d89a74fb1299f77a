# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""interrupt.py MOE_COMPILE MODEL OUT: ends a compilation by signals while it writes weights; nothing may be left."""

import glob
import pathlib
import signal
import subprocess
import sys
import time

compiler, model, out = sys.argv[1:]
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGSEGV):
    process = subprocess.Popen([compiler, model, "-o", out], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not glob.glob(f"{out}.tmp-*/weights.bin"):
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit("never wrote weights")
        time.sleep(0.002)
    process.send_signal(number)
    if process.wait() >= 0:
        sys.exit(f"{number!r}: exit status {process.returncode}")
    left = [path.name for path in pathlib.Path(out).parent.iterdir() if path.name != pathlib.Path(model).name]
    if left:
        sys.exit(f"{number!r}: left {left}")
