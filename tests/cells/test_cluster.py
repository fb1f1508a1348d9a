"""The same result on a real Dask cluster, also when a worker is killed while it works."""

import os
import signal

import pytest

from perturbviz.cells import AggregateCancelledError, AggregateError, aggregate
from tests.cells.simulated import ASKED, assert_same, counts_of

distributed = pytest.importorskip("distributed", reason="the cluster tests need dask[distributed]")
SMALL_BLOCKS = 8_000


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("cells") / "cells.h5ad"
    counts_of(6_000, 30).write_h5ad(path)
    return path


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        yield cluster


def test_a_killed_worker_changes_nothing(path, cluster):
    alone = aggregate(path, **ASKED, context="line", energy=True)
    with distributed.Client(cluster, set_as_default=False) as client:
        before = client.run(os.getpid)
        victim = next(iter(before.values()))
        killed_at = []

        def progress(fraction, what):
            if 0 < fraction < 1 and not killed_at:
                os.kill(victim, signal.SIGKILL)
                killed_at.append(fraction)

        together = aggregate(
            path,
            **ASKED,
            context="line",
            energy=True,
            scheduler=cluster.scheduler_address,
            bytes_per_block=SMALL_BLOCKS,
            progress=progress,
        )
        assert killed_at, "the worker was to be killed midway, but the work was already done"
        client.wait_for_workers(2, timeout=20)
        assert victim not in client.run(os.getpid).values()
    assert_same(together, alone)


def test_errors_and_cancelling_come_back_from_the_cluster(path, cluster, tmp_path):
    with pytest.raises(AggregateError, match="cannot be a count"):
        bad = counts_of(2_000, 30)
        bad.X.data[bad.X.indptr[700]] = -1  # in a block that is not looked at beforehand
        bad.write_h5ad(tmp_path / "bad.h5ad")
        aggregate(
            tmp_path / "bad.h5ad",
            **ASKED,
            scheduler=cluster.scheduler_address,
            value_space="counts",
            bytes_per_block=SMALL_BLOCKS,
        )

    class AfterTheStart:
        asked = 0

        def is_set(self):
            self.asked += 1
            return self.asked > 1

    with pytest.raises(AggregateCancelledError):
        aggregate(
            path,
            **ASKED,
            scheduler=cluster.scheduler_address,
            cancel=AfterTheStart(),
            bytes_per_block=SMALL_BLOCKS,
            out=tmp_path / "bench.h5ad",
        )
    assert not (tmp_path / "bench.h5ad").exists()


def test_a_cluster_that_does_not_answer_is_named(path, monkeypatch):
    monkeypatch.setattr("perturbviz.cells.execute._CONNECT_SECONDS", 0.3)
    with pytest.raises(AggregateError, match="No Dask scheduler answers at tcp://127.0.0.1:9"):
        aggregate(path, **ASKED, scheduler="tcp://127.0.0.1:9")
