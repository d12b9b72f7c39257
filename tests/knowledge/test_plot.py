"""Plots: an image that every browser can read, whatever the labels say."""

from xml.etree import ElementTree

from knowledge.plot import bars

SVG = "{http://www.w3.org/2000/svg}"


def widths(image: str) -> list[float]:
    return [float(rect.attrib["width"]) for rect in ElementTree.fromstring(image).iter(f"{SVG}rect")]


def test_the_longest_bar_fills_the_width_and_the_others_are_in_proportion():
    longest, half, none = widths(bars([("a", 10), ("b", 5), ("c", 0)]))
    assert longest == 2 * half
    assert none == 0


def test_labels_are_text_whatever_stands_in_them():
    image = bars([('<script>alert("x")</script> & sons', 1), ("n" * 200, 12_345)])
    texts = [text.text for text in ElementTree.fromstring(image).iter(f"{SVG}text")]
    assert texts == ['<script>alert("x")</script>…', "1", "n" * 27 + "…", "12,345"]


def test_no_rows_are_an_empty_image():
    assert widths(bars([])) == []
    assert widths(bars([("nothing", 0)])) == [0]
