"""Logs that the diagnosis was not made with: written first, from the libraries' own words, then looked at once.

    python -m tests.bench.fresh_logs        the confusion matrix

At the first look 80 of 83 were right, one was unknown (httpx's words for a 503, mended since; five more logs in those
words were written with that) and two had a label of ours that the classes' own words contradict.
"""

# ruff: noqa: E501 - what a library prints is as long as it is

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from hfft_widgets.core.run.diagnosis import diagnose_log

Frame = tuple[str, int, str, str]
LOGS: list[dict[str, Any]] = []
_TOP = 'Traceback (most recent call last):\n  File "/app/train.py", line 88, in <module>\n    main()\n  File "/app/train.py", line 71, in main\n    {call}\n'
T: Frame = ("transformers/trainer.py", 2325, "train", "return inner_training_loop(")


def tb(call: str, *frames: Frame, err: str) -> str:
    """A traceback through these frames."""
    told = _TOP.format(call=call)
    for file, line, name, code in frames:
        told += f'  File "/usr/lib/python3.12/site-packages/{file}", line {line}, in {name}\n    {code}\n'
    return told + err + "\n"


def case(name: str, log: str, code: int = 1) -> None:
    """A log, and the class it is of; "" where nothing is known, or nothing is wrong."""
    LOGS.append({"class": name, "log": log, "exit_code": code})


