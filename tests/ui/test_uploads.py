"""What a set of uploaded files becomes: nothing is dropped silently, one person's files stay in one folder."""

from dataclasses import dataclass

import numpy as np
import pytest

from perturbviz.benchmark import save
from perturbviz.errors import UserError
from perturbviz.readers import Options
from perturbviz.ui import uploads
from tests.readers import tiny


@dataclass
class Upload:
    """What Streamlit hands over."""

    name: str
    content: bytes
    file_id: str = "1"

    def getbuffer(self) -> memoryview:
        return memoryview(self.content)


def csv(frame, name):
    return Upload(name, frame.to_csv().encode())


@pytest.fixture
def canonical(tmp_path):
    outcome = uploads.as_source(uploads.read_uploads([csv(tiny.truth(), "truth.csv")], Options()), Options())
    return Upload("bench.h5ad", save(outcome.source, tmp_path / "bench.h5ad").read_bytes())


def test_predictions_beside_a_benchmark_are_added_to_it(canonical):
    files = [csv(tiny.prediction(), "mine.csv"), canonical]
    outcome = uploads.as_source(uploads.read_uploads(files[::-1], Options()), Options())
    assert outcome.source.methods == ("mine",) and len(outcome.reports) == 2
    np.testing.assert_allclose(outcome.source.prediction("mine", "")[-1], tiny.prediction().iloc[-1], rtol=1e-6)


def test_a_score_table_is_opened_alone_and_reported():
    scores = Upload("detailed_metrics.csv", b"model,perturbation,metric,value\nfMLP,KLF1,mse,0.1\n")
    outcome = uploads.as_source(uploads.read_uploads([scores], Options()), Options())
    said = " ".join(line for report in outcome.reports for line in report.lines())
    assert outcome.source.names and "Metrics, not predictions" in said
    assert "read as Table of scores (CellSimBench" in said
    with pytest.raises(UserError, match="open it alone"):
        uploads.as_source(uploads.read_uploads([scores, csv(tiny.truth(), "t.csv")], Options()), Options())


def test_two_files_of_one_name_are_not_mixed_up():
    with pytest.raises(UserError, match="Two of these files are called p.csv"):
        uploads.read_uploads([csv(tiny.truth(), "a/p.csv"), csv(tiny.prediction(), "b\\p.csv")], Options())


def test_what_was_read_is_known_by_its_content_and_options(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("a")
    one, two = Upload("p.csv", b"", "1"), Upload("p.csv", b"", "2")
    keys = [
        uploads.key_of([one], [], Options()),
        uploads.key_of([two], [], Options()),
        uploads.key_of([one], [], Options(control=("NT",))),
        uploads.key_of([], [path], Options()),
        uploads.key_of([], [tmp_path], Options()),
    ]
    path.write_text("ab")
    keys += [uploads.key_of([], [path], Options()), uploads.key_of([], [tmp_path], Options(system="matrix"))]
    (tmp_path / "q.csv").write_text("c")
    keys.append(uploads.key_of([], [tmp_path], Options()))
    assert len(set(keys)) == len(keys) and uploads.key_of([one], [], Options()) == keys[0]


def test_uploads_leave_nothing_on_disk(tmp_path, monkeypatch):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    uploads.read_uploads([csv(tiny.truth(), "../../truth.csv")], Options())
    with pytest.raises(UserError):
        uploads.read_uploads([Upload("x.zip", b"PK\x03\x04nothing")], Options())
    assert list(tmp_path.iterdir()) == [] and not (tmp_path.parent / "truth.csv").exists()
