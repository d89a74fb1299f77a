# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""expect_error.py CODE TEXT PROGRAM ARGUMENT...

Runs a tool that must fail with exit code CODE, nothing on stdout and one line on stderr that contains TEXT.
"""

import subprocess
import sys

code, text, *command = sys.argv[1:]
result = subprocess.run(command, capture_output=True, text=True)
errors = [line for line in result.stderr.splitlines() if "(first use)" not in line]
if result.returncode != int(code) or result.stdout or len(errors) != 1 or text not in errors[0]:
    sys.exit(
        f"expected exit code {code} and one line with: {text}\n"
        f"got {result.returncode}, stdout: {result.stdout!r}, stderr:\n{result.stderr}"
    )
