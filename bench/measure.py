"""Run a command and write what the operating system counted for it.

Usage: python3 measure.py RESULT.json SECONDS COMMAND [ARGUMENT …]

Killed after SECONDS. RESULT.json: seconds (wall), cpuSeconds, peakBytes, exitCode (null: it was killed). A process inherits the peak memory of
who started it, which is why this small one stands between: 14 MB is the least that it can see.
"""

import json
import os
import subprocess
import sys
import threading
import time


def main(result: str, limit: str, *command: str) -> None:
    unit = 1 if sys.platform == "darwin" else 1024  # bytes of ru_maxrss
    killed = threading.Event()
    start = time.monotonic()
    child = subprocess.Popen(command)

    def stop() -> None:
        killed.set()
        child.kill()

    timer = threading.Timer(float(limit), stop)
    timer.daemon = True
    timer.start()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - start
    timer.cancel()
    with open(result, "w", encoding="utf-8") as file:
        figures = {
            "seconds": seconds,
            "cpuSeconds": usage.ru_utime + usage.ru_stime,
            "peakBytes": usage.ru_maxrss * unit,
            "exitCode": None if killed.is_set() else os.waitstatus_to_exitcode(status),
        }
        json.dump(figures, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
