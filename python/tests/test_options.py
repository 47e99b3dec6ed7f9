"""Options: each of the table from Python, errors in Python's words, and what needs no model in memory."""
import os
import warnings

import numpy as np
import pytest
import sinter
from sinter._words import keyword, say, setting

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DIGITS = os.path.join(ROOT, "examples", "digits", "digits.onnx")


def test_each_option_has_a_keyword():
    options = sinter.options()
    names = [option.name for option in options]
    assert len(set(names)) == len(names) > 30
    for option in options:
        assert option.help and "--" not in option.help and "sinter_options_set" not in option.help, option
        # The others need more than a value, or take long.
        if option.values == "true|false" and option.name not in ("tune", "dump_weights", "isolate", "standalone", "verify_rewrites"):
            sinter.explain(DIGITS, dims={"batch": 1}, **{option.name: True})
    for named in ("shapes", "dims", "values", "input_ranges", "limits", "empty", "shape_sets", "precision", "tune", "dump_dir"):
        assert named in names, named
    with pytest.raises(sinter.Error, match="no option 'colour'; sinter.options"):
        sinter.compile(DIGITS, colour="red")


@pytest.mark.parametrize("option, value, words", [
    ("shape", "x=1x3x224x224", 'shapes={"x": (1, 3, 224, 224)}'), ("shape", "x=scalar", 'shapes={"x": ()}'),
    ("shape", "x=5", 'shapes={"x": (5,)}'), ("dim", "batch=4", 'dims={"batch": 4}'),
    ("dim", "batch=1..8:2", 'dims={"batch": "1..8:2"}'), ("limit", "ops=N", 'limits={"ops": N}'),
    ("input-range", "x=LO:HI", 'input_ranges={"x": (LO, HI)}'), ("empty", "s", 'empty=["s"]'), ("prune", "false", "prune=False"),
    ("backend", "llvm", 'backend="llvm"'), ("shapes", "x=1x3,n=4", 'shape_sets=[{"x": (1, 3), "n": (4,)}]')])
def test_words(option, value, words):
    assert setting(option, value) == words
    assert say(f'give it, sinter_options_set(..., "{option}", "{value}"), or not') == f"give it, {words}, or not"
    assert say(f"leave the option '{option}' out") == f"leave {keyword(option)}= out"


def test_errors_name_keywords():
    with pytest.raises(sinter.Error, match=r'shapes=\{"image": \(1, 1, 8, 8\)\}, or the dimension, dims=\{"batch": 1\}'):
        sinter.compile(DIGITS, open=False)
    with pytest.raises(sinter.Error, match="dump_weights= requires dump_dir="):
        sinter.compile(DIGITS, dims={"batch": 1}, dump_weights=True)
    with pytest.raises(sinter.Error, match='math="strict" promises roundings'):
        sinter.explain(DIGITS, dims={"batch": 1}, math="strict", backend="onednn")
    with pytest.raises(sinter.Error, match="there is no limit 'speed'"):
        sinter.compile(DIGITS, limits={"speed": 1})


def test_files_and_explanations(tmp_path):
    library = tmp_path / "digits.so"
    sinter.compile_to_file(DIGITS, library, shape_sets=[{"batch": 1}, {"batch": 2}])
    model = sinter.Model.load(library)
    for batch in (1, 2):
        assert model(np.zeros((batch, 1, 8, 8), np.float32)).shape == (batch, 10)
    sinter.compile_to_file(DIGITS, tmp_path / "digits.o", emit="obj", standalone=True, symbol="d", dims={"batch": 1})
    assert (tmp_path / "digits.h").exists()
    explanation = sinter.explain(DIGITS, dims={"batch": 1})
    assert any(row[0] == "stem.bn" for row in explanation.rows())
    reasons = " ".join(row[4] for row in sinter.compile(DIGITS, dims={"batch": 1}).explain().rows())
    assert "input_ranges=" in reasons and "the option" not in reasons, reasons


def test_warnings(tmp_path):
    cache = tmp_path / "cache.json"
    cache.write_text("no cache")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sinter.compile(DIGITS, dims={"batch": 1}, tune_cache=cache)
    assert any("tune_cache=" in str(warning.message) for warning in caught)
