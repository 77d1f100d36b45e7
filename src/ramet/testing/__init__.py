"""What a part of a method must keep, as checks that anybody runs on theirs (docs/extending.md).

    ramet.testing.check(Mine(setting=3))        # raises Broken, which says what is wrong

or each as a test of its own:

    @pytest.mark.parametrize("check", ramet.testing.checks(Mine(setting=3)), ids=str)
    def test_contract(check):
        check()
"""

from ramet.testing.check import check, checks
from ramet.testing.components import check_kind
from ramet.testing.engines import check_engine, engine_checks
from ramet.testing.sources import check_source
from ramet.testing.steady import Broken, Check

__all__ = ["Broken", "Check", "check", "check_engine", "check_kind", "check_source", "checks", "engine_checks"]
