from harness.load.conversations import Conversations


def begun(pool, *ids):
    for id_ in ids:
        pool.give_back(pool.begun(id_))


def test_a_lent_conversation_is_not_lent_again_until_it_is_back():
    pool = Conversations()
    begun(pool, "a", "b", "c")

    lent = [pool.lend(pick) for pick in (0.5, 0.99, 0.0)]

    assert {one.id for one in lent} == {"a", "b", "c"}
    assert pool.lend(0.0) is None
    pool.give_back(lent[0])
    assert pool.lend(0.7) is lent[0]


def test_any_looks_at_busy_ones_too():
    pool = Conversations()
    assert pool.any(0.5) is None
    begun(pool, "a", "b")
    pool.lend(0.0)
    pool.lend(0.0)
    assert pool.any(0.0).id == "a"
    assert pool.any(0.999).id == "b"
    assert pool.knows("a")
    assert not pool.knows("z")


def test_acknowledged_messages_are_told_in_order():
    conversation = Conversations().begun("a")
    conversation.messages += [("u1", "a1"), ("u2", "a2")]
    assert conversation.acknowledged() == ("u1", "a1", "u2", "a2")
