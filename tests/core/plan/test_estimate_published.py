"""Published measurements stay near: a change of the arithmetic that loses them fails here.

`python -m tests.bench.estimator FILE` scores a whole file of them.
"""

from __future__ import annotations

import csv
import io

import pytest

from tests.bench.estimator import score
from tests.bench.literature import measured

# QwenLM/Qwen README.md (2df8e8a), huggingface/peft method_comparison (51c2ff6), llm-foundry's benchmarking README
ROWS = """\
id,source,model,params_b,method,peft,precision,seq_len,batch,grad_ckpt,optimizer,hardware,metric,value,unit,accumulation,gpus,full_logits,notes
a,github:QwenLM/Qwen,Qwen-7B,7.721,sft,lora64,bf16,1024,1,1,adamw,A100-80GB,mem_device,21.5,GB,8,1,1,
b,github:QwenLM/Qwen,Qwen-7B,7.721,sft,lora64,bf16,4096,1,1,adamw,A100-80GB,mem_device,29.7,GB,8,1,1,
c,github:QwenLM/Qwen,Qwen-14B,14.167,sft,lora64,bf16,1024,1,1,adamw,A100-80GB,time_step,4.4,s/it,8,1,1,
d,github:QwenLM/Qwen,Qwen-7B,7.721,sft,lora64,bf16,256,1,1,adamw,A100-80GB,time_step,1.2,s/it,8,1,1,
e,github:hf/peft,Llama-3.2-3B,3.213,sft,full,bf16,768,4,0,adamw,L40S,mem_device,38.87,GB,1,1,1,transformers 5
f,github:hf/peft,Llama-3.2-3B,3.213,sft,lora32-qv,bf16,210,4,0,adamw,L40S,tok_s,7174,tok/s,1,1,1,transformers 5
g,github:mosaicml/foundry,MPT-3B,2.652,pretrain,full,bf16,2048,10,0,adamw,A100-80GB,tok_s,10811,tok/s,1,1,1,fused ops
"""


@pytest.mark.parametrize("row", list(csv.DictReader(io.StringIO(ROWS))), ids=lambda row: row["id"])
def test_a_published_measurement_is_met(row):
    found = score(measured(row))
    assert found.error < 0.15
    assert found.covered
    assert found.error < found.peer_error


def test_a_row_that_its_hardware_rules_out_is_not_scored():
    row = next(csv.DictReader(io.StringIO(ROWS)))
    too_fast = measured({**row, "metric": "time_step", "value": "0.5", "seq_len": "4096"})
    too_small = measured({**row, "peft": "full", "value": "30"})
    assert "peak" in too_fast.doubt
    assert "alone are larger" in too_small.doubt
