"""How Great Expectations is imported: without what nobody asks for, which is there when somebody does."""

import subprocess
import sys

from resources.settings import REPOSITORY

ASKED = """
import sys
from rag_assets.checks import library

expectations = library.load().expectations
print(*(name for name in sys.modules if name.startswith(("scipy.stats.", "altair."))))
import altair
import scipy.stats
from scipy.stats import norm
print(norm.cdf(0.0), scipy.stats.rankdata([3, 1, 2]).tolist(), altair.Chart.__name__)
assert not hasattr(altair, "Nothing")
print(expectations.ExpectColumnKLDivergenceToBeLessThan.__name__)
"""


def test_statistics_and_charts_are_imported_when_they_are_asked_for():
    done = subprocess.run([sys.executable, "-c", ASKED], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    said = "\n0.5 [3.0, 1.0, 2.0] Chart\nExpectColumnKLDivergenceToBeLessThan\n"
    assert (done.stdout, done.stderr) == (said, "")
