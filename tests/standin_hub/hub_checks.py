"""What the real huggingface_hub does with the stand-in. Run by test_contract.py, in a process of its own."""

from __future__ import annotations

import contextlib
import io
import time
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, Volume, get_token
from huggingface_hub import errors as hub_errors

from tests.standin_hub.accounts import NO_JOBS_TOKEN, OTHER_TOKEN, POOR_TOKEN, READ_TOKEN

API = HfApi()
IMAGE = "python:3.12"


def status_of(call: Any, *arguments: Any, **options: Any) -> int:
    try:
        call(*arguments, **options)
    except hub_errors.HfHubHTTPError as error:
        return int(error.response.status_code)
    raise AssertionError("no error")


def ended(job: Any, seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        info = API.inspect_job(job_id=job.id, namespace="user")
        if info.status.stage in ("COMPLETED", "ERROR", "CANCELED"):
            return info
        time.sleep(0.05)
    raise AssertionError("the job did not end")


def log(job: Any, **options: Any) -> list[str]:
    return list(API.fetch_job_logs(job_id=job.id, namespace="user", **options))


def shell(line: str, **options: Any) -> Any:
    given: dict[str, Any] = {"image": IMAGE, "namespace": "user", "timeout": 60, **options}
    return API.run_job(command=["bash", "-c", line], **given)


def check_whoami() -> None:
    told = API.whoami()
    assert (told["name"], told["orgs"][0]["name"]) == ("user", "acme")
    assert told["auth"]["accessToken"]["role"] == "write"
    assert API.whoami(token=READ_TOKEN)["auth"]["accessToken"]["role"] == "read"
    assert "fineGrained" in API.whoami(token=NO_JOBS_TOKEN)["auth"]["accessToken"]
    assert status_of(API.whoami, token="hf_unknown") == 401


def check_hardware() -> None:
    flavors = {one.name: one for one in API.list_jobs_hardware()}
    assert flavors["l4x4"].accelerator.quantity == "4"
    assert abs(flavors["a100-large"].unit_cost_usd * 60 - 2.5) < 0.001
    assert flavors["cpu-basic"].accelerator is None


def check_job_runs() -> None:
    job = shell(
        'echo "$GREETING $HF_ENDPOINT"; test "$SECRET" = hidden && echo secret; echo "[$PYTHONUNBUFFERED]"',
        env={"GREETING": "hello"},
        secrets={"SECRET": "hidden"},
        labels={"hfft": "1"},
    )
    assert job.status.stage in ("SCHEDULING", "RUNNING")
    info = ended(job)
    assert info.status.stage == "COMPLETED", info.status.message
    assert log(job) == [f"hello {API.endpoint}", "secret", "[]"]
    assert log(job, tail=2) == ["secret", "[]"]
    assert log(job, follow=True) == log(job)
    assert info.labels["hfft"] == "1"
    assert info.secrets == {"SECRET": None}
    assert info.durations.total_secs is not None


def check_job_fails() -> None:
    job = shell("echo before; exit 3", attempts=2)
    info = ended(job)
    assert (info.status.stage, "3" in info.status.message, info.retry) == ("ERROR", True, 1)
    assert log(job).count("before") == 2


def check_job_with_inline_metadata() -> None:
    good = "# /// script\n# dependencies = ['nothing-of-this-name']\n# ///\nimport sys\nprint('ran', sys.argv[1:])\n"
    bad = "# /// script\n# dependencies = [\n# ///\nprint('ran')\n"
    job = shell('printf %s "$S" > job.py && exec uv run --with x job.py a b', env={"S": good})
    assert ended(job).status.stage == "COMPLETED", log(job)
    assert log(job) == ["ran ['a', 'b']"]
    assert ended(shell('printf %s "$S" > job.py && exec uv run job.py', env={"S": bad})).status.stage == "ERROR"


def check_cancel() -> None:
    program = (
        "import signal, time, sys\nsignal.signal(signal.SIGTERM, lambda *_: (print('told', flush=True), sys.exit(0)))\n"
    )
    program += "print('up', flush=True)\ntime.sleep(60)\n"
    job = API.run_job(image=IMAGE, command=["python", "-c", program], namespace="user", timeout=60)
    deadline = time.monotonic() + 20
    while not log(job, tail=1) and time.monotonic() < deadline:
        time.sleep(0.05)
    API.cancel_job(job_id=job.id, namespace="user")
    assert ended(job).status.stage == "CANCELED"
    assert log(job) == ["up", "told"]


def check_timeout() -> None:
    started = time.monotonic()
    info = ended(shell("trap '' TERM; sleep 60 & wait; sleep 60", timeout=1))
    assert (info.status.stage, info.status.message) == ("ERROR", "Job timeout")
    assert time.monotonic() - started < 20


def check_labels_and_pages() -> None:
    ids = [shell("true", labels={"batch": "seven"}).id for _ in range(3)]
    listed = [job.id for job in API.list_jobs(namespace="user", labels={"batch": "seven"})]
    assert listed == ids[::-1]  # two to a page here, so the second page was asked for
    API.update_job_labels(job_id=ids[0], labels={"other": "x"}, namespace="user")
    assert API.inspect_job(job_id=ids[0], namespace="user").labels == {"other": "x"}
    assert len(list(API.list_jobs(namespace="user", labels={"batch": "seven"}))) == 2
    assert status_of(API.update_job_labels, job_id=ids[0], labels={"a/b": "x"}, namespace="user") == 400


def check_duplicate() -> None:
    job = shell("echo again")
    ended(job)
    copy = API.rerun_job(job_id=job.id, namespace="user")
    assert copy.id != job.id
    assert ended(copy).status.stage == "COMPLETED"
    assert log(copy) == ["again"]


def check_metrics() -> None:
    job = shell("sleep 20", flavor="a10g-largex2")
    measured = next(m for m in API.fetch_job_metrics(job_id=job.id, namespace="user") if m["memory_used_bytes"])
    assert len(measured["gpus"]) == 2
    API.cancel_job(job_id=job.id, namespace="user")
    assert ended(job).status.stage == "CANCELED"


def check_refusals() -> None:
    assert status_of(shell, "true", token=POOR_TOKEN, namespace="poor") == 402
    assert status_of(shell, "true", token=NO_JOBS_TOKEN) == 403
    assert status_of(shell, "true", token=READ_TOKEN) == 403
    assert status_of(shell, "true", token=OTHER_TOKEN) == 403
    assert status_of(shell, "true", flavor="no-such") == 400
    try:
        API.inspect_job(job_id="0" * 24, namespace="user")
    except hub_errors.JobNotFoundError:
        return
    raise AssertionError("a job that is not there was found")


def check_uv_job(folder: Path) -> None:
    script = folder / "job.py"
    script.write_text("import sys\nprint('uploaded', sys.argv[1:])\n")
    with contextlib.redirect_stdout(io.StringIO()):
        job = API.run_uv_job(str(script), script_args=["one"], dependencies=["trl"], namespace="user", timeout=60)
    assert ended(job).status.stage == "COMPLETED", log(job)
    assert log(job) == ["uploaded ['one']"]


def check_job_pushes() -> None:
    program = (
        "from huggingface_hub import HfApi\n"
        "api = HfApi()\n"
        "name = api.create_repo('user/from-job', private=True).repo_id\n"
        "api.upload_file(path_or_fileobj=b'weights' * 9999, path_in_repo='model.safetensors', repo_id=name)\n"
        "print(api.whoami()['name'])\n"
    )
    job = API.run_job(
        image=IMAGE, command=["python", "-c", program], namespace="user", timeout=60, secrets={"HF_TOKEN": get_token()}
    )
    assert ended(job).status.stage == "COMPLETED", log(job)
    assert log(job)[-1] == "user"
    assert Path(API.hf_hub_download("user/from-job", "model.safetensors")).read_bytes() == b"weights" * 9999


def check_bucket(folder: Path) -> None:
    name = API.create_bucket("user/things", private=True, exist_ok=True).bucket_id
    file = folder / "thing.bin"
    file.write_bytes(bytes(range(256)) * 400)
    API.batch_bucket_files(name, add=[(str(file), "a/thing.bin"), (b"small", "b.txt")])
    assert {one.path for one in API.list_bucket_tree(name, recursive=True)} >= {"a/thing.bin", "b.txt"}
    assert API.bucket_info(name).total_files == 2
    job = shell("cat /data/b.txt", volumes=[Volume(type="bucket", source=name, mount_path="/data")])
    assert ended(job).status.stage == "COMPLETED"  # the path is inside the script, where no mount is rewritten
    API.download_bucket_files(name, [("a/thing.bin", folder / "got.bin")])
    assert (folder / "got.bin").read_bytes() == file.read_bytes()
    API.batch_bucket_files(name, delete=["b.txt"])
    assert API.bucket_info(name).total_files == 1


def check_upload_and_download(folder: Path) -> None:
    source, name = folder / "pushed", "user/pushed"
    (source / "deep").mkdir(parents=True)
    weights = bytes(range(256)) * 4000
    (source / "model.safetensors").write_bytes(weights)
    (source / "config.json").write_text('{"model_type": "llama"}')
    (source / "deep" / "README.md").write_text("# Hi")
    API.create_repo(name, private=True)
    API.create_repo(name, exist_ok=True)
    assert status_of(API.create_repo, name) == 409
    first = API.upload_folder(repo_id=name, folder_path=source).oid
    API.upload_file(path_or_fileobj=b"later", path_in_repo="later.txt", repo_id=name)
    operations = [CommitOperationAdd("more.bin", b"\x00\x01" * 500), CommitOperationDelete("later.txt")]
    API.create_commit(repo_id=name, operations=operations, commit_message="Two at once")
    assert set(API.list_repo_files(name)) >= {"model.safetensors", "deep/README.md", "more.bin"}
    assert "later.txt" not in API.list_repo_files(name)
    assert Path(API.hf_hub_download(name, "model.safetensors")).read_bytes() == weights
    assert Path(API.hf_hub_download(name, "more.bin")).read_bytes() == b"\x00\x01" * 500
    assert "more.bin" not in API.list_repo_files(name, revision=first)
    assert len(API.list_repo_commits(name)) == 4
    whole = Path(API.snapshot_download(name))
    assert (whole / "deep" / "README.md").read_text() == "# Hi"
    API.delete_folder("deep", repo_id=name)
    API.delete_file("more.bin", repo_id=name)
    assert not {"deep/README.md", "more.bin"} & set(API.list_repo_files(name))


def check_branches_and_tags() -> None:
    API.create_branch("user/pushed", branch="checkpoint/1")
    API.create_tag("user/pushed", tag="v1")
    API.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id="user/pushed", revision="checkpoint/1")
    refs = API.list_repo_refs("user/pushed")
    assert {one.name for one in refs.branches} == {"main", "checkpoint/1"}
    assert [one.name for one in refs.tags] == ["v1"]
    assert API.file_exists("user/pushed", "x.txt", revision="checkpoint/1")
    assert not API.file_exists("user/pushed", "x.txt")
    assert status_of(API.model_info, "user/pushed", revision="nowhere") == 404
    API.delete_branch("user/pushed", branch="checkpoint/1")


