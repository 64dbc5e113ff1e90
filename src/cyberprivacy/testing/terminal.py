"""A character device with a real software TPM behind it: what `/dev/tpmrm0` is to a program."""

import os
import subprocess
import tty
from pathlib import Path


class Terminal:
    """A device file, and what stands behind it."""

    def __init__(self) -> None:
        """Open the device; nothing is behind it yet."""
        self.behind, self._ours = os.openpty()
        tty.setraw(self._ours)
        self.path = Path(os.ttyname(self._ours))
        self._engine: subprocess.Popen[bytes] | None = None

    def engine(self, state: Path) -> "Terminal":
        """Put a TPM behind it, whose state is in this folder."""
        state.mkdir(parents=True, exist_ok=True)
        command = ["swtpm", "chardev", "--tpm2", "--tpmstate", f"dir={state}", "--fd", str(self.behind)]
        command += ["--flags", "startup-clear,not-need-init"]
        self._engine = subprocess.Popen(command, pass_fds=[self.behind], stdin=subprocess.DEVNULL)
        return self

    def kill(self) -> None:
        """Take the TPM away."""
        if self._engine is not None:
            self._engine.kill()
            self._engine.wait()
            self._engine = None

    def close(self) -> None:
        """Take everything away."""
        self.kill()
        os.close(self.behind)
        os.close(self._ours)
