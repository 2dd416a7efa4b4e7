"""Leases of devices, on lists of devices that need not exist."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from resources.gpu_lease import NoFreeGpuError, lease_gpu, visible_devices


@pytest.fixture(autouse=True)
def untouched_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "unset by the test")


def test_a_machine_without_gpu_needs_no_lease(tmp_path: Path) -> None:
    assert lease_gpu([], folder=tmp_path) is None
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "unset by the test"


def test_each_lease_gets_a_device_of_its_own(tmp_path: Path) -> None:
    first = lease_gpu(["0", "1"], folder=tmp_path)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"
    second = lease_gpu(["0", "1"], folder=tmp_path)
    assert first is not None
    assert second is not None
    assert [first.device, second.device] == ["0", "1"]
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "1"
    with pytest.raises(NoFreeGpuError, match=r"all GPUs \(0, 1\) are leased"):
        lease_gpu(["0", "1"], folder=tmp_path)
    first.release()
    third = lease_gpu(["0", "1"], folder=tmp_path)
    assert third is not None
    assert third.device == "0"


def test_a_killed_process_gives_its_device_back(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from resources.gpu_lease import lease_gpu; "
        f"lease_gpu(['MIG-a/1'], folder=Path({str(tmp_path)!r})); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(NoFreeGpuError):
            lease_gpu(["MIG-a/1"], folder=tmp_path)
        holder.kill()
    lease = lease_gpu(["MIG-a/1"], folder=tmp_path, wait_seconds=5)
    assert lease is not None
    assert lease.device == "MIG-a/1"


@pytest.mark.parametrize(("value", "devices"), [("2,3", ["2", "3"]), ("", []), ("-1", []), (" 0 ", ["0"])])
def test_devices_are_those_that_the_user_left_visible(
    value: str, devices: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert visible_devices() == devices