# fmt: off
# memory
case("gpu_memory",tb("trainer.train()",T,("torch/nn/functional.py",3494,"cross_entropy","return torch._C._nn.cross_entropy_loss("),err="torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 18.55 GiB. GPU 0 has a total capacity of 79.10 GiB of which 9.28 GiB is free. Including non-PyTorch memory, this process has 69.81 GiB memory in use. See documentation for Memory Management  (https://pytorch.org/docs/stable/notes/cuda.html#environment-variables)"))
case("gpu_memory",tb("trainer.train()",T,("torch/autograd/graph.py",829,"_engine_run_backward","return Variable._execution_engine.run_backward("),err="RuntimeError: CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"))
case("gpu_memory",tb("trainer.train()",T,("accelerate/accelerator.py",2553,"backward","loss.backward(**kwargs)"),err="torch.OutOfMemoryError: HIP out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 15.98 GiB of which 1.10 GiB is free."))
case("host_memory",tb('load_dataset("json", data_files=f)',("numpy/core/multiarray.py",1,"concatenate","..."),err="numpy._core._exceptions._ArrayMemoryError: Unable to allocate 47.7 GiB for an array with shape (800000, 8000) and data type int64"))
case("host_memory",tb("AutoModelForCausalLM.from_pretrained(name)",("safetensors/torch.py",313,"load_file",'with safe_open(filename, framework="pt", device=device) as f:'),err="OSError: [Errno 12] Cannot allocate memory"))
case("killed","{'loss': '1.93', 'grad_norm': '0.8', 'epoch': '0.4'}\n 40%|####      | 400/1000 [12:31<18:40,  1.87s/it]run.sh: line 12:  4711 Killed                  python train.py\n",137)
case("loader_memory",tb("trainer.train()",T,("torch/utils/data/dataloader.py",1297,"_try_get_data","raise RuntimeError("),err="RuntimeError: DataLoader worker (pid(s) 2211, 2212) exited unexpectedly"))
case("shared_memory",tb("trainer.train()",T,("torch/multiprocessing/reductions.py",569,"reduce_storage","fd, size = storage._share_fd_cpu_()"),err="RuntimeError: unable to write to file </torch_3117_1880421_0>: No space left on device (28)"))
case("vllm_memory",tb("GRPOTrainer(model=m, args=a)",("vllm/v1/worker/gpu_worker.py",210,"init_device","raise ValueError("),err="ValueError: Free memory on device (20.1/39.49 GiB) on startup is less than desired GPU memory utilization (0.9, 35.54 GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes."))
# disk & files
case("disk_full",tb("trainer.save_model()",("safetensors/torch.py",352,"save_file","serialize_file(_flatten(tensors), filename, metadata=metadata)"),err="safetensors_rust.SafetensorError: Error while serializing: I/O error: No space left on device (os error 28)"))
case("no_permission",tb('trainer.save_model("/data/out")',("pathlib.py",1311,"mkdir","os.mkdir(self, mode)"),err="PermissionError: [Errno 13] Permission denied: '/data/out'"))
case("too_many_files",tb("trainer.train()",T,("torch/multiprocessing/reductions.py",1,"rebuild","..."),err="RuntimeError: received 0 items of ancdata"))
case("file_cut",tb("AutoModel.from_pretrained(d)",("transformers/modeling_utils.py",560,"load_state_dict",'with safe_open(checkpoint_file, framework="pt") as f:'),err="safetensors_rust.SafetensorError: Error while deserializing header: HeaderTooLarge"))
# GPU
case("cuda_fault",tb("trainer.train()",T,err="torch.AcceleratorError: CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace below might be incorrect.\nFor debugging consider passing CUDA_LAUNCH_BLOCKING=1"))
case("token_id","/pytorch/aten/src/ATen/native/cuda/Indexing.cu:1553: indexSelectLargeIndex: block: [37,0,0], thread: [96,0,0] Assertion `srcIndex < srcSelectDimSize` failed.\n"*3+tb("trainer.train()",T,err="torch.AcceleratorError: CUDA error: device-side assert triggered"))
case("token_id",tb("trainer.train()",T,("torch/nn/functional.py",2546,"embedding","return torch.embedding(weight, input, padding_idx, scale_grad_by_freq, sparse)"),err="IndexError: index out of range in self"))
case("gpu_broken",tb("trainer.train()",T,err="torch.AcceleratorError: CUDA error: uncorrectable ECC error encountered"))
case("gpu_missing",tb('m.to("cuda")',("torch/cuda/__init__.py",319,"_lazy_init",'raise AssertionError("Torch not compiled with CUDA enabled")'),err="AssertionError: Torch not compiled with CUDA enabled"))
case("precisions_mixed",tb("trainer.train()",T,("torch/nn/modules/linear.py",125,"forward","return F.linear(input, self.weight, self.bias)"),err="RuntimeError: mat1 and mat2 must have the same dtype, but got Float and BFloat16"))
case("nothing_trained",tb("trainer.train()",T,("torch/autograd/graph.py",829,"_engine_run_backward","return Variable._execution_engine.run_backward("),err="RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn"))
case("lora_target",tb("get_peft_model(m, c)",("peft/tuners/tuners_utils.py",670,"inject_adapter","raise ValueError(error_msg)"),err="ValueError: Target modules {'q_proj', 'v_proj'} not found in the base model. Please check the target modules and try again."))
case("diverged",tb("trainer.train()",T,("transformers/generation/utils.py",2834,"_sample","next_tokens = torch.multinomial(probs, num_samples=1).squeeze(1)"),err="RuntimeError: probability tensor contains either `inf`, `nan` or element < 0"))
# nccl
case("gpus_waited","[rank2]:[E1129 03:11:02.881 ProcessGroupNCCL.cpp:685] [Rank 2] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=8121, OpType=ALLREDUCE, NumelIn=1, NumelOut=1, Timeout(ms)=1800000) ran for 1800071 milliseconds before timing out.\nterminate called after throwing an instance of 'c10::DistBackendError'\n",-6)
case("gpus_apart",tb('dist.init_process_group("nccl")',("torch/distributed/distributed_c10d.py",4628,"barrier","work = group.barrier(opts=opts)"),err="torch.distributed.DistBackendError: NCCL error in: /pytorch/torch/csrc/distributed/c10d/NCCLUtils.cpp:94, unhandled cuda error (run with NCCL_DEBUG=INFO for details), NCCL version 2.27.5\nncclUnhandledCudaError: Call to CUDA function failed.\nLast error:\nCuda failure 217 'peer access is not supported between these two devices'"))
case("port_in_use",tb('dist.init_process_group("nccl")',("torch/distributed/rendezvous.py",189,"_create_c10d_store","return TCPStore("),err="torch.distributed.DistNetworkError: The server socket has failed to listen on any local network address. port: 29500, useIpv6: false, code: -98, name: EADDRINUSE, message: address already in use"))
# hub
case("hub_gated",tb('AutoTokenizer.from_pretrained("google/gemma-3-1b-it")',("huggingface_hub/utils/_http.py",790,"hf_raise_for_status","raise _format(GatedRepoError, message, response) from e"),err="huggingface_hub.errors.GatedRepoError: 403 Client Error. (Request ID: Root=1-69)\n\nCannot access gated repo for url https://huggingface.co/google/gemma-3-1b-it/resolve/main/config.json.\nYour request to access model google/gemma-3-1b-it is awaiting a review from the repo authors."))
case("hub_write",tb("trainer.push_to_hub()",("huggingface_hub/utils/_http.py",800,"hf_raise_for_status","raise _format(HfHubHTTPError, message, response) from e"),err='huggingface_hub.errors.HfHubHTTPError: 403 Forbidden: You don\'t have the rights to create a model under the namespace "acme".\nCannot access content at: https://huggingface.co/api/repos/create.\nMake sure your token has the correct permissions.'))
case("hub_rate",tb("trainer.train()",T,("huggingface_hub/utils/_http.py",800,"hf_raise_for_status","raise _format(HfHubHTTPError, message, response) from e"),err="huggingface_hub.errors.HfHubHTTPError: 429 Client Error: Too Many Requests for url: https://huggingface.co/api/models/me/m/commit/main (Request ID: Root=1-6)\n\nYou have exceeded the rate limit for repository commits (128 per hour)."))
case("hub_down",tb('load_dataset("a/b")',("huggingface_hub/utils/_http.py",800,"hf_raise_for_status","raise _format(HfHubHTTPError, message, response) from e"),err="huggingface_hub.errors.HfHubHTTPError: Server error '503 Service Unavailable' for url 'https://huggingface.co/api/datasets/a/b'"))
case("hub_login",tb("trainer.push_to_hub()",("huggingface_hub/utils/_http.py",800,"hf_raise_for_status","raise"),err="huggingface_hub.errors.HfHubHTTPError: Client error '401 Unauthorized' for url 'https://huggingface.co/api/whoami-v2' (Request ID: Root=1)\nInvalid username or password."))
case("hub_missing",tb('load_dataset("me/dta")',("datasets/load.py",1031,"dataset_module_factory",'raise DatasetNotFoundError(f"Dataset \'{path}\' doesn\'t exist on the Hub or cannot be accessed.") from e'),err="datasets.exceptions.DatasetNotFoundError: Dataset 'me/dta' doesn't exist on the Hub or cannot be accessed."))
case("network",tb('load_dataset("a/b")',("httpx/_transports/default.py",118,"map_httpcore_exceptions","raise mapped_exc(message) from exc"),err="httpx.ConnectError: [Errno -3] Temporary failure in name resolution"))
case("network",tb('AutoModel.from_pretrained("a/b")',("huggingface_hub/file_download.py",1,"_raise_on_head_call_error","raise LocalEntryNotFoundError("),err="huggingface_hub.errors.LocalEntryNotFoundError: An error happened while trying to locate the file on the Hub and we cannot find the requested files in the local cache. Please check your connection and try again or make sure your Internet connection is on."))
# packages and script
case("package_missing",tb("AutoModelForCausalLM.from_pretrained(n, quantization_config=q)",("transformers/quantizers/quantizer_bnb_4bit.py",70,"validate_environment","raise ImportError("),err="ImportError: Using `bitsandbytes` 4-bit quantization requires bitsandbytes: `pip install -U bitsandbytes>=0.46.1`"))
case("model_unknown",tb("AutoConfig.from_pretrained(n)",("transformers/models/auto/configuration_auto.py",1360,"from_pretrained","raise ValueError("),err="ValueError: The checkpoint you are trying to load has model type `qwen4_next` but Transformers does not recognize this architecture. This could be because of an issue with the checkpoint, or because your version of Transformers is out of date."))
case("argument_unknown",tb('SFTConfig(output_dir="o", max_seq_length=1024)',err="TypeError: SFTConfig.__init__() got an unexpected keyword argument 'max_seq_length'. Did you mean 'max_length'?"))
case("versions",tb("from trl import SFTTrainer",("trl/import_utils.py",1,"_get_module","raise RuntimeError("),err="ImportError: cannot import name 'is_wandb_available' from 'transformers.integrations' (/usr/lib/python3.12/site-packages/transformers/integrations/__init__.py)"))
case("script_fault",tb("train()",err="NameError: name 'tokenizer' is not defined"))
# data
case("column_missing",tb("SFTTrainer(model=m, train_dataset=d)",("trl/trainer/sft_trainer.py",1050,"tokenize_fn","output = processing_class(text=example[dataset_text_field])"),err="KeyError: 'text'"))
case("data_file",tb('load_dataset("json", data_files="a.jsonl")',("datasets/packaged_modules/json/json.py",180,"_generate_tables","raise e"),err="pyarrow.lib.ArrowInvalid: JSON parse error: Missing a comma or } after an object member. in row 412\n\nThe above exception was the direct cause of the following exception:\n\n"+_TOP.format(call="load()")+"datasets.exceptions.DatasetGenerationError: An error occurred while generating the dataset"))
case("chat_template",tb("SFTTrainer(model=m, train_dataset=d)",("transformers/tokenization_utils_base.py",1800,"get_chat_template","raise ValueError("),err="ValueError: Cannot use chat template functions because tokenizer.chat_template is not set and no template argument was passed! For information about writing templates and setting the tokenizer.chat_template attribute, please see the documentation"))
case("value_shape",tb("SFTTrainer(model=m, train_dataset=d)",("transformers/tokenization_utils_base.py",770,"convert_to_tensors","raise ValueError("),err="ValueError: Unable to create tensor, you should probably activate truncation and/or padding with 'padding=True' 'truncation=True' to have batched tensors with the same length. Perhaps your features (`messages` in this case) have excessive nesting (inputs type `list` where type `int` is expected)."))
case("file_missing",tb('load_dataset("json", data_files="data/train.jsonl")',err="FileNotFoundError: Unable to find '/app/data/train.jsonl'"))
case("reward_value",tb("trainer.train()",T,("trl/trainer/grpo_trainer.py",1150,"_calculate_rewards","rewards_per_func[:, i] = torch.tensor(output_reward_func, dtype=torch.float32, device=device)"),err="ValueError: too many dimensions 'str'"))
case("batch_shape",tb("GRPOTrainer(model=m, args=a)",("trl/trainer/grpo_config.py",900,"__post_init__","raise ValueError("),err="ValueError: generation_batch_size (12) must be divisible by num_generations (8)."))
case("tracker",tb("trainer.train()",T,("wandb/sdk/wandb_init.py",1,"init","raise"),err="wandb.errors.errors.UsageError: api_key not configured (no-tty). call wandb.login(key=[your_api_key])"))
case("variable_missing",tb('os.environ["HF_TOKEN"]',("../../os.py",685,"__getitem__","raise KeyError(key) from None"),err="KeyError: 'HF_TOKEN'"))
# ends
case("time_limit","{'loss': '1.2'}\nslurmstepd: error: *** JOB 8812 ON gpu07 CANCELLED AT 2026-11-29T10:11:12 DUE TO TIME LIMIT ***\n",143)
case("interrupted","{'loss': '1.2'}\n  File \"/x.py\", line 3, in step\nKeyboardInterrupt\n",130)
case("crashed","{'loss': '1.2'}\nFatal Python error: Segmentation fault\n\nThread 0x00007f (most recent call first):\n  File \"x.py\", line 3\n",-11)
# quoted data that sounds like another fault
case("",tb("check(rows)",err='AssertionError: row 17 says "CUDA out of memory, no space left on device, connection reset"'))
case("reward_value",tb("trainer.train()",T,("trl/trainer/grpo_trainer.py",1150,"_calculate_rewards","rewards_per_func[:, i] = torch.tensor(output_reward_func, dtype=torch.float32, device=device)"),err="TypeError: must be real number, not NoneType"))
case("","loading\nsomething odd happened\n",3)
H = ("huggingface_hub/utils/_http.py",800,"hf_raise_for_status","raise")
for cls,s in (("hub_rate","429 Too Many Requests"),("hub_login","401 Unauthorized"),("hub_write","403 Forbidden"),("hub_pay","402 Payment Required"),("hub_missing","404 Not Found")):
    case(cls,tb("api.upload_folder()",H,err=f"huggingface_hub.errors.HfHubHTTPError: Client error '{s}' for url 'https://huggingface.co/api/models/a/b' (Request ID: Root=1)"))
