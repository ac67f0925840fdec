"""Record what profilers print about models of torchvision and timm, which archcalc's counters must reproduce.

Every model is built from its default configuration with zeros for weights, in evaluation mode, and gets one image of
its own size. Each tool runs on a copy of the process, because most of them patch PyTorch while they count. The tools
are called as their documentation shows. For attention, PyTorch takes other paths without gradients than with them.
Tools that leave this to their caller are recorded both ways where FlopCounterMode sees a difference: the setting is
``gradients`` or ``no gradients``. FlopCounterMode is also recorded on the ``meta`` device, which has no memory.

Tools that are not installed are left out, so that an environment of its own can record each version of one. DeepSpeed
is not installed either: its profiler is a single file, which is loaded from the path given by ``--deepspeed``. Rows are
added to the table; what it has already is not run again.

    python -m pip install torch torchvision timm thop ptflops fvcore torchinfo calflops torchsummary
    python -m benchmarks.record_counters TABLE.csv [CORPUS …] [--only NAME …] [--deepspeed profiler.py]
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import io
import multiprocessing
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext, redirect_stdout
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from benchmarks.corpora import CORPORA
from tests.oracle.torchvision_import import import_torchvision

COLUMNS = ("corpus", "network", "size", "tool", "version", "setting", "quantity", "value")

GRADIENTS, NO_GRADIENTS, META = "gradients", "no gradients", "meta"

Figures = dict[str, int | float]


def pytorch_parameters(model: Any, image: Any) -> Figures:
    return {
        "params": sum(each.numel() for each in model.parameters()),
        "buffers": sum(each.numel() for each in model.buffers()),
    }


def flop_counter_mode(model: Any, image: Any) -> Figures:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        output = model(image)
        flops = counter.get_total_flops()
        if not output.requires_grad:
            return {"flops": flops}
        output.sum().backward()
        both = counter.get_total_flops()
        return {"flops": flops, "training_flops": both, "backward_flops": both - flops}


def thop(model: Any, image: Any) -> Figures:
    from thop import profile

    macs, params = profile(model, inputs=(image,), verbose=False)
    return {"macs": macs, "params": params}


def ptflops(model: Any, image: Any) -> Figures:
    from ptflops import get_model_complexity_info

    macs, params = get_model_complexity_info(
        model, tuple(image.shape[1:]), as_strings=False, print_per_layer_stat=False, verbose=False
    )
    return {"macs": macs, "params": params}


def ptflops_aten(model: Any, image: Any) -> Figures:
    from ptflops import get_model_complexity_info

    macs, params = get_model_complexity_info(
        model, tuple(image.shape[1:]), as_strings=False, print_per_layer_stat=False, verbose=False, backend="aten"
    )
    return {"macs": macs, "params": params}


def fvcore(model: Any, image: Any) -> Figures:
    from fvcore.nn import FlopCountAnalysis, parameter_count

    counted = FlopCountAnalysis(model, image).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    return {"macs": counted.total(), "params": parameter_count(model)[""]}


def torchinfo(model: Any, image: Any) -> Figures:
    from torchinfo import summary

    found = summary(model, input_data=image, verbose=0)
    return {
        "macs": found.total_mult_adds,
        "params": found.total_params,
        "trainable_params": found.trainable_params,
        "input_bytes": found.total_input,
        "forward_backward_bytes": found.total_output_bytes,
        "params_bytes": found.total_param_bytes,
    }


def torchsummary(model: Any, image: Any) -> Figures:
    from torchsummary import summary

    printed = io.StringIO()
    with redirect_stdout(printed):
        summary(model, tuple(image.shape[1:]), batch_size=1, device="cpu")
    lines = {
        "params": r"Total params: ([\d,]+)",
        "trainable_params": r"Trainable params: ([\d,]+)",
        "input_mib": r"Input size \(MB\): ([\d.]+)",
        "forward_backward_mib": r"Forward/backward pass size \(MB\): ([\d.]+)",
        "params_mib": r"Params size \(MB\): ([\d.]+)",
        "total_mib": r"Estimated Total Size \(MB\): ([\d.]+)",
    }
    text = printed.getvalue()
    return {name: float(re.search(line, text)[1].replace(",", "")) for name, line in lines.items()}  # type: ignore[index]


def calflops(model: Any, image: Any) -> Figures:
    from calflops import calculate_flops

    flops, macs, params = calculate_flops(
        model, input_shape=tuple(image.shape), output_as_string=False, print_results=False
    )
    return {"flops": flops, "macs": macs, "params": params}


def deepspeed(model: Any, image: Any) -> Figures:
    load_deepspeed()
    from deepspeed.profiling.flops_profiler.profiler import get_model_profile

    flops, macs, params = get_model_profile(
        model, input_shape=tuple(image.shape), print_profile=False, warm_up=0, as_string=False
    )
    return {"flops": flops, "macs": macs, "params": params}


class Tool(NamedTuple):
    """A tool and the settings that it is recorded with."""

    package: str
    run: Callable[[Any, Any], Figures]
    settings: tuple[str, ...]


BOTH = (GRADIENTS, NO_GRADIENTS)

TOOLS = {
    "pytorch": Tool("torch", pytorch_parameters, (NO_GRADIENTS,)),
    "flop-counter-mode": Tool("torch", flop_counter_mode, (NO_GRADIENTS, GRADIENTS, META)),
    "thop": Tool("thop", thop, (NO_GRADIENTS,)),
    "ptflops": Tool("ptflops", ptflops, BOTH),
    "ptflops-aten": Tool("ptflops", ptflops_aten, BOTH),
    "fvcore": Tool("fvcore", fvcore, BOTH),
    "torchinfo": Tool("torchinfo", torchinfo, (NO_GRADIENTS,)),
    "torchsummary": Tool("torchsummary", torchsummary, (GRADIENTS,)),
    "calflops": Tool("calflops", calflops, BOTH),
    "deepspeed": Tool("deepspeed", deepspeed, BOTH),
}
"""The tools. thop and torchinfo turn gradients off themselves."""


DEEPSPEED: list[Path] = []
"""The file of DeepSpeed's profiler, if it is given."""


