"""Live flavors and prices of Hugging Face Jobs."""

from __future__ import annotations

import dataclasses
import re
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hfft_widgets.core.plan.hardware import FLAVORS, PRICES_DATE, PRICES_SOURCE, Flavor, cpu_flavor, local_gpu
from hfft_widgets.errors import HubError
from hfft_widgets.hub import session
from hfft_widgets.hub.token import find_token

_PER_HOUR = {"second": 3600.0, "minute": 60.0, "hour": 1.0}
_FRESH_SECONDS = 600.0
_lock = threading.Lock()
_kept: tuple[str, float, Hardware] | None = None


@dataclass(frozen=True)
class Hardware:
    """The flavors that can be had, with their prices.

    Attributes:
        flavors: One per machine, the cheapest first.
        source: Where the prices are from.
        date: The day of the prices, ISO.
        live: Whether they were asked from the Hub just now.
    """

    flavors: tuple[Flavor, ...]
    source: str
    date: str
    live: bool

    def flavor(self, name: str) -> Flavor | None:
        """The flavor of that name, or None."""
        return next((flavor for flavor in self.flavors if flavor.name == name), None)


TABLE = Hardware(FLAVORS, PRICES_SOURCE, PRICES_DATE, live=False)


def hardware() -> Hardware:
    """What Hugging Face Jobs offers now; the dated table where the Hub cannot be asked. Asked at most every 10 min."""
    global _kept  # noqa: PLW0603
    where = session.endpoint()
    with _lock:
        if _kept and _kept[0] == where and time.monotonic() - _kept[1] < _FRESH_SECONDS:
            return _kept[2]
        if session.offline():
            return TABLE
        try:
            with session.client(find_token(), "read the prices") as api:
                listed = api.list_jobs_hardware()
            found = tuple(flavor for item in listed if (flavor := _flavor(item)) is not None)
        except (HubError, KeyError, TypeError, ValueError):
            return TABLE  # not kept: the next call asks again
        if not found:
            return TABLE
        ordered = tuple(sorted(found, key=lambda flavor: (flavor.usd_per_hour, flavor.name)))
        live = Hardware(ordered, f"{where}/api/jobs/hardware", f"{datetime.now(UTC):%Y-%m-%d}", live=True)
        _kept = (where, time.monotonic(), live)
        return live


def _flavor(item: Any) -> Flavor | None:
    """One machine; None if its price is not per second, minute or hour, or it has something else than GPUs."""
    per_hour = _PER_HOUR.get(str(item.unit_label).rstrip("s"))
    if per_hour is None:
        return None
    name, usd = str(item.name), round(float(item.unit_cost_usd) * per_hour, 4)
    known = next((flavor for flavor in FLAVORS if flavor.name == name), None)
    if known is not None:
        return dataclasses.replace(known, usd_per_hour=_near(usd, known.usd_per_hour))
    if item.accelerator is None:
        return cpu_flavor(name, _figure(item.cpu), _figure(item.ram), usd)
    if str(item.accelerator.type) != "gpu":
        return None
    gpu, gpus = str(item.accelerator.model), int(item.accelerator.quantity)
    like = next((flavor for flavor in FLAVORS if flavor.gpu == gpu), None)
    like = like or local_gpu(gpu, int(_figure(item.accelerator.vram) * 0.92 * 2**30))
    return dataclasses.replace(like, name=name, gpu=gpu, gpus=gpus, usd_per_hour=usd)


def _near(usd: float, known: float) -> float:
    """The table's price where the live one is the same but for the rounding to micro-dollars a minute."""
    return known if abs(usd - known) < 1e-4 else usd


def _figure(text: object) -> float:
    found = re.search(r"\d+(?:\.\d+)?", str(text))
    if found is None:
        raise ValueError(f"no figure in {text!r}")
    return float(found[0])