case("hub_down",tb("api.upload_folder()",H,err="huggingface_hub.errors.HfHubHTTPError: Server error '502 Bad Gateway' for url 'https://huggingface.co/api/models/a/b'"))
case("gpu_memory","[rank0]: "+tb("trainer.train()",T,err="torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.00 GiB.").replace("\n","\n[rank0]: ").rstrip("[rank0]: ")+"\nE1129 09:11:00.1 123 torch/distributed/elastic/multiprocessing/api.py:882] failed (exitcode: 1) local_rank: 0 (pid: 991) of binary: /usr/bin/python\n"+tb("run()",err="torch.distributed.elastic.multiprocessing.errors.ChildFailedError:\n============================================================\ntrain.py FAILED\n------------------------------------------------------------"))
case("column_missing",tb("t.map(f)",("datasets/arrow_dataset.py",3,"map","for x in y"),err="KeyError: 'prompt'\n\nDuring handling of the above exception, another exception occurred:\n\n"+tb("cleanup()",err="OSError: [Errno 39] Directory not empty: 'cache'")))
case("disk_full",tb("trainer.train()",T,("torch/serialization.py",967,"_open_zipfile_writer_file","super().__init__(torch._C.PyTorchFileWriter("),err="RuntimeError: [enforce fail at inline_container.cc:664] . unexpected pos 448 vs 342"))
case("host_memory",tb("m = AutoModel.from_pretrained(n)",err="RuntimeError: [enforce fail at alloc_cpu.cpp:121] data. DefaultCPUAllocator: can't allocate memory: you tried to allocate 25769803776 bytes. Error code 12 (Cannot allocate memory)"))
case("killed","Loading checkpoint shards:  50%|#####     | 2/4 [00:41<00:41, 20.6s/it]\n",-9)
case("tokenizer",tb("SFTTrainer(model=m)",err="ValueError: Asking to pad but the tokenizer does not have a padding token. Please select a token to use as `pad_token` `(tokenizer.pad_token = tokenizer.eos_token e.g.)` or add a new pad token via `tokenizer.add_special_tokens({'pad_token': '[PAD]'})`."))
case("checkpoint_other",tb("trainer.train(resume_from_checkpoint=True)",err="RuntimeError: Error(s) in loading state_dict for LlamaForCausalLM:\n\tsize mismatch for model.embed_tokens.weight: copying a param with shape torch.Size([128256, 2048]) from checkpoint, the shape in current model is torch.Size([128258, 2048])."))
case("checkpoint_gone",tb("trainer.train(resume_from_checkpoint=True)",T,err="ValueError: No valid checkpoint found in output directory (out)"))
case("preempted","{'loss': '1.1'}\nslurmstepd: error: *** STEP 81.0 ON n1 CANCELLED AT 2026-11-29T10:00:00 DUE TO PREEMPTION ***\n",143)
case("versions","  x No solution found when resolving script dependencies:\n  `-> Because only torch<=2.8 is available and you require torch>=2.9, we can conclude that your requirements are unsatisfiable.\n",1)
case("certificate",tb('load_dataset("a/b")',err="httpx.ConnectError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate in certificate chain (_ssl.c:1010)"))
case("card_old",tb("trainer.train()",T,err="RuntimeError: FlashAttention only supports Ampere GPUs or newer."))
case("driver_old",tb("torch.zeros(1).cuda()",err="RuntimeError: The NVIDIA driver on your system is too old (found version 11040). Please update your GPU driver by downloading and installing a new version from the URL: http://www.nvidia.com/Download/index.aspx"))
case("model_files",tb("AutoModelForCausalLM.from_pretrained(n)",err="OSError: me/m does not appear to have a file named pytorch_model.bin or model.safetensors."))
case("hub_secret",tb("trainer.push_to_hub()",H,err="huggingface_hub.errors.BadRequestError: (Request ID: Root=1)\n\nBad request for commit endpoint:\nYour commit was rejected because it contains a secret. Offending file: training.log"))
case("cuda_fault",tb("trainer.train()",T,err="torch.AcceleratorError: CUDA error: unspecified launch failure"))
case("script_fault",'  File "/app/train.py", line 12\n    model = load(\n                ^\nSyntaxError: \'(\' was never closed\n')
case("argument_line","usage: train.py [-h] [--epochs EPOCHS]\ntrain.py: error: unrecognized arguments: --lr 1e-4\n",2)
case("command_missing","bash: line 1: accelerate: command not found\n",127)
case("network",tb("api.upload_folder()",err="requests.exceptions.ConnectionError: ('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))"))
case("batch_shape",tb("trainer.train()",T,err="ValueError: The global eval batch size (2 * 1) must be divisible by the number of generations used for evaluation (8)."))
case("not_a_number",tb("trainer.train()",T,err="ValueError: could not convert string to float: 'N/A'"))
case("aborted","malloc(): corrupted top size\nAborted (core dumped)\n",134)
case("","2026-11-29 INFO all good\n{'train_runtime': 12.1, 'train_loss': 0.9}\n",0)
# fmt: on


def matrix() -> tuple[dict[str, Counter[str]], Counter[str]]:
    """Class -> what its logs were taken for; and how many are right, wrong and unknown."""
    taken: dict[str, Counter[str]] = defaultdict(Counter)
    score = Counter[str]()
    for one in LOGS:
        found = diagnose_log(one["log"], one["exit_code"])
        name = found.name if found else ""
        taken[one["class"]][name] += 1
        score["right" if name == one["class"] else "wrong" if name else "unknown"] += 1
    return taken, score


if __name__ == "__main__":
    rows, total = matrix()
    for true, counts in sorted(rows.items()):
        print(
            f"{true or '(unknown)':18}", ", ".join(f"{name or '(unknown)'} {count}" for name, count in counts.items())
        )
    print(dict(total))