def load_deepspeed() -> None:
    """Load DeepSpeed's profiler alone, with stand-ins for the parts of DeepSpeed that it imports.

    They are made where the profiler runs only: calflops looks whether DeepSpeed is installed.
    """

    class Nothing:
        """A class that no module of a model is an instance of, and a logger that is silent."""

        info = warning = error = staticmethod(lambda *_: None)

    names = {
        "deepspeed.accelerator": {"get_accelerator": lambda: None},
        "deepspeed.utils": {"logger": Nothing},
        "deepspeed.moe.layer": {"MoE": Nothing},
        "deepspeed.utils.timer": dict.fromkeys(
            ("FORWARD_GLOBAL_TIMER", "BACKWARD_GLOBAL_TIMER", "STEP_GLOBAL_TIMER"), ""
        ),
        "deepspeed.utils.torch": {"required_torch_version": lambda **_: True},
    }
    if importlib.util.find_spec("einops") is None:
        names["einops"] = {"einsum": lambda *_: None}
    for name, values in names.items():
        sys.modules[name] = ModuleType(name)
        vars(sys.modules[name]).update(values)
    name = "deepspeed.profiling.flops_profiler.profiler"
    spec = importlib.util.spec_from_file_location(name, DEEPSPEED[0])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    for parent in ("deepspeed", "deepspeed.profiling", "deepspeed.profiling.flops_profiler", "deepspeed.moe"):
        sys.modules[parent] = ModuleType(parent)
        vars(sys.modules[parent])["__path__"] = []
    sys.modules[name] = module
    spec.loader.exec_module(module)
    # It synchronizes with an accelerator to time the forward pass, which is not needed to count.
    vars(module)["get_accelerator"] = lambda: type("", (), {"synchronize": staticmethod(lambda: None)})


