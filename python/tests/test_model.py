"""The package on the digits network and on small graphs."""
import gc
import os
import signal
import threading

import numpy as np
import pytest
import sinter

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DIGITS = os.path.join(ROOT, "examples", "digits")


@pytest.fixture(scope="module")
def digits():
    return sinter.compile(os.path.join(DIGITS, "digits.onnx"), shapes={"image": (4, 1, 8, 8)}, threads=2)


@pytest.fixture(scope="module")
def images():
    return np.load(os.path.join(DIGITS, "test_images.npy"))[:4]


@pytest.fixture(scope="module")
def logits():
    return np.load(os.path.join(DIGITS, "test_logits.npy"))[:4]


def test_call(digits, images, logits):
    assert np.allclose(digits(images), logits, atol=1e-4)
    assert np.array_equal(digits(image=images), digits(images))
    assert np.array_equal(digits.run({"image": images})["logits"], digits(images))


def test_questions(digits):
    assert digits.inputs == (sinter.TensorInfo("image", (4, 1, 8, 8), np.dtype("f4"), "f32", False),)
    assert digits.outputs[0].shape == (4, 10)
    assert digits.name == "digits" and "x86_64" in digits.target or digits.target
    assert digits.kernels and all(kernel.backend in ("llvm", "onednn") for kernel in digits.kernels)
    assert "image: f32 4x1x8x8" in repr(digits)
    digits.check_weights()


def test_arrays_are_used_in_place(digits, images):
    expected = digits(images)
    out = np.full((4, 10), np.nan, np.float32)
    assert digits(images, out=out) is out and np.array_equal(out, expected)
    spread = np.zeros((4, 1, 16, 24), np.float32)[:, :, ::2, ::3]
    spread[...] = images
    assert np.array_equal(digits(spread), expected)
    columns = np.zeros((10, 4), np.float32).T
    digits(np.asfortranarray(images), out=columns)
    assert np.array_equal(columns, expected)
    assert np.array_equal(digits(images[::-1]), expected[::-1])


def test_dlpack(digits, images):
    class Foreign:
        def __dlpack__(self, **keywords):
            return images.__dlpack__(**keywords)

        def __dlpack_device__(self):
            return images.__dlpack_device__()

    assert np.array_equal(digits(Foreign()), digits(images))


def test_results_are_new_arrays(digits, images):
    first = digits(images)
    kept = first.copy()
    digits(images * 0)
    assert np.array_equal(first, kept)


def test_save_and_load(digits, images, tmp_path):
    path = tmp_path / "digits.so"
    digits.save(path)
    for source in (path, str(path), path.read_bytes()):
        assert np.array_equal(sinter.Model.load(source, threads=1)(images), digits(images))
    with pytest.raises(sinter.Error) as caught:
        sinter.Model.load(path).save(path)
    assert caught.value.code == sinter.ErrorCode.UNSUPPORTED


def test_damaged_weights_are_found_on_request(digits, images, tmp_path):
    path, damaged = tmp_path / "digits.so", tmp_path / "damaged.so"
    digits.save(path)
    for source in (path, path.read_bytes()):
        assert np.array_equal(sinter.Model.load(source, check_weights=True)(images), digits(images))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4  # most of it is weights
    damaged.write_bytes(content)
    sinter.Model.load(damaged)
    for source in (damaged, bytes(content)):
        with pytest.raises(sinter.Error, match="the checksum of its weights differs"):
            sinter.Model.load(source, check_weights=True)


def test_save_after_fork(digits, tmp_path):
    """A process that forks compiles and saves in the child, too: no thread is left behind that the child would wait for."""
    digits.save(str(tmp_path / "parent.so"))
    child = os.fork()
    if child == 0:
        signal.alarm(100)
        sinter.compile(os.path.join(DIGITS, "digits.onnx"), dims={"batch": 1}).save(str(tmp_path / "child.so"))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert (tmp_path / "child.so").exists()


