"""Models whose shapes are open, in Python."""
import os
import threading

import numpy as np
import pytest
import sinter

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DIGITS = os.path.join(ROOT, "examples", "digits")


@pytest.fixture(scope="module")
def digits():
    return sinter.compile(os.path.join(DIGITS, "digits.onnx"), threads=2)


@pytest.fixture(scope="module")
def images():
    return np.load(os.path.join(DIGITS, "test_images.npy"))


@pytest.fixture(scope="module")
def logits():
    return np.load(os.path.join(DIGITS, "test_logits.npy"))


def test_runs_at_the_shapes_of_the_arrays(digits, images, logits):
    assert digits.is_open and digits.inputs[0].shape == (-1, 1, 8, 8)
    assert "image: f32 ?x1x8x8" in repr(digits)
    for count in (1, 3, 7, 3):
        y = digits(images[:count])
        assert y.shape == (count, 10) and np.allclose(y, logits[:count], atol=1e-4)
        assert np.array_equal(digits(images[: 2 * count : 2]), digits(images[: 2 * count : 2].copy()))
    out = np.empty((3, 10), np.float32)
    assert digits(images[:3], out=out) is out and np.array_equal(out, digits(images[:3]))


@pytest.mark.parametrize("sizes", [range(1, 8, 3), "1..7:3"])
def test_declared_sizes(images, sizes):
    model = sinter.compile(os.path.join(DIGITS, "digits.onnx"), dims={"batch": sizes})
    assert model(images[:4]).shape == (4, 10)
    with pytest.raises(sinter.Error, match=r"the size 5, which dims=\{\"batch\": \"1..7:3\"\} does not allow"):
        model(images[:5])


def test_wrong_sizes():
    for sizes, match in ((range(7, 1, -1), "must ascend"), (range(3, 3), "is empty"), ("7..1", "LO..HI"), (-1, "0 or more")):
        with pytest.raises(sinter.Error, match=match):
            sinter.compile(os.path.join(DIGITS, "digits.onnx"), dims={"batch": sizes})


def test_results_outlive_the_next_run(digits, images):
    first = digits(images[:2])
    kept = first.copy()
    digits(images[2:4])
    assert np.array_equal(first, kept)


def test_specialised_ahead(digits, images, tmp_path):
    four = digits.specialise(image=(4, 1, 8, 8))
    assert not four.is_open and four.inputs[0].shape == (4, 1, 8, 8) and four.kernels and four.explain()
    expected = digits(images[:4])
    assert np.array_equal(four(images[:4]), expected)
    assert np.array_equal(digits.specialise(image=images[:4])(images[:4]), expected)
    path = tmp_path / "four.so"
    four.save(path)
    assert np.array_equal(sinter.Model.load(path)(images[:4]), expected)
    for wrong, match in (({}, "missing"), ({"image": (4, 1, 8)}, r"\?x1x8x8"),
                         ({"image": (4, 1, 8, 8), "other": (1,)}, "no input 'other'")):
        with pytest.raises(sinter.Error, match=match):
            digits.specialise(**wrong)


def test_what_an_open_model_cannot_do(digits, tmp_path):
    assert digits.kernels == [] and digits.explain() == {}
    with pytest.raises(sinter.Error, match="sinter_model_specialise") as caught:
        digits.save(tmp_path / "m.so")
    assert caught.value.code == sinter.ErrorCode.UNSUPPORTED
    with pytest.raises(sinter.Error, match="dynamic dimension"):
        sinter.compile(os.path.join(DIGITS, "digits.onnx"), open=False)
    with pytest.raises(sinter.Error, match=r"\?x1x8x8, but was given one of rank 3"):
        digits(np.zeros((2, 8, 8), np.float32))


def test_threads_share_it(digits, images, logits):
    wrong = []

    def work(start):
        for count in (1, 2, 5, 9):
            if not np.allclose(digits(images[start : start + count]), logits[start : start + count], atol=1e-4):
                wrong.append((start, count))

    threads = [threading.Thread(target=work, args=(start,)) for start in (0, 10, 20, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_values_that_are_shapes():
    helper = pytest.importorskip("onnx.helper")
    element = helper.TensorProto
    graph = helper.make_graph(
        [helper.make_node("Reshape", ["x", "shape"], ["y"])], "g",
        [helper.make_tensor_value_info("x", element.FLOAT, [6]), helper.make_tensor_value_info("shape", element.INT64, [2])],
        [helper.make_tensor_value_info("y", element.FLOAT, None)])
    model = sinter.compile(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), open=True)
    x = np.arange(6, dtype=np.float32)
    for shape in ((2, 3), (3, 2), (-1, 1), (2, 3)):
        assert np.array_equal(model(x, np.array(shape, np.int64)), x.reshape(shape))
