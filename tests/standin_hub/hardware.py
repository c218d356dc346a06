"""The flavors of Jobs and their prices (Hub documentation, docs/hub/jobs-pricing.md, 2026)."""

from __future__ import annotations

from typing import Any

_CPU = (
    # name, virtual CPUs, GB of memory, GB of disk, US dollars per hour
    ("cpu-basic", 2, 16, 50, 0.01),
    ("cpu-upgrade", 8, 32, 50, 0.03),
    ("cpu-xl", 16, 124, 1000, 1.0),
    ("cpu-performance", 32, 256, 1024, 1.9),
)
_GPU = (
    # name, GPU, number, GB of memory per GPU, virtual CPUs, GB of memory, GB of disk, US dollars per hour
    ("t4-small", "T4", 1, 16, 4, 15, 50, 0.4),
    ("t4-medium", "T4", 1, 16, 8, 30, 100, 0.6),
    ("l4x1", "L4", 1, 24, 8, 30, 400, 0.8),
    ("l4x4", "L4", 4, 24, 48, 186, 3200, 3.8),
    ("a10g-small", "A10G", 1, 24, 4, 15, 110, 1.0),
    ("a10g-large", "A10G", 1, 24, 12, 46, 200, 1.5),
    ("a10g-largex2", "A10G", 2, 24, 24, 92, 1000, 3.0),
    ("a10g-largex4", "A10G", 4, 24, 48, 184, 2000, 5.0),
    ("l40sx1", "L40S", 1, 48, 8, 62, 380, 1.8),
    ("l40sx4", "L40S", 4, 48, 48, 382, 3200, 8.3),
    ("a100-large", "A100", 1, 80, 12, 142, 1000, 2.5),
    ("a100x4", "A100", 4, 80, 48, 568, 4000, 10.0),
    ("a100x8", "A100", 8, 80, 96, 1136, 8000, 20.0),
    ("h200", "H200", 1, 141, 23, 256, 3000, 5.0),
    ("h200x2", "H200", 2, 141, 46, 512, 6000, 10.0),
    ("h200x8", "H200", 8, 141, 184, 2048, 24000, 40.0),
)


def _machine(name: str, pretty: str, cpus: int, memory: int, disk: int, dollars: float) -> dict[str, Any]:
    micro = round(dollars / 60 * 1e6)
    return {
        "name": name,
        "prettyName": pretty,
        "cpu": f"{cpus} vCPU",
        "ram": f"{memory} GB",
        "ephemeralStorage": f"{disk} GB",
        "accelerator": None,
        "unitCostMicroUSD": micro,
        "unitCostUSD": micro / 1e6,
        "unitLabel": "minute",
    }


def flavors() -> list[dict[str, Any]]:
    """GET /api/jobs/hardware: every value of an accelerator is text."""
    listed = [
        _machine(name, name.replace("-", " ").upper(), cpus, ram, disk, usd) for name, cpus, ram, disk, usd in _CPU
    ]
    for name, gpu, number, vram, cpus, memory, disk, dollars in _GPU:
        machine = _machine(name, f"{number}x Nvidia {gpu}", cpus, memory, disk, dollars)
        facts = {"type": "gpu", "model": gpu, "quantity": str(number), "vram": f"{vram} GB", "manufacturer": "Nvidia"}
        listed.append({**machine, "accelerator": facts})
    return listed