def versions() -> dict[str, str]:
    """Return the versions of the installed tools, which are imported once, before the process is copied."""
    found = {}
    for name, tool in TOOLS.items():
        try:
            import_module(tool.package)
            found[name] = re.sub(r"[-+].*|\.post.*", "", version(tool.package))
        except ImportError:
            continue
    for path in DEEPSPEED:
        (found["deepspeed"],) = re.findall(r"deepspeed-([\d.]+\d)", str(path.resolve())) or ("",)
    if found.get("ptflops", "").startswith("0.6"):
        del found["ptflops-aten"]
    return found


def run(tool: Tool, setting: str, model: Any, image: Any) -> Figures | str:
    """Return what a tool says about a model, or why it fails, from a copy of this process."""
    ours, theirs = multiprocessing.Pipe(duplex=False)

    def count() -> None:
        import torch

        try:
            given = (model.to("meta"), image.to("meta")) if setting == META else (model, image)
            with torch.no_grad() if setting == NO_GRADIENTS else nullcontext():
                theirs.send(tool.run(*given))
        except Exception as error:  # whatever a tool raises
            theirs.send(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")

    process = multiprocessing.get_context("fork").Process(target=count)
    process.start()
    found: Figures | str = "ended without a result"
    if ours.poll(600):
        found = ours.recv()
    process.kill()
    process.join()
    return found


def build(corpus: str, name: str) -> tuple[Any, Any]:
    """Return a model in evaluation mode with zeros for weights, and its image."""
    import torch

    example = CORPORA[corpus].example(name)
    with torch.no_grad():
        for weight in example.model.parameters():
            weight.zero_()
    (image,) = example.arguments
    return example.model.eval(), image


def recorded(table: Path) -> Iterator[tuple[str, ...]]:
    """Return which tools of which version and setting have run on which network."""
    if table.exists():
        with table.open(newline="") as lines:
            for row in csv.DictReader(lines):
                yield tuple(row[key] for key in ("corpus", "network", "tool", "version", "setting"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="the CSV file that gets the rows")
    parser.add_argument("corpora", nargs="*", metavar="CORPUS", default=["torchvision"], help="torchvision, timm")
    parser.add_argument("--kept", type=Path, default=Path("build/corpora"), help="where the names of timm are kept")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="only these models")
    parser.add_argument("--tools", nargs="*", metavar="TOOL", default=list(TOOLS), help=", ".join(TOOLS))
    parser.add_argument("--deepspeed", type=Path, metavar="FILE", help="DeepSpeed's profiler.py")
    given = parser.parse_args()

    import torch

    from benchmarks.corpora import skip_initialisation

    torch.set_num_threads(1)  # threads do not survive the copy of a process
    import_torchvision()
    skip_initialisation()
    DEEPSPEED.extend([given.deepspeed] if given.deepspeed else [])
    installed = versions()
    done = set(recorded(given.table))
    is_new = not given.table.exists()
    with given.table.open("a", newline="") as lines:
        writer = csv.writer(lines)
        if is_new:
            writer.writerow(COLUMNS)
        for corpus in given.corpora:
            for name in given.only or CORPORA[corpus].names(given.kept / corpus):
                jobs = [
                    (tool, setting)
                    for tool, found in installed.items()
                    if tool in given.tools
                    for setting in TOOLS[tool].settings
                    if (corpus, name, tool, found, setting) not in done
                ]
                if not jobs:
                    continue
                begin = time.perf_counter()
                model, image = build(corpus, name)
                size = "x".join(str(each) for each in image.shape[1:])
                paths: set[str] = set()
                for tool, setting in jobs:
                    if setting == NO_GRADIENTS and setting != TOOLS[tool].settings[0] and len(paths) == 1:
                        continue
                    found = run(TOOLS[tool], setting, model, image)
                    if tool == "flop-counter-mode" and setting in BOTH:
                        paths.add(str(found["flops"] if isinstance(found, dict) else found))
                    figures = found.items() if isinstance(found, dict) else [("failure", found)]
                    for quantity, value in figures:
                        text = f"{int(value)}" if not isinstance(value, str) and value == int(value) else value
                        writer.writerow((corpus, name, size, tool, installed[tool], setting, quantity, text))
                lines.flush()
                print(f"{corpus} {name}: {len(jobs)} runs, {time.perf_counter() - begin:.0f} s", flush=True)


if __name__ == "__main__":
    main()
