"""A model larger than the free memory: its weights stay in their files, and what merging changes goes to files too.

The system reads a mapped file where it is looked at and takes the memory back when it needs it. What is computed is the
same; it takes longer, for the disk is read again.
"""

from contextlib import contextmanager
from pathlib import Path

from hfft_widgets.scripts.machine.threads import own_groups

ROOM = 1.3  # times the weights that loading them takes, measured; and what the libraries take
LIBRARIES_BYTES = 700_000_000
SHARD = "1GB"  # of the merged model: saving holds one


def short_of_memory(folder):
    """Whether the weights in a folder, once loaded, would take more memory than is free."""
    needed = ROOM * sum(file.stat().st_size for file in Path(folder).glob("*.safetensors")) + LIBRARIES_BYTES
    return needed > free_memory()


def free_memory():
    """Memory that is free, in bytes, as far as the system or its container says; without end where it does not."""
    limits = [float("inf")]
    for group in own_groups("memory"):
        try:
            most, used = (int((group / f"memory.{name}").read_text("utf-8")) for name in ("max", "current"))
            kept = dict(line.split() for line in (group / "memory.stat").read_text("utf-8").splitlines())
            limits.append(most - used + int(kept["file"]))  # what is kept of files is given back when it is needed
        except (OSError, ValueError, KeyError):  # no limit here, or another version of groups
            continue
    try:
        lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text("utf-8").splitlines())
        limits.append(1024 * int(lines["MemAvailable"].split()[0]))
    except (OSError, ValueError, KeyError):  # another system
        pass
    return min(limits)


def load_mapped(cls, config, folder):
    """The model with its weights in their files; None where transformers would rename or change them on the way.

    Args:
        cls: The model's class.
        config: Its configuration.
        folder: Its folder.
    """
    with without_weights():
        model = cls(config)
    weights = {name: weight for file in sorted(Path(folder).glob("*.safetensors")) for name, weight in mapped(file)}
    if not weights:
        return None
    found = model.load_state_dict(weights, strict=False, assign=True)
    model.tie_weights()
    if found.unexpected_keys or any(weight.is_meta for weight in model.parameters()):
        return None
    if (Path(folder) / "generation_config.json").exists():
        model.generation_config = type(model.generation_config).from_pretrained(str(folder))
    model.config.dtype = next(model.parameters()).dtype
    return model.eval()


@contextmanager
def without_weights():
    """Modules that are made here have the shapes of their weights, and no memory for them; buffers are real."""
    from torch import nn

    register = nn.Module.register_parameter

    def register_empty(self, name, param):
        register(self, name, None if param is None else nn.Parameter(param.to("meta"), param.requires_grad))

    nn.Module.register_parameter = register_empty
    try:
        yield
    finally:
        nn.Module.register_parameter = register


def mapped(file):
    """Each name and weight of a safetensors file, without reading it."""
    from safetensors import safe_open

    with safe_open(file, "pt") as opened:
        for name in opened.keys():  # noqa: SIM118 - not a dict
            yield name, opened.get_tensor(name)


def merge_into_files(tuned, folder):
    """Merge one layer after the other, and put each changed weight into a file of its own.

    Args:
        tuned: The base with the adapter on it.
        folder: Where the files go; they must stay as long as the model is used.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    layers = [part for part in tuned.modules() if hasattr(part, "get_base_layer") and hasattr(part, "merge")]
    for number, layer in enumerate(layers):
        layer.merge(safe_merge=True)
        weight = getattr(layer.get_base_layer(), "weight", None)
        if weight is not None:
            file = folder / f"{number}.safetensors"
            save_file({"weight": weight.data.contiguous()}, file)
            weight.data = dict(mapped(file))["weight"]
