"""A process that is asked to end does so, whichever of its threads the kernel gives the signal to."""

import subprocess
import sys
from textwrap import dedent

import pytest

PROGRAM = dedent("""\
    import signal
    import sys
    import threading
    from concurrent.futures import ThreadPoolExecutor
    from cyberprivacy.cli.serving import told_to_end

    signal.signal(signal.SIGUSR1, lambda *_: None)
    told, number, patience = told_to_end(), int(sys.argv[1]), float(sys.argv[2])

    def ask():
        signal.pthread_kill(threading.get_ident(), number)
        return told.wait(patience)

    with ThreadPoolExecutor(1) as threads:  # and this main thread only waits for that one
        print("told" if threads.submit(ask).result() else "not told")
""")


@pytest.mark.parametrize(
    ("number", "patience", "answer"), [(15, 20, "told"), (2, 20, "told"), (10, 0.5, "not told")]
)
def test_a_signal_to_any_thread_ends_it_and_no_other_signal_does(
    number: int, patience: float, answer: str
) -> None:
    words = [sys.executable, "-c", PROGRAM, str(number), str(patience)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, answer), done.stderr
