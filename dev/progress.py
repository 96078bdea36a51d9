"""Shows the progress of the demo."""

from __future__ import annotations

import shutil
import sys
import time


class Progress:
    """A live line on a terminal, otherwise one line for each change."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._shown: dict[tuple[str, str], dict[str, str]] = {}
        self._live = sys.stdout.isatty()
        self._line_open = False

    def say(self, text: str) -> None:
        self.end_line()
        print(f"{self._clock()}  {text}", flush=True)

    def show(self, run: tuple[str, str], title: str, states: dict[str, str]) -> None:
        before = self._shown.get(run, {})
        changed = {name: state for name, state in states.items() if before.get(name) != state}
        self._shown[run] = states
        if not self._live:
            for name, state in changed.items():
                if state != "waiting":
                    print(f"{self._clock()}  {title}: {name} {state}", flush=True)
        elif states:
            done = sum(state == "success" for state in states.values())
            now = ", ".join(f"{name} {state}" for name, state in states.items() if state not in ("success", "waiting"))
            line = f"{self._clock()}  {title}: {done}/{len(states)} tasks done  {now}"
            print(f"\r\033[K{line[: shutil.get_terminal_size().columns - 1]}", end="", flush=True)
            self._line_open = True

    def end_line(self) -> None:
        if self._line_open:
            print("\r\033[K", end="", flush=True)
            self._line_open = False

    def _clock(self) -> str:
        return f"{time.monotonic() - self._start:6.1f} s"