def test_explain(digits):
    explanation = digits.explain()
    assert explanation["summary"]["batch_norms"]
    assert any(row[0] == "stem.bn" and row[2] == "folded" for row in explanation.rows())
    assert "stem.bn" in str(explanation)
    assert "<td>stem.bn</td>" in explanation._repr_html_()


@pytest.mark.parametrize("call, part", [
    (lambda m, x: m(), "input 'image' is missing"),
    (lambda m, x: m(x, x), "has 1 inputs (image), but was given 2"),
    (lambda m, x: m(x, image=x), "given twice"),
    (lambda m, x: m(picture=x), "no input 'picture'; its inputs are: image"),
    (lambda m, x: m(x.astype("f8")), "must have the element type f32, but was given f64"),
    (lambda m, x: m(x[:2]), "must have the shape 4x1x8x8, but was given 2x1x8x8"),
    (lambda m, x: m(x.ravel()), "must have the shape 4x1x8x8, but was given one of rank 1"),
    (lambda m, x: m(x.astype("c8")), "unknown type"),
    (lambda m, x: m(x, out=np.zeros((4, 11), "f4")), "output 'logits' must have the shape 4x10"),
    (lambda m, x: m(x, out=np.broadcast_to(np.float32(0), (4, 10))), "cannot be written"),
    (lambda m, x: m(x, out=()), "has 1 outputs, but `out` has 0"),
])
def test_wrong_calls(digits, images, call, part):
    with pytest.raises(sinter.Error) as caught:
        call(digits, images)
    assert caught.value.code == sinter.ErrorCode.INVALID_ARGUMENT
    assert part in str(caught.value)
    digits(images)


def test_wrong_compilations(tmp_path):
    path = os.path.join(DIGITS, "digits.onnx")
    for options, code in (({"colour": "red"}, "INVALID_ARGUMENT"), ({"backend": "gpu"}, "INVALID_ARGUMENT"),
                          ({"open": False}, "INVALID_FILE"), ({"shapes": {"image": (-1,)}}, "INVALID_ARGUMENT")):
        with pytest.raises(sinter.Error) as caught:
            sinter.compile(path, **options)
        assert caught.value.code == sinter.ErrorCode[code]
    with pytest.raises(sinter.Error):
        sinter.compile(b"garbage")
    with pytest.raises(sinter.Error) as caught:
        sinter.Model.load(tmp_path / "missing.so")
    assert caught.value.code == sinter.ErrorCode.IO


def test_progress():
    stages = []

    def compile_digits(progress):
        return sinter.compile(os.path.join(DIGITS, "digits.onnx"), dims={"batch": 1}, progress=progress)

    compile_digits(lambda stage, fraction: stages.append((stage, fraction)))
    assert stages[0] == ("import", 0) and stages[-1] == ("link", 1)
    with pytest.raises(sinter.Error) as caught:
        compile_digits(lambda stage, fraction: fraction < 0.5)
    assert caught.value.code == sinter.ErrorCode.CANCELLED
    with pytest.raises(ZeroDivisionError):
        compile_digits(lambda stage, fraction: 1 / 0)


def test_isolate():
    def compile_digits(**options):
        return sinter.compile(os.path.join(DIGITS, "digits.onnx"), dims={"batch": 1}, **options)

    with pytest.raises(sinter.Error) as caught:
        compile_digits(isolate=True, isolate_memory=1)
    assert caught.value.code == sinter.ErrorCode.OUT_OF_MEMORY
    here, there = compile_digits(), compile_digits(isolate=True)
    assert [o.name for o in there.outputs] == [o.name for o in here.outputs]
    stages = []
    compile_digits(isolate=True, progress=lambda stage, fraction: stages.append(stage))
    assert stages[0] == "import" and stages[-1] == "link"


def test_threads(digits, images):
    expected = digits(images)
    wrong = []

    def work():
        for _ in range(50):
            if not np.array_equal(digits(images), expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_sessions_keep_their_model(images):
    session = sinter.compile(os.path.join(DIGITS, "digits.onnx"), shapes={"image": (4, 1, 8, 8)}).session(threads=1)
    gc.collect()
    assert session.threads == 1
    assert session.run([images])[0].shape == (4, 10)
