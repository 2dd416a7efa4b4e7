"""A real Ray cluster on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tests.fakes import bench_project, counting_engine, tiny_videos

_PATIENT: Final = {"health_check_period_ms": 1_000, "health_check_timeout_ms": 60_000}
"""A dead node is noticed soon; one on a busy machine is not taken for dead."""


@contextmanager
def two_nodes(cpus: int, *, head_cpus: int = 0) -> Iterator[Any]:
    """A cluster that this process is connected to: nodes of so many CPUs, one if the head works, else two."""
    import ray
    from ray.cluster_utils import Cluster

    from resources.ray_engines import close_ray_engines

    small = {"object_store_memory": 80 << 20}
    head = {"num_cpus": head_cpus, "include_dashboard": False, "_system_config": _PATIENT, **small}
    made = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(1 if head_cpus else 2):
        made.add_node(num_cpus=cpus, **small)
    for module in (counting_engine, bench_project, tiny_videos):
        ray.cloudpickle.register_pickle_by_value(module)
    ray.init(address=made.address, namespace="videopasta", log_to_driver=False)
    yield made
    close_ray_engines()
    ray.shutdown()
    made.shutdown()
