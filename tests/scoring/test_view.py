"""A view survives its link, and a link with nonsense in it still opens."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbviz.errors import UserError
from perturbviz.metrics import CATALOGUE, canonical, parse_metric
from perturbviz.scoring.evaluation import TRUTHS
from perturbviz.scoring.genesets import KINDS, parse_subset
from perturbviz.scoring.references import REFERENCES
from perturbviz.scoring.view import (
    AVERAGES,
    REFERENCE_FROM,
    ROWS,
    SIZES,
    SPLITS,
    View,
    listed_name,
    metric_label,
    metric_name,
    split_genes,
)

METRICS = [
    canonical(f"{name}@{choice}") if metric.card.parameter else name
    for name, metric in CATALOGUE.items()
    for choice in (metric.card.parameter.choices if metric.card.parameter else [""])
] + ["de_overlap@37", "nonadditive_recall@12345"]
word = st.text(min_size=1, max_size=12).filter(lambda t: t.encode("utf-8", "ignore").decode() == t)
words = st.lists(word, max_size=4, unique=True).map(tuple)
genes = st.lists(st.text("ABCZ09-._/", min_size=1, max_size=8), max_size=5, unique=True).map(tuple)
views = st.builds(
    View,
    data=word,
    metric=st.sampled_from(METRICS),
    ref=st.sampled_from(REFERENCES),
    ref_from=st.sampled_from(list(REFERENCE_FROM)),
    genes=st.sampled_from(KINDS),
    n=st.integers(1, 10**7 - 1),
    targets=st.booleans(),
    own=genes,
    split=st.sampled_from(list(SPLITS)),
    size=st.sampled_from(list(SIZES)),
    context=st.one_of(st.just(""), word),
    seed=st.one_of(st.just(""), word),
    rows=st.sampled_from(list(ROWS)),
    avg=st.sampled_from(list(AVERAGES)),
    show=words,
    truth=st.sampled_from(TRUTHS),
)


@given(views)
def test_query_round_trip(view):
    assert View.from_query(view.to_query()) == view
    assert View.from_query(parse_qs(view.token, keep_blank_values=True)) == view


@given(views, views)
def test_tokens_are_equal_exactly_for_equal_views(a, b):
    assert (a.token == b.token) == (a == b)
    assert hash(a) == hash(View.from_query(a.to_query()))


def test_defaults_stay_out_of_the_link():
    assert View().to_query() == {} and View().token == ""


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"metric": "no_such"}, "metric"),
        ({"metric": "mse@3"}, "metric"),
        ({"metric": "pds@l3"}, "metric"),
        ({"metric": ""}, "metric"),
        ({"ref": "mean"}, "ref"),
        ({"genes": "DE"}, "genes"),
        ({"n": "-5"}, "n"),
        ({"n": "0"}, "n"),
        ({"n": "1e3"}, "n"),
        ({"n": "99999999"}, "n"),
        ({"n": ""}, "n"),
        ({"targets": "maybe"}, "targets"),
        ({"split": "TEST"}, "split"),
        ({"size": "triples"}, "size"),
        ({"rows": "some"}, "rows"),
        ({"avg": "mode"}, "avg"),
        ({"truth": "half_b"}, "truth"),
        ({"ref_from": "test"}, "ref_from"),
        ({"unknown": "x"}, "data"),
        ({"metric": []}, "metric"),
    ],
)
def test_what_does_not_exist_gives_way_to_the_default(query, field):
    assert getattr(View.from_query(query), field) == getattr(View(), field)


@given(st.dictionaries(st.sampled_from([*View.__dataclass_fields__, "x"]), st.one_of(st.text(), st.lists(st.text()))))
def test_any_link_opens(query):
    view = View.from_query(query)
    parse_metric(view.metric)
    assert View.from_query(view.to_query()) == view


@pytest.mark.parametrize(
    ("text", "names"),
    [("", ()), (" , ;", ()), ("A, B;A\nC", ("A", "B", "C")), ("HLA-A,RP11-34P13.14", ("HLA-A", "RP11-34P13.14"))],
)
def test_genes_of_a_list(text, names):
    assert split_genes(text) == names


@pytest.mark.parametrize(
    ("text", "expected"), [("pds@l1", "pds"), ("pds@l2", "pds@l2"), ("de_overlap@050", "de_overlap"), ("mse@", "mse")]
)
def test_a_metric_is_written_in_one_way(text, expected):
    assert canonical(text) == expected and View.from_query({"metric": text}).metric == expected


@pytest.mark.parametrize("text", ["de_overlap@0", "de_overlap@-1", "de_overlap@x", "pds@5", "mse@1", "auroc@5", "nope"])
def test_metric_ids_that_do_not_exist(text):
    with pytest.raises(UserError) as error:
        parse_metric(text)
    assert text.partition("@")[0] in str(error.value)


def test_labels_name_reference_and_parameter():
    assert metric_label("pearson_delta", "control") == "rΔ vs control"
    assert listed_name("pearson_delta") == "Pearson delta (rΔ)" and listed_name("mse") == "Mean squared error (MSE)"
    assert listed_name("centroid_accuracy") == "Centroid accuracy" and listed_name("pds@l2").endswith(" (l2)")
    assert metric_label("pds@l2") == "PDS (l2)" and metric_label("pds") == "PDS"
    assert "perturbation mean" in metric_name("r2_delta", "perturbation")
    assert View(metric="mse", ref="control").reference == "none"


@pytest.mark.parametrize("reference", ["", "ctrl", "perturbation mean"])
def test_a_reference_that_is_not_known_is_not_given_a_name(reference):
    for write in (metric_label, metric_name):
        with pytest.raises(UserError, match="There is no reference"):
            write("pearson_delta", reference)
    assert metric_label("pearson_delta", "published") == "rΔ"


def test_the_metric_of_a_score_table_is_taken_where_it_is_known():
    query = {"data": ["t"], "metric": ["edistance_score"]}
    assert View.from_query(query).metric == "l2"
    view = View.from_query(query, ["cor", "edistance_score"])
    assert view.metric == "edistance_score" and view.to_query() == query
    with pytest.raises(UserError):
        _ = view.reference  # the table knows it, not the view
    assert View.from_query({"metric": "pds@l1"}, ["pds@l1"]).metric == "pds"


@given(st.sampled_from(["all", "expressed:7", "de:3", "own:A;B"]), st.booleans())
def test_subset_words_round_trip(word, targets):
    subset = parse_subset(word + ("" if targets else "-targets"))
    assert subset.targets == targets
    assert subset.key == (f"own:{len(subset.own)}" if word.startswith("own") else word) + (
        "" if targets else "-targets"
    )


@pytest.mark.parametrize("word", ["", "everything", "de", "de:0", "de:x", "expressed:-3", "own:", "all:5"])
def test_subsets_that_do_not_exist(word):
    with pytest.raises(UserError, match="no gene subset"):
        parse_subset(word)
