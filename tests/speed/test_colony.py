from ramet.system import System


def test_a_task_has_a_norm_a_head_and_two_blocks_of_its_own(colony: System) -> None:
    (root,) = colony.roots().values()
    shared = {c.digest for c in root.components}
    for path in colony.store.catalog.versions.published().values():
        own = [c.name for c in path.components if c.digest not in shared]
        assert tuple(own) == path.trained
        assert own[-2:] == ["norm", "head"]
        assert len(own) == 4
        assert all(name.startswith("block.") for name in own[:2])


def test_what_is_a_tasks_own_no_other_has(colony: System) -> None:
    own = [
        digest
        for path in colony.store.catalog.versions.published().values()
        for c in path.components
        if c.name in path.trained
        for digest in (c.digest, c.momentum)
    ]
    assert len(set(own)) == len(own) == 3 * 4 * 2


def test_it_is_a_whole_system(colony: System) -> None:
    assert colony.store.verify() == []
    assert colony.store.gc().objects == 0
    for status in colony.status():
        assert not status.unfinished
        assert len(status.shares_with) == 2
        assert status.trained_params is not None
        assert status.params is not None
        assert 0 < status.trained_params < status.params
