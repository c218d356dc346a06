"""Secrets are hidden however they are printed, and nothing else is."""

import base64
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.scripts.masking import HIDDEN, Mask, _masked_write, known_secrets, sweep_file

TOKEN = "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYz98127634"
OWN = "correct.horse-battery$staple"  # of no known shape
SHA = "0123456789abcdef0123456789abcdef01234567"
MASK = Mask([TOKEN, OWN])

SHAPES = {
    "a token of somebody else": "hf_" + "Z" * 34,
    "a whole JWT": "hf_jwt_eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "a bare JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "oauth": "hf_oauth_eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
    "GitHub": "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "GitHub, fine": "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz",
    "OpenAI": "sk-proj-abcdefghijklmnopqrstuvwxyz",
    "AWS": "AKIAIOSFODNN7EXAMPLE",
    "Google": "AIzaSyA-abcdefghijklmnopqrstuvwxyz012345",
    "GitLab": "glpat-abcdefghij0123456789",
}
AROUND = {
    "Basic": ("Authorization: Basic ", "dXNlcjpwYXNzd29yZA=="),
    "Bearer": ("authorization: bearer ", "abcdefgh.ijklmnop"),
    "password in an address": ("git push https://", "ana:pass-word"),
    "signed": ("https://b.s3.amazonaws.com/x?X-Amz-Date=1&X-Amz-Signature=", "abcdef0123456789abcdef"),
    "Azure": ("https://b.blob.core.windows.net/x?sv=1&sig=", "abcdef%2B0123456789"),
    "W&B": ("wandb: Appending key for api.wandb.ai to your netrc file: ", SHA),
    "alone in a line": ("", SHA),
    "environment": ("environ({'A': 'b', 'DB_PASSWORD': '", "swordfish"),
    "shell": ("export WANDB_API_KEY=", "abcdefghijklm"),
}


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_shapes(text):
    assert Mask().hide(f"pushed with {text}, then") == f"pushed with {HIDDEN}, then"


@pytest.mark.parametrize(("before", "secret"), AROUND.values(), ids=AROUND)
def test_shapes_that_their_place_tells(before, secret):
    after = "@github.com/a/b" if "git push" in before else ""
    assert Mask().hide(before + secret + after) == before + HIDDEN + after


@pytest.mark.parametrize(
    "text",
    [
        f"/hub/models--a--b/snapshots/{SHA}/config.json",
        f"revision {SHA} of a/b@{SHA}",
        "{'loss': '2.29', 'grad_norm': '1.350', 'num_tokens': '12345678'}",
        "max_tokens=512, pad_token='<pad>', tokenizer: LlamaTokenizer, api_server, hf_hub_download",
        "TOKENIZERS_PARALLELISM=false, basic training, key-value pairs, task-specific-layers-of-the-model",
        "https://huggingface.co/a/b?revision=main",
        "ask-me-anything-about-the-weather, mask-token-probabilities",
    ],
)
def test_what_is_no_secret_stays(text):
    assert Mask([TOKEN]).hide(text) == text


@given(
    st.sampled_from([TOKEN, OWN]), st.integers(10, 25), st.sampled_from(["\n", " ", "\x1b[0m", "\r\n  ", '", "', "|"])
)
def test_an_own_secret_is_hidden_at_any_cut(secret, cut, between):
    cut = min(cut, len(secret) - 10)
    shown = MASK.hide(f"it is {secret[:cut]}{between}{secret[cut:]} here")
    assert secret[:cut] not in shown
    assert secret[cut:] not in shown
    assert shown.startswith("it is ")
    assert shown.endswith(" here")


@pytest.mark.parametrize("secret", [TOKEN, OWN])
def test_an_own_secret_is_hidden_in_other_clothes(secret):
    for clothed in (
        repr({"HF_TOKEN": secret}),
        json.dumps({"deep": [secret]}),
        base64.b64encode(f"user:{secret}".encode()).decode(),
        base64.b64encode(f"someone:{secret}".encode()).decode(),
        secret.encode().hex(),
        secret[::-1],
        secret.encode().decode("latin-1"),
    ):
        shown = MASK.hide(clothed)
        assert secret not in shown
        assert HIDDEN in shown


@given(st.text(), st.sampled_from([TOKEN, OWN, "sk-abcdefghijklmnopqrst"]), st.text())
def test_bytes_keep_their_place(before, secret, after):
    data = f"{before} {secret} {after}".encode()
    clean = MASK.overwrite(data)
    assert len(clean) == len(data)
    assert secret.encode() not in clean
    assert secret.encode() not in MASK.hide_bytes(data)


def test_a_file_is_swept_in_place(tmp_path):
    path = tmp_path / "log"
    filler = b"x" * 97 + b"\n"
    for at in (0, 2**20 - 10, 2**20 - 4100, 3 * 2**20):
        data = (filler * 40_000)[: 3 * 2**20 + 500]
        path.write_bytes(data[:at] + b" " + TOKEN.encode() + b" " + data[at:])
        sweep_file(path, MASK)
        assert path.read_bytes() == data[:at] + b" " + b"*" * len(TOKEN) + b" " + data[at:]


def test_what_is_written_in_two_parts_is_held_back():
    out = io.StringIO()
    write = _masked_write(out.write, MASK)
    for part in ("a line\n", "token: " + OWN[:9], OWN[9:20], OWN[20:], " after", "\n"):
        write(part)
    assert out.getvalue() == f"a line\ntoken: {HIDDEN} after\n"


def test_the_own_secrets_are_found(tmp_path):
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    found = known_secrets(
        {"HF_HOME": str(tmp_path), "MY_API_KEY": "abcdefghij", "KEY_TOKEN_FILE": "/a/path/to/it", "HOME": "/root"}
        | {"N_TOKENS": "1234567890", "TOKENIZERS_PARALLELISM": "false"},
        more=[OWN],
    )
    assert found == ("abcdefghij", OWN, TOKEN)