def check_facts() -> None:
    info = API.model_info("user/pushed", expand=["gated", "private", "config", "sha"])
    assert (info.private, info.gated, info.config["model_type"]) == (True, False, "llama")
    files = {one.rfilename: one for one in API.model_info("user/pushed", files_metadata=True).siblings}
    assert files["model.safetensors"].lfs.size == files["model.safetensors"].size == 1_024_000
    assert API.dataset_info("acme/talk").id == "acme/talk"
    [found] = API.get_paths_info("acme/talk", ["data"], repo_type="dataset")
    assert found.path == "data"
    assert {one.path for one in API.list_repo_tree("acme/talk", repo_type="dataset")} == {".gitattributes", "data"}


def check_gated() -> None:
    assert API.dataset_info("other/gated").gated == "manual"
    for call, words in ((API.hf_hub_download, ("other/gated", "data/train.jsonl")), (API.auth_check, ("other/gated",))):
        try:
            call(*words, repo_type="dataset")
        except hub_errors.GatedRepoError:
            continue
        raise AssertionError("the gate was open")
    API.auth_check("other/gated", repo_type="dataset", token=OTHER_TOKEN)


def check_private_and_missing() -> None:
    assert API.repo_exists("user/pushed")
    assert not API.repo_exists("user/pushed", token=OTHER_TOKEN)
    assert not API.repo_exists("user/pushed", token=False)
    assert not API.repo_exists("user/no-such")
    assert status_of(API.upload_file, path_or_fileobj=b"x", path_in_repo="x", repo_id="acme/talk",
                     repo_type="dataset", token=READ_TOKEN) == 403  # fmt: skip
    assert status_of(API.create_repo, "other/mine") == 403


def check_range() -> None:
    import httpx

    address = f"{API.endpoint}/datasets/acme/talk/resolve/main/data/train.jsonl"
    whole = httpx.get(address).content
    part = httpx.get(address, headers={"Range": "bytes=3-9"})
    assert (part.status_code, part.content) == (206, whole[3:10])
    assert part.headers["content-range"] == f"bytes 3-9/{len(whole)}"
    assert httpx.get(address, headers={"Range": "bytes=-5"}).content == whole[-5:]
    assert httpx.get(address, headers={"Range": "bytes=999999-"}).status_code == 416


def check_delete_repo() -> None:
    API.delete_repo("user/pushed")
    assert not API.repo_exists("user/pushed")
    assert status_of(API.delete_repo, "user/pushed") == 404
