"""The estimator: it learns, keeps the best epoch, repeats itself, saves, and reads any form."""

import json

import numpy as np
import pytest
import scipy.sparse
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from provenn.graph import DAGNNClassifier, SparseFeatures, gcn_normalize, normalize_rows

pytestmark = pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
N, CLASSES = 90, 3


@pytest.fixture(scope="module")
def problem():
    """Three groups, linked mostly within, with words of their own."""
    random = np.random.default_rng(0)
    y = np.repeat(np.arange(CLASSES), N // CLASSES)
    same = y[:, None] == y[None, :]
    linked = np.triu(random.random((N, N)) < np.where(same, 0.15, 0.01), 1)
    edges = np.stack(np.nonzero(linked)).astype(np.int64)
    x = (random.random((N, 12)) < 0.05 + 0.2 * (np.arange(12) % CLASSES == y[:, None])).astype(
        np.float32
    )
    train, val = np.zeros(N, bool), np.zeros(N, bool)
    train[::10], val[5::10] = True, True
    return x, edges, y, train, val


def small(**options) -> DAGNNClassifier:
    settings = {"hidden": 8, "max_epochs": 60, "dropout": 0.3, "weight_decay": 5e-4}
    return DAGNNClassifier(**{**settings, "random_state": 0, **options})


@pytest.fixture(scope="module")
def fitted(problem):
    return small().fit(*problem)


def test_it_learns_from_a_tenth_of_the_nodes(problem, fitted):
    _, _, y, train, _ = problem
    assert fitted.score(y, ~train) > 0.85
    assert fitted.score(y) > 0.85
    proba = fitted.predict_proba()
    assert proba.shape == (N, CLASSES)
    np.testing.assert_allclose(proba.sum(1), 1, rtol=1e-5)
    assert (fitted.predict() == proba.argmax(1)).all()
    scores = fitted.retainment_scores()
    assert scores.shape == (N, 11)
    assert ((scores > 0) & (scores < 1)).all()


def test_the_weights_are_those_of_the_lowest_validation_loss(problem, fitted):
    _, _, y, _, val = problem
    log_proba = np.log(fitted.predict_proba()[val, y[val]])
    lowest = fitted.history_["val_loss"].min()
    assert -log_proba.mean() == pytest.approx(lowest, rel=1e-5)
    assert fitted.best_epoch_ == fitted.history_["val_loss"].argmin() + 1
    assert len(fitted.history_["train_loss"]) == fitted.n_iter_


def test_a_seed_repeats_the_fit_and_leaves_the_generator(problem, fitted):
    state = torch.get_rng_state()
    again = small().fit(*problem)
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(again.predict_proba(), fitted.predict_proba())
    other = small(random_state=1).fit(*problem)
    assert (other.predict_proba() != fitted.predict_proba()).any()
    torch.manual_seed(0)
    drawn = small(random_state=None).fit(*problem)
    np.testing.assert_array_equal(drawn.predict_proba(), fitted.predict_proba())


def test_every_form_of_the_data_is_the_same_data(problem, fitted):
    x, edges, y, train, val = problem
    expected = fitted.predict_proba()
    both = np.concatenate([edges, edges[::-1]], 1)
    forms = {
        "tensors": (*(torch.from_numpy(a) for a in (x, edges, y, train, val)),),
        "scipy": (scipy.sparse.csr_matrix(x), edges, y, train, val),
        "sparse": (SparseFeatures(torch.from_numpy(x)), edges, y, train, val),
        "sparse tensor": (torch.from_numpy(x).to_sparse_csr(), edges, y, train, val),
        "both directions": (x, both, y, train, val),
        "adjacency": (x, gcn_normalize(torch.from_numpy(both), N), y, train, val),
        "double": (x.astype(np.float64), edges, y, train, val),
    }
    for name, form in forms.items():
        proba = small().fit(*form).predict_proba()
        np.testing.assert_allclose(proba, expected, atol=1e-3, err_msg=name)


def test_dense_features_stay_dense(problem):
    _, edges, y, train, val = problem
    x = np.random.default_rng(1).normal(size=(N, 4)) + y[:, None]
    classifier = small(normalize_features=False).fit(x, edges, y, train, val)
    assert classifier.score(y) > 0.6
    assert isinstance(classifier._graph[0], torch.Tensor)


def test_directed_edges_may_stay_directed(problem):
    x, edges, y, train, val = problem
    classifier = small(undirected=False).fit(x, edges, y, train, val)
    assert classifier._graph[1].edge_index.shape[1] == edges.shape[1] + N


def test_labels_of_any_kind_and_unknown_ones(problem, fitted):
    x, edges, y, train, val = problem
    names = np.array(["ab", "cd", "ef"])[y]
    names[~(train | val)] = "?"
    classifier = small().fit(x, edges, names, train, val)
    assert classifier.classes_.tolist() == ["ab", "cd", "ef"]
    assert (classifier.predict() == np.array(["ab", "cd", "ef"])[fitted.predict()]).all()


def test_another_graph_can_be_predicted(problem, fitted):
    x, edges, _, _, _ = problem
    order = np.random.default_rng(2).permutation(N)
    place = np.argsort(order)
    renamed = fitted.predict_proba(x[order], place[edges])
    np.testing.assert_allclose(renamed, fitted.predict_proba()[order], atol=1e-5)
    scores = fitted.retainment_scores(x[order], place[edges])
    np.testing.assert_allclose(scores, fitted.retainment_scores()[order], atol=1e-5)


def test_it_is_saved_without_its_graph(problem, fitted, tmp_path):
    x, edges, *_ = problem
    fitted.save(tmp_path)
    again = DAGNNClassifier.load(tmp_path)
    np.testing.assert_array_equal(again.predict_proba(x, edges), fitted.predict_proba())
    assert again.get_params() == fitted.get_params()
    with pytest.raises(ValueError, match="graphs are not saved"):
        again.predict()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda kept: kept.pop("classes"), "classes"),
        (lambda kept: kept.update(classes=[1, 2]), "3 classes"),
        (lambda kept: kept["parameters"].update(depth=3), "depth"),
    ],
)
def test_a_damaged_estimator_is_refused(fitted, tmp_path, change, says):
    fitted.save(tmp_path)
    path = tmp_path / "estimator.json"
    kept = json.loads(path.read_text())
    change(kept)
    path.write_text(json.dumps(kept))
    with pytest.raises(ValueError, match=says):
        DAGNNClassifier.load(tmp_path)
    path.write_text("{")
    with pytest.raises(ValueError, match="must be what save wrote"):
        DAGNNClassifier.load(tmp_path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"estimator\.json"):
        DAGNNClassifier.load(tmp_path)


def test_scikit_learns_manners(problem):
    classifier = clone(small(k=3))
    assert classifier.get_params()["k"] == 3
    for call in (classifier.predict, classifier.predict_proba, classifier.retainment_scores):
        with pytest.raises(NotFittedError):
            call()
    with pytest.raises(NotFittedError):
        classifier.save("nowhere")


def test_divergence_is_an_error(problem):
    with pytest.raises(ValueError, match="lr must be one at which training is stable"):
        small(lr=1e30, weight_decay=1e30, max_epochs=8, dropout=0.0).fit(*problem)


def test_features_are_divided_by_their_sums(problem, fitted):
    x, edges, y, train, val = problem
    given = normalize_rows(torch.from_numpy(x))
    proba = small(normalize_features=False).fit(given, edges, y, train, val).predict_proba()
    np.testing.assert_allclose(proba, fitted.predict_proba(), atol=1e-3)
