"""The training itself: numbers, gradients, checkpoints, settings that do not go together."""

from __future__ import annotations

from hfft_widgets.core.run.diagnosis.failure import Failure, gentler

FAILURES = (
    Failure(
        "fp16_gradients",
        "Mixed float16 precision does not fit these weights: those that are trained are float16 themselves, or no "
        "gradient reached the optimizer.",
        "Load the weights in float32 (dtype='float32'), or train in bf16 where the GPU can; with LoRA keep the "
        "adapters in float32.",
        "torch/amp/grad_scaler.py",
        raised=(
            r"ValueError: Attempting to unscale FP16 gradients",
            r"AssertionError: No inf checks were recorded for this optimizer",
        ),
    ),
    Failure(
        "precisions_mixed",
        "Two numeric precisions (dtypes) meet in one operation, e.g. float32 adapters and bfloat16 weights.",
        "Load model and adapters in one dtype, and let the trainer's bf16 or fp16 do the casting; float16 is not "
        "computed on a processor.",
        "torch/aten/src/ATen/native",
        raised=(
            r"RuntimeError: expected (mat1 and mat2|m1 and m2|[^\n]{0,60}) to have the same dtype",
            r"RuntimeError: (mat1 and mat2|m1 and m2) must have the same dtype",
            (
                r"RuntimeError: [Ee]xpected (a )?(scalar type|query, key|tensor for|self and mat2)[^\n]*(dtype"
                r"|but found|but got)"
            ),
            r"RuntimeError: Input type \([^)]*\) and (weight|bias) type",
            r"(RuntimeError|NotImplementedError): \"?[^\n]{0,40}\"? not implemented for ['\"]",
            (
                r"RuntimeError: (Index put requires the source and destination dtypes match"
                r"|self and \w+ must have the same dtype)"
            ),
            r"RuntimeError: Found dtype \w+ but expected",
        ),
    ),
    Failure(
        "nothing_trained",
        "Nothing can be trained: no weight that leads to the loss needs a gradient; all of them are frozen.",
        "Leave some weights trainable: LoRA adapters that match the model's layers (target_modules), or "
        "requires_grad_(True). With gradient checkpointing and frozen embeddings call "
        "model.enable_input_require_grads().",
        "torch/autograd; torch/optim/optimizer.py",
        raised=(
            r"RuntimeError: element 0 of tensors does not require grad",
            r"ValueError: optimizer got an empty parameter list",
            r"\w+: (No trainable parameters|None of the (inputs|parameters) have requires_grad)",
        ),
    ),
    Failure(
        "lora_target",
        "The adapters (LoRA) name layers that this model does not have.",
        "Use target_modules='all-linear', or the names of this model's own layers.",
        "peft/tuners/tuners_utils.py",
        raised=(
            r"\w+: Target modules? [^\n]*not found in the base model",
            r"ValueError: Please specify `?target_modules",
        ),
    ),
    Failure(
        "diverged",
        "The training diverged: the loss, or a probability, is not a number any more (nan or inf). Most often the "
        "learning rate is too high, or float16 overflowed.",
        "Lower the learning rate, add warm-up, or use bfloat16 or float32; look for empty rows in the data.",
        "torch/autograd/anomaly_mode.py; torch.multinomial",
        raised=(
            r"FloatingPointError\b",
            r"\w+: (The |Training )?loss (is|was|became|has become) (nan|inf|not finite)",
            r"RuntimeError: Function \S+ returned nan values",
            r"\w+: probability tensor contains either `?inf`?, `?nan`?",
            r"\w+: Loss is nan",
            r"\w+: Current loss scale already at minimum",
        ),
        change=gentler,
    ),
    Failure(
        "checkpoint_gone",
        "The checkpoint to go on from is incomplete or gone.",
        "Go on from an older checkpoint, or start anew without resume_from_checkpoint.",
        "transformers/trainer.py",
        raised=(r"ValueError: (Can't find a valid checkpoint at|No valid checkpoint found in output directory)",),
    ),
    Failure(
        "checkpoint_gone",
        "The checkpoint to go on from is incomplete or gone.",
        "Go on from an older checkpoint, or start anew without resume_from_checkpoint.",
        "transformers/trainer.py",
        raised=(r"FileNotFoundError: \[Errno 2\]",),
        quoting=r"\bcheckpoint-\d+|trainer_state\.json|optimizer\.pt|scheduler\.pt",
    ),
    Failure(
        "checkpoint_other",
        "The checkpoint was written by other versions of the libraries, or with other settings (another model, other "
        "adapters, another optimizer).",
        "Go on with the versions and settings that wrote it, or start anew; delete rng_state.pth in it if only the "
        "random state cannot be read.",
        "transformers#40500, #34631; torch/serialization.py; torch/optim/optimizer.py; torch/nn/modules/module.py",
        raised=(
            r"UnpicklingError: Weights only load failed",
            r"RuntimeError: Error\(s\) in loading state_dict for",
            (
                r"ValueError: loaded state dict (contains a parameter group that"
                r"|has a different number of parameter groups)"
            ),
            r"ValueError: Due to a serious vulnerability issue in `?torch\.load`?",
            r"RuntimeError: Invalid magic number; corrupt file",
        ),
    ),
    Failure(
        "file_cut",
        "A file of the model or of a checkpoint is incomplete: it was cut short at its download, or while it was "
        "written.",
        "Delete it (in the cache of the Hub: hf cache rm) and load it again; check that the disk was not full.",
        "safetensors/src/tensor.rs; torch/serialization.py; huggingface_hub/file_download.py",
        raised=(
            r"SafetensorError: Error while deserializing( header)?:",
            r"RuntimeError: PytorchStreamReader failed",
            r"(OSError|ValueError): (Unable to load weights from pytorch checkpoint file|Consistency check failed)",
            r"UnpicklingError: (invalid load key|pickle data was truncated)",
            r"(BadZipFile|EOFError: Ran out of input)",
            r"\w+: unexpected EOF, expected \d+ more bytes",
            r"(FileMetadataError|IncompleteSnapshotError)\b",
        ),
        unless=r"/json/|datasets/",
    ),
    Failure(
        "batch_shape",
        "The batch size, its accumulation and the number of answers do not go together.",
        "Choose a batch (batch_size x accumulation x cards) that the number of answers per prompt divides.",
        "trl/trainer/grpo_config.py",
        raised=(
            r"ValueError: (The )?[\w ]{0,30}batch[ _]size[^\n]*(must be|be evenly) divisible",
            r"ValueError: num_generations must be",
        ),
    ),
)
