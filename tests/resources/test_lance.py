"""How LanceDB is imported: without what nobody asks for, which is there when somebody does."""

import subprocess
import sys

from resources.settings import REPOSITORY

ASKED = """
import sys
from resources import lance

library = lance.load()
assert library.connect(sys.argv[1]).list_tables().tables == []
print(*(name for name in sys.modules if name.startswith(f"{lance.REST_CLIENT}.api")))
import lance_namespace_urllib3_client
print(lance_namespace_urllib3_client.ApiClient.__name__, lance_namespace_urllib3_client.TableApi.__name__)
assert not hasattr(lance_namespace_urllib3_client, "Nothing")
"""


def test_the_rest_client_is_imported_when_it_is_asked_for(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", ASKED, str(tmp_path)], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("\nApiClient TableApi\n", "")
