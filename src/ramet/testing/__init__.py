"""What a part of a method must keep, as checks that anybody runs on theirs (docs/extending.md).

    ramet.testing.check(Mine(setting=3))        # raises Broken, which says what is wrong

or each as a test of its own:

    @pytest.mark.parametrize("check", ramet.testing.checks(Mine(setting=3)), ids=str)
    def test_contract(check):
        check()
"""

from ramet.testing.check import Broken, Check, check, checks
from ramet.testing.engines import EngineCheck, check_engine, engine_checks

__all__ = ["Broken", "Check", "EngineCheck", "check", "check_engine", "checks", "engine_checks"]
